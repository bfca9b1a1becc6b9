//! Files and directories. What is below the user's profile is the user's alone, by the access rights that it inherits;
//! no other place counts as private.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf, absolute};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use directories::BaseDirs;
use winapi_util::Handle;
use winapi_util::file::information;

use super::error_codes::{
    ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, ERROR_STOPPED_ON_SYMLINK,
};
use crate::sys::lock_holder::LockHolder;
use crate::sys::random;

/// The program's own directories below the platform's ones for configuration and cache.
pub const CONFIG_DIR: &str = r"spotinst-cred\config";
pub const CACHE_DIR: &str = r"spotinst-cred\cache";

/// Opens a symbolic link itself, not what it leads to.
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// Opens a directory, too.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

/// How long a file that somebody has open is tried again: a virus scanner or an indexer takes milliseconds. Together
/// with the time of an exchange it must be shorter than the wait for the lock.
const PATIENCE: Duration = Duration::from_millis(500);

/// The longest pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Tries again while somebody else has the file open in a way that forbids it.
fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(error) if is_in_use(&error) && Instant::now() < deadline => {
                thread::sleep(PAUSE.mul_f64(random::fraction()));
            }
            result => return result,
        }
    }
}

fn is_in_use(error: &io::Error) -> bool {
    let in_use = [ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION];
    error.raw_os_error().is_some_and(|code| in_use.contains(&code))
}

/// Opens for reading, not through a symbolic link.
pub fn open_no_follow(path: &Path) -> io::Result<File> {
    open_file(OpenOptions::new().read(true), path)
}

/// The same for a private file to lock, created if it is missing.
pub fn open_or_create_no_follow(path: &Path) -> io::Result<File> {
    open_file(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)
}

/// Opens an existing file to lock it.
pub fn open_to_lock(path: &Path) -> io::Result<File> {
    open_file(OpenOptions::new().read(true).write(true), path)
}

/// A file that is being replaced cannot be opened for a moment.
fn open_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Callers check the type and refuse a directory, as on Unix. A retry would not help: no directory is being replaced.
    let file = if path.is_dir() {
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS).open(path)?
    } else {
        let options = options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
        patiently(|| options.open(path))?
    };
    match file.metadata()?.is_symlink() {
        true => Err(io::Error::from_raw_os_error(ERROR_STOPPED_ON_SYMLINK)),
        false => Ok(file),
    }
}

/// Opens for reading. A directory can be opened, too, so that callers can say what it is.
pub fn open_nonblocking(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

/// Creates a file for writing. It must not exist yet.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Opens for reading and appending, created if it is missing.
pub fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// Moves a file to the place of another one, which readers see until then.
pub fn replace(file: &Path, target: &Path) -> io::Result<()> {
    // A directory is never replaced, however often it is tried.
    if target.is_dir() { fs::rename(file, target) } else { patiently(|| fs::rename(file, target)) }
}

/// NTFS journals its directories, so there is nothing to sync.
pub fn sync_dir(_dir: &Path) {}

/// Creates a directory and its parents, below the user's profile.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    if !is_private_place(dir) {
        let problem = "it is not below your user profile, so other users may read and write there";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    fs::create_dir_all(dir)
}

/// The same for a file that the user named, anywhere.
pub fn create_private_dir_for_owner(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

fn is_private_place(path: &Path) -> bool {
    static PROFILE: LazyLock<Option<PathBuf>> = LazyLock::new(|| Some(BaseDirs::new()?.home_dir().to_owned()));
    // Without `..`, and with the links of what exists resolved, where that is possible.
    let real = |path: &Path| path.ancestors().find_map(|above| fs::canonicalize(above).ok());
    let is_below = |profile: &PathBuf| {
        let path = absolute(path).ok()?;
        Some(real(&path)?.starts_with(fs::canonicalize(profile).ok()?))
    };
    PROFILE.as_ref().and_then(is_below).unwrap_or(false)
}

/// Files have an owner's access rights already.
pub fn give_to_owner_of(_dir: &Path, _file: &File) -> io::Result<()> {
    Ok(())
}

/// There is no root whose files would be in a user's way.
pub fn other_owner_of_place(_path: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}

/// There is no root.
pub fn root_home() -> io::Result<Option<PathBuf>> {
    Ok(None)
}

/// The names in a directory that are Unicode.
pub fn file_names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Whether the path leads to this very file, and not to another one of its name.
pub fn is_at(file: &File, path: &Path) -> bool {
    let id =
        |information: winapi_util::file::Information| (information.volume_serial_number(), information.file_index());
    let at_path = open_no_follow(path).and_then(information).map(id);
    let own = file.try_clone().map(Handle::from_file).and_then(information).map(id);
    matches!((at_path, own), (Ok(at_path), Ok(own)) if at_path == own)
}

/// All users' numbers are one: whose a file is depends on its place alone.
pub fn owner(_file: &Metadata) -> u32 {
    0
}

pub fn current_user() -> u32 {
    0
}

/// Nobody's number.
pub const ROOT: u32 = u32::MAX;

/// Whether one file holds all root certificates: Windows has a certificate store instead.
pub const HAS_ROOTS_BUNDLE: bool = false;

/// The system does not tell who holds a lock.
pub fn lock_holder(_path: &Path) -> Option<LockHolder> {
    None
}

/// The command that lists the processes of this program: no command shows which one has a file open.
pub fn find_process(_file: &Path) -> String {
    "tasklist /fi \"imagename eq spotinst-cred.exe\"".to_owned()
}

/// Whether anybody but the owner may read or write the file at the path.
pub fn is_accessible_by_others(path: &Path, _file: &Metadata) -> bool {
    !is_private_place(path)
}

/// Not told by the file's attributes.
pub fn is_open_to_all(_dir: &Metadata) -> bool {
    false
}

/// Not told by the file's attributes.
pub fn is_world_writable(_file: &Metadata) -> bool {
    false
}

/// Whether it is a device, such as `NUL`.
pub fn is_char_device(file: &Metadata) -> bool {
    !file.is_file() && !file.is_dir() && !file.is_symlink()
}

/// Whether the file could not be opened because it is a symbolic link.
pub fn is_symlink_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_STOPPED_ON_SYMLINK)
}

/// The error of a path that leads through a file.
pub fn not_a_directory() -> io::Error {
    io::ErrorKind::NotADirectory.into()
}

/// The error of a program that is not there.
pub fn not_found() -> io::Error {
    io::Error::from_raw_os_error(ERROR_FILE_NOT_FOUND)
}

/// Whether the path leads to an open file of a process.
pub fn is_process_file(_dir: &Path) -> bool {
    false
}
