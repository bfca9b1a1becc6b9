//! Writes a file that the user named: the target of `--output`, or the configuration file that `login` changes.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{bounded_read, drafts, os};

/// The maximum length of a chain of symbolic links; Linux has the same limit.
const MAX_LINKS: usize = 40;

/// Why the file was not written. The file is unchanged.
#[derive(Debug)]
pub enum WriteError {
    /// The path does not lead to a regular file.
    NotAFile(&'static str),
    /// An I/O error, or a symbolic link that another user created.
    Io(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFile(reason) => f.write_str(reason),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Replaces the file's content. The new file is private, even if the old one was not. Creates missing directories, and
/// removes drafts that killed processes left. A file that root writes to another user's directory belongs to that user.
pub fn write(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    let target = resolve(path)?;
    let dir = dir_of(&target);
    os::create_private_dir_for_owner(dir)?;
    // A directory that cannot be listed may still be writable.
    drafts::remove_abandoned(dir).ok();
    let draft = drafts::create(dir)?;
    os::give_to_owner_of(dir, draft.file())?;
    Ok(draft.publish(content, &target)?)
}

/// Reads the file that [`write()`] would replace; nothing if there is none. Fails with [`io::ErrorKind::FileTooLarge`] if
/// it has more than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, WriteError> {
    match bounded_read::regular_file(&resolve(path)?, limit) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => Ok(result.map(Some)?),
    }
}

/// Fails if no file can be written in the directory, or if root would write to another user's directory. `login` calls
/// this before it asks questions. Does not create a missing directory.
pub fn check_dir(dir: &Path) -> io::Result<()> {
    if let Some(owner) = os::other_owner_of_place(dir)? {
        let problem = format!("the directory belongs to user {owner}, and you are root");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    let nearest = dir.ancestors().find(|dir| dir.exists()).unwrap_or(dir);
    // What was killed here left an empty one.
    drafts::remove_abandoned(nearest).ok();
    drafts::create(nearest).map(drop)
}

/// The path of the file after following symbolic links, even if it does not exist yet. Creates nothing.
pub fn resolve(path: &Path) -> Result<PathBuf, WriteError> {
    let target = follow_links(path.to_owned())?;
    if target.file_name().is_none() {
        return Err(WriteError::NotAFile("the path does not end in a file name"));
    }
    // A rename would replace a device with a file; as root even `/dev/null`.
    if fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(WriteError::NotAFile("it is not a regular file"));
    }
    let nearest = dir_of(&target).ancestors().find_map(|dir| fs::metadata(dir).ok());
    if nearest.is_some_and(|metadata| !metadata.is_dir()) {
        return Err(WriteError::Io(os::not_a_directory()));
    }
    Ok(target)
}

/// Follows a symbolic link, so that it stays a link, as editors do. Refuses links that another user created, because
/// they could lead to any of this user's files, and links such as `/dev/stdout`.
fn follow_links(mut path: PathBuf) -> Result<PathBuf, WriteError> {
    for _ in 0..MAX_LINKS {
        let Some(link) = fs::symlink_metadata(&path).ok().filter(|metadata| metadata.is_symlink()) else {
            return Ok(path);
        };
        if ![os::current_user(), os::ROOT].contains(&os::owner(&link)) {
            let reason = "it is a symbolic link that another user created";
            return Err(WriteError::Io(io::Error::new(io::ErrorKind::PermissionDenied, reason)));
        }
        let dir = fs::canonicalize(dir_of(&path))?;
        if os::is_process_file(&dir) {
            return Err(WriteError::NotAFile("it is not a regular file"));
        }
        path = dir.join(fs::read_link(&path)?);
    }
    Err(WriteError::NotAFile("too many levels of symbolic links"))
}

/// The directory that contains the path's last component.
pub fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
