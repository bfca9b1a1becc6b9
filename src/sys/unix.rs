//! The operating system's part that differs elsewhere, for Unix.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, fchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;

use rustix::fs::{Access, Dir, FileType, OFlags, access, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpgrp, kill_process, kill_process_group};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGINT, SIGQUIT};

use super::signals::{self, Undo, UndoGuard};

/// Opens for reading: neither through a symbolic link nor blocked by a FIFO or a device.
pub fn open_no_follow(path: &Path) -> io::Result<File> {
    options(OFlags::NOFOLLOW | OFlags::NONBLOCK).read(true).open(path)
}

/// The same for a private file to lock, created if it is missing.
pub fn open_or_create_no_follow(path: &Path) -> io::Result<File> {
    let mut options = options(OFlags::NOFOLLOW | OFlags::NONBLOCK);
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Opens an existing file to lock it. For writing, too, as NFS locks no other file.
pub fn open_to_lock(path: &Path) -> io::Result<File> {
    options(OFlags::NOFOLLOW | OFlags::NONBLOCK).read(true).write(true).open(path)
}

/// Opens for reading, without blocking on a FIFO that nobody writes to.
pub fn open_nonblocking(path: &Path) -> io::Result<File> {
    options(OFlags::NONBLOCK).read(true).open(path)
}

/// Creates a file for writing that only its owner can read. It must not exist yet.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Opens for reading and appending, created private if it is missing.
pub fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

fn options(flags: OFlags) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(flags.bits().cast_signed());
    options
}

/// Creates a directory and its parents, 0700. Existing ones are left as they are.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The same for a file that the user named: what root creates below the directory of another user belongs to that user.
pub fn create_private_dir_for_owner(dir: &Path) -> io::Result<()> {
    if other_owner_of_place(dir)?.is_none() {
        return create_private_dir(dir);
    }
    let missing: Vec<_> = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    for dir in missing.into_iter().rev() {
        create_private_dir(dir)?;
        let created = options(OFlags::NOFOLLOW | OFlags::DIRECTORY).read(true).open(dir)?;
        // That user could have put another directory of root's in its place.
        if names(&created)?.iter().all(|name| [".", ".."].contains(&name.as_str())) {
            give_to_owner_of(dir.parent().unwrap_or(dir), &created)?;
        }
    }
    Ok(())
}

/// Gives an open file, or directory, to the owner of its directory, where this is root and the owner another user. In
/// some containers root may not give files away, or the owner has no id: then it stays root's.
pub fn give_to_owner_of(dir: &Path, file: &File) -> io::Result<()> {
    if current_user() != ROOT {
        return Ok(());
    }
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir }.metadata()?;
    if dir.uid() == ROOT {
        return Ok(());
    }
    match fchown(file, Some(dir.uid()), Some(dir.gid())) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// The user to whom what is created at this path would belong by its place: the owner of the nearest directory that
/// exists. Nothing unless this is root, and that another user.
pub fn other_owner_of_place(path: &Path) -> io::Result<Option<u32>> {
    if current_user() != ROOT {
        return Ok(None);
    }
    let mut place = path;
    loop {
        let dir = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match dir.metadata() {
            Ok(metadata) => return Ok(Some(metadata.uid()).filter(|&owner| owner != ROOT)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
        let Some(above) = place.parent() else {
            return Ok(None);
        };
        place = above;
    }
}

/// Root's home by the user database, whatever `HOME` says.
pub fn root_home() -> io::Result<Option<PathBuf>> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let home = |line: &str| {
        let mut fields = line.split(':').skip(2);
        (fields.next()? == "0").then(|| fields.nth(2))?.filter(|home| home.starts_with('/')).map(PathBuf::from)
    };
    Ok(users.lines().find_map(home))
}

/// The names in a directory that are UTF-8. The standard library's listing panics where a directory cannot be closed.
pub fn file_names(dir: &Path) -> io::Result<Vec<String>> {
    names(&File::open(dir)?)
}

fn names(dir: &File) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        names.extend(entry?.file_name().to_str().map(str::to_owned));
    }
    Ok(names)
}

/// Whether the path leads to this very file, and not to another one of its name.
pub fn is_at(file: &Metadata, path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|other| is_same_file(&other, file))
}

/// The user id of the file's owner.
pub fn owner(file: &Metadata) -> u32 {
    file.uid()
}

/// Whether both are one file.
pub fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The user id that this process acts as. It never changes, so the kernel is asked once.
pub fn current_user() -> u32 {
    static USER: OnceLock<u32> = OnceLock::new();
    *USER.get_or_init(|| rustix::process::geteuid().as_raw())
}

/// The user id of root.
pub const ROOT: u32 = 0;

/// Whether one file holds all root certificates, and the directory beside it only repeats them.
pub const HAS_ROOTS_BUNDLE: bool = cfg!(target_os = "linux");

/// Whether anybody but the owner may read or write the file.
pub fn is_accessible_by_others(file: &Metadata) -> bool {
    file.mode() & 0o077 != 0
}

/// Whether every user may replace the files of this directory. In a sticky one only a file's owner may.
pub fn is_open_to_all(dir: &Metadata) -> bool {
    dir.mode() & 0o1002 == 0o002
}

/// Whether every user may write the file.
pub fn is_world_writable(file: &Metadata) -> bool {
    file.mode() & 0o002 != 0
}

/// Whether it is a character device, such as `/dev/null`.
pub fn is_char_device(file: &Metadata) -> bool {
    file.file_type().is_char_device()
}

/// Whether the file could not be opened because it is a symbolic link.
pub fn is_symlink_error(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

/// The error of a path that leads through a file.
pub fn not_a_directory() -> io::Error {
    Errno::NOTDIR.into()
}

/// Tells the kernel to write no core file of this process, and to let only root read its memory or environment.
///
/// By the process's own flag and not by `RLIMIT_CORE`: programs that are run from here would inherit a limit, while the
/// flag is reset by `exec`. The price is that only root can attach a debugger. Only Linux has such a flag.
pub fn deny_core_dumps() {
    #[cfg(target_os = "linux")]
    // A kernel that refuses leaves things as they are for every other program too.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}

/// Replaces this process by the command; so exit status and signals are the command's own. Returns only on failure.
pub fn exec(command: &mut Command) -> io::Error {
    command.exec()
}

/// Starts the command in a process group of its own, so that it can be killed with its children.
pub fn isolate(command: &mut Command) {
    command.process_group(0);
}

/// Starts the command under this name, whatever the name of its file.
pub fn set_name(command: &mut Command, name: &OsStr) {
    command.arg0(name);
}

/// Whether the path leads to a program that this process may run.
pub fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// The error of a program that is not there.
pub fn not_found() -> io::Error {
    Errno::NOENT.into()
}

/// Kills a process and its children: its group where it has one of its own. One that has just ended needs no killing.
pub fn kill(child: Pid, is_group: bool) {
    if is_group {
        let _ = kill_process_group(child, Signal::KILL);
    } else {
        send_to_tree(child, Signal::KILL);
    }
}

/// Passes a signal on to a process and its children that share this process's group.
pub fn pass_on(child: Pid, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        send_to_tree(child, signal);
    }
}

/// Sends a signal to a process and its descendants, as far as the system lists them: Linux does.
fn send_to_tree(root: Pid, signal: Signal) {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        let threads = format!("/proc/{}/task", process.as_raw_nonzero());
        for thread in file_names(Path::new(&threads)).unwrap_or_default() {
            let children = fs::read_to_string(format!("{threads}/{thread}/children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)));
        }
        next += 1;
    }
    for process in found {
        let _ = kill_process(process, signal);
    }
}

/// The child's id for [`kill`], which stays valid when the child is handed to another thread.
pub fn process_id(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Whether a person may be asked, on stderr or on the terminal that controls this process.
pub fn has_terminal() -> bool {
    io::stderr().is_terminal() || File::open("/dev/tty").is_ok()
}

/// Whether the path leads to an open file of a process, such as `/dev/stdout`: to be written to, not to be replaced.
pub fn is_process_file(dir: &Path) -> bool {
    dir.starts_with("/proc")
}

/// Reads stdin once, into the buffer: the standard library's own buffer would keep a copy.
pub fn read_stdin(buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(io::stdin(), &mut *buffer) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// What stdout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdoutKind {
    Closed,
    /// `/dev/null`: a write would do nothing.
    Discarded,
    Terminal,
    Other,
}

/// What stdout is. The standard library opens `/dev/null` for reading and writing in place of a closed one.
///
/// Some hosts open it in that way themselves, to discard all output. As they use it for stderr too, one that is stderr as
/// well does not count as closed: an error could not be shown anyway.
pub fn stdout_kind() -> StdoutKind {
    let stdout = io::stdout();
    // Most often a pipe or a file: one system call.
    let Some(file) = fstat(&stdout).ok().filter(|file| FileType::from_raw_mode(file.st_mode).is_char_device()) else {
        return StdoutKind::Other;
    };
    if !is_null_device(file.st_rdev) {
        return if stdout.is_terminal() { StdoutKind::Terminal } else { StdoutKind::Other };
    }
    match fcntl_getfl(&stdout) {
        Ok(flags) if flags & OFlags::RWMODE == OFlags::RDWR && !is_stderr(&stdout, flags) => StdoutKind::Closed,
        Ok(flags) if flags & OFlags::RWMODE != OFlags::RDONLY => StdoutKind::Discarded,
        _ => StdoutKind::Other,
    }
}

#[cfg(target_os = "linux")]
fn is_null_device(device: rustix::fs::Dev) -> bool {
    device == rustix::fs::makedev(1, 3)
}

#[cfg(not(target_os = "linux"))]
fn is_null_device(device: rustix::fs::Dev) -> bool {
    rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == device)
}

/// Whether stderr is the same open file as stdout, `/dev/null`: then a change of the flags is seen there. The flag that is
/// tried out has no effect on that device.
fn is_stderr(stdout: &io::Stdout, flags: OFlags) -> bool {
    let before = fcntl_getfl(io::stderr());
    if fcntl_setfl(stdout, flags ^ OFlags::NONBLOCK).is_err() {
        return false;
    }
    let is_stderr = fcntl_getfl(io::stderr()) != before;
    let _ = fcntl_setfl(stdout, flags);
    is_stderr
}

/// Writes to stdout once. The standard library's own function does not report a closed one.
pub fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(io::stdout(), bytes) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Whether a stream is closed, or not open for what was tried.
pub fn is_not_open_error(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::BADF)
}

/// Turns the terminal's echo off while it lives; a signal turns it on again before it ends the process.
///
/// The keys that make a signal do not meanwhile: the interrupt and quit keys end the line, and [`HiddenInput::signal`]
/// recognizes them; a stopped process would leave the terminal as it is. The terminal still does the line editing.
pub struct HiddenInput {
    before: Termios,
    _undo: UndoGuard,
}

impl HiddenInput {
    /// Ctrl-C and Ctrl-\.
    const KEYS: [(u8, i32); 2] = [(0x03, SIGINT), (0x1c, SIGQUIT)];

    /// What was typed before is discarded: the terminal has shown it.
    pub fn start() -> io::Result<Self> {
        let (before, _undo) = signals::with_undo(|| {
            let before = tcgetattr(io::stdin())?;
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
            let [(interrupt, _), (quit, _)] = Self::KEYS;
            hidden.special_codes[SpecialCodeIndex::VEOL] = interrupt;
            hidden.special_codes[SpecialCodeIndex::VEOL2] = quit;
            tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
            let modes = before.clone();
            let undo: Undo = Box::new(move |_| restore(&modes));
            Ok((before, undo))
        })?;
        Ok(Self { before, _undo })
    }

    /// The signal of the key that ended the line, if it is the interrupt or quit key.
    pub fn signal(line: &[u8]) -> Option<i32> {
        let last = line.last()?;
        Self::KEYS.into_iter().find_map(|(key, signal)| (key == *last).then_some(signal))
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        restore(&self.before);
    }
}

/// Gives the terminal these modes. One that is gone, or is another program's now, needs no restoring.
fn restore(modes: &Termios) {
    if tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground == getpgrp()) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
    }
}
