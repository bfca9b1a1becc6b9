//! Files and directories: opened safely, private, and whose they are.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Dir, OFlags};
use rustix::io::Errno;

/// The program's own directories below the platform's ones for configuration and cache.
pub const CONFIG_DIR: &str = "spotinst-cred";
pub const CACHE_DIR: &str = "spotinst-cred";

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

/// Moves a file to the place of another one, which readers see until then.
pub fn replace(file: &Path, target: &Path) -> io::Result<()> {
    fs::rename(file, target)
}

/// Makes the names in a directory survive a power loss, where that is possible.
pub fn sync_dir(dir: &Path) {
    File::open(dir).and_then(|dir| dir.sync_all()).ok();
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
pub fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let at_path = fs::symlink_metadata(path).map(id);
    at_path.is_ok_and(|at_path| file.metadata().is_ok_and(|metadata| id(metadata) == at_path))
}

/// The user id of the file's owner.
pub fn owner(file: &Metadata) -> u32 {
    file.uid()
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

/// Whether anybody but the owner may read or write the file at the path.
pub fn is_accessible_by_others(_path: &Path, file: &Metadata) -> bool {
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

/// Whether the path leads to an open file of a process, such as `/dev/stdout`: to be written to, not to be replaced.
pub fn is_process_file(dir: &Path) -> bool {
    dir.starts_with("/proc")
}
