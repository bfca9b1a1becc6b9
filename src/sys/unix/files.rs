//! Opens and creates files and directories safely, and tells who owns them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Dir, OFlags};
use rustix::io::Errno;

use crate::sys::missing::is_missing;

/// The program's directories below the platform's configuration and cache directories.
pub const CONFIG_DIR: &str = "spotinst-cred";
pub const CACHE_DIR: &str = "spotinst-cred";

/// Opens for reading. Does not follow a symbolic link, and does not block on a FIFO or device.
pub fn open_no_follow(path: &Path) -> io::Result<File> {
    options(OFlags::NOFOLLOW | OFlags::NONBLOCK).read(true).open(path)
}

/// Opens a private lock file in the same way, and creates it if it is missing.
pub fn open_or_create_no_follow(path: &Path) -> io::Result<File> {
    let mut options = options(OFlags::NOFOLLOW | OFlags::NONBLOCK);
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Opens an existing file to lock it. For writing, too, because NFS cannot lock a file that is open only for reading.
pub fn open_to_lock(path: &Path) -> io::Result<File> {
    options(OFlags::NOFOLLOW | OFlags::NONBLOCK).read(true).write(true).open(path)
}

/// Opens for reading, without blocking on a FIFO that has no writer.
pub fn open_nonblocking(path: &Path) -> io::Result<File> {
    options(OFlags::NONBLOCK).read(true).open(path)
}

/// Creates a file for writing that only its owner can read. Fails if it exists.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Opens for reading and appending. Creates a private file if it is missing.
pub fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

fn options(flags: OFlags) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(flags.bits().cast_signed());
    options
}

/// Replaces `target` with a file atomically.
pub fn replace(file: &Path, target: &Path) -> io::Result<()> {
    fs::rename(file, target)
}

/// Syncs a directory, if possible, so that its entries survive a power loss.
pub fn sync_dir(dir: &Path) {
    File::open(dir).and_then(|dir| dir.sync_all()).ok();
}

/// Creates a directory and its parents with mode 0700. Existing ones are not changed.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Creates the directory of a file that the user named. Directories that root creates below another user's directory
/// belong to that user.
pub fn create_private_dir_for_owner(dir: &Path) -> io::Result<()> {
    if other_owner_of_place(dir)?.is_none() {
        return create_private_dir(dir);
    }
    let missing: Vec<_> = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    for dir in missing.into_iter().rev() {
        create_private_dir(dir)?;
        let created = options(OFlags::NOFOLLOW | OFlags::DIRECTORY).read(true).open(dir)?;
        // That user could have replaced it with another directory of root.
        if names(&created)?.iter().all(|name| [".", ".."].contains(&name.as_str())) {
            give_to_owner_of(dir.parent().unwrap_or(dir), &created)?;
        }
    }
    Ok(())
}

/// If this process runs as root, changes the owner of an open file or directory to the owner of its directory. In some
/// containers root cannot change owners, or the owner has no mapped id: then the file stays root's.
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

/// The owner of the nearest existing directory of this path, if this process runs as root and the owner is another
/// user.
pub fn other_owner_of_place(path: &Path) -> io::Result<Option<u32>> {
    if current_user() != ROOT {
        return Ok(None);
    }
    let mut place = path;
    loop {
        let dir = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match dir.metadata() {
            Ok(metadata) => return Ok(Some(metadata.uid()).filter(|&owner| owner != ROOT)),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error),
        }
        let Some(above) = place.parent() else {
            return Ok(None);
        };
        place = above;
    }
}

/// Root's home directory in the user database. `HOME` is ignored.
pub fn root_home() -> io::Result<Option<PathBuf>> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let home = |line: &str| {
        let mut fields = line.split(':').skip(2);
        (fields.next()? == "0").then(|| fields.nth(2))?.filter(|home| home.starts_with('/')).map(PathBuf::from)
    };
    Ok(users.lines().find_map(home))
}

/// The names in a directory that are UTF-8. Not `fs::read_dir`, which panics if it cannot close the directory.
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

/// Whether the path still refers to this open file, and not to a new one of the same name.
pub fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let at_path = fs::symlink_metadata(path).map(id);
    at_path.is_ok_and(|at_path| file.metadata().is_ok_and(|metadata| id(metadata) == at_path))
}

/// The user id of the file's owner.
pub fn owner(file: &Metadata) -> u32 {
    file.uid()
}

/// The effective user id. It never changes, so it is cached.
pub fn current_user() -> u32 {
    static USER: OnceLock<u32> = OnceLock::new();
    *USER.get_or_init(|| rustix::process::geteuid().as_raw())
}

/// The user id of root.
pub const ROOT: u32 = 0;

/// Whether the system has one file of all root certificates, so that the directory of single ones is redundant.
pub const HAS_ROOTS_BUNDLE: bool = cfg!(target_os = "linux");

/// Whether other users can read or write the file at the path.
pub fn is_accessible_by_others(_path: &Path, file: &Metadata) -> bool {
    file.mode() & 0o077 != 0
}

/// Whether every user can replace the files in this directory. In a sticky directory only a file's owner can.
pub fn is_open_to_all(dir: &Metadata) -> bool {
    dir.mode() & 0o1002 == 0o002
}

/// Whether every user can write the file.
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

/// The error for a path that has a file where it needs a directory.
pub fn not_a_directory() -> io::Error {
    Errno::NOTDIR.into()
}

/// Whether the path refers to an open file of a process, such as `/dev/stdout`, which must not be replaced.
pub fn is_process_file(dir: &Path) -> bool {
    dir.starts_with("/proc")
}
