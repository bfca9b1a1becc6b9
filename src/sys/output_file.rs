//! Writes a file that the user named: the target of `--output`, or the configuration that `login` changes.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{bounded_read, drafts, os};

/// More symbolic links in a row are a cycle: Linux has the same limit.
const MAX_LINKS: usize = 40;

/// Why the file was not written. It is as it was.
#[derive(Debug)]
pub enum WriteError {
    /// The path does not lead to a regular file.
    NotAFile(&'static str),
    /// The system refuses, or somebody else's symbolic link is in the way.
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

/// Replaces the file's content: private, whatever it was before. Missing directories are created, and drafts that killed
/// processes left are removed. What root writes to the directory of another user belongs to that user.
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

/// What the file holds that [`write`] would replace; nothing where there is none. Fails with
/// [`io::ErrorKind::FileTooLarge`] where it holds more than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, WriteError> {
    match bounded_read::regular_file(&resolve(path)?, limit) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => Ok(result.map(Some)?),
    }
}

/// Fails where no file can be written in the directory, or where root would write to the directory of another user: to be
/// known before a person answers questions for it. A directory that is missing is not created.
pub fn check_dir(dir: &Path) -> io::Result<()> {
    if let Some(owner) = os::other_owner_of_place(dir)? {
        let problem = format!("the directory belongs to user {owner}, and this is root");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    let nearest = dir.ancestors().find(|dir| dir.exists()).unwrap_or(dir);
    // What was killed here left an empty one.
    drafts::remove_abandoned(nearest).ok();
    drafts::create(nearest).map(drop)
}

/// Where the file really is, or would be. Nothing is created.
pub fn resolve(path: &Path) -> Result<PathBuf, WriteError> {
    let target = follow_links(path.to_owned())?;
    if target.file_name().is_none() {
        return Err(WriteError::NotAFile("that is no file's name"));
    }
    // A rename would replace a device by a file; for root even /dev/null.
    if fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(WriteError::NotAFile("it is no regular file"));
    }
    let nearest = dir_of(&target).ancestors().find_map(|dir| fs::metadata(dir).ok());
    if nearest.is_some_and(|metadata| !metadata.is_dir()) {
        return Err(WriteError::Io(os::not_a_directory()));
    }
    Ok(target)
}

/// Follows a link, as editors do, so that it stays a link. Not one that somebody else made, which could lead to any file
/// of ours, nor `/dev/stdout` and the like.
fn follow_links(mut path: PathBuf) -> Result<PathBuf, WriteError> {
    for _ in 0..MAX_LINKS {
        let Some(link) = fs::symlink_metadata(&path).ok().filter(|metadata| metadata.is_symlink()) else {
            return Ok(path);
        };
        if ![os::current_user(), os::ROOT].contains(&os::owner(&link)) {
            let reason = "it is a symbolic link that somebody else made";
            return Err(WriteError::Io(io::Error::new(io::ErrorKind::PermissionDenied, reason)));
        }
        let dir = fs::canonicalize(dir_of(&path))?;
        if os::is_process_file(&dir) {
            return Err(WriteError::NotAFile("it is no regular file"));
        }
        path = dir.join(fs::read_link(&path)?);
    }
    Err(WriteError::NotAFile("its symbolic links have no end"))
}

/// The directory of the path's last part.
pub fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
