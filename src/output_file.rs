//! A file that its user named: that of `--output`, for programs that read a file and run no helper, and the
//! configuration that `login` changes.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::random;
use crate::replacement::{self, Replacement};

/// More links in a row than this are a circle: Linux has the same limit.
const MOST_LINKS: usize = 40;

/// Why the file is as it was.
#[derive(Debug)]
pub enum Unwritten {
    /// It is not one that can be replaced: it is none, or what its path leads to.
    NoFile(&'static str),
    /// The system refuses, or somebody else's link is in the way.
    Refused(io::Error),
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unwritten::NoFile(why) => f.write_str(why),
            Unwritten::Refused(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Refused(error)
    }
}

/// Replaces the file's content: 0600, whatever it was before.
///
/// # Errors
/// The file cannot be written, or is no regular file.
pub fn write(path: &Path, document: &[u8]) -> Result<(), Unwritten> {
    let place = place(path)?;
    let dir = dir_of(&place);
    replacement::make_dir(dir)?;
    // Without the file's own name, which may be as long as the file system allows.
    let draft = format!(".spotinst-cred.{}.tmp", random::name());
    Ok(Replacement::create(dir.join(draft))?.publish(document, &place)?)
}

/// Where the file really is, there or not. Nothing is made.
///
/// # Errors
/// What is there is no regular file, or no file can be there.
pub fn place(path: &Path) -> Result<PathBuf, Unwritten> {
    let place = resolve(path.to_owned())?;
    if place.file_name().is_none() {
        return Err(Unwritten::NoFile("that is no file's name"));
    }
    // A rename would put a file in the place of a device; as root even in that of /dev/null.
    if fs::metadata(&place).is_ok_and(|about| !about.is_file()) {
        return Err(Unwritten::NoFile("it is no regular file"));
    }
    let above = dir_of(&place).ancestors().find_map(|dir| fs::metadata(dir).ok());
    if above.is_some_and(|about| !about.is_dir()) {
        return Err(Unwritten::Refused(Errno::NOTDIR.into()));
    }
    Ok(place)
}

/// Follows a link, as editors do, so that it stays a link. Not so one that somebody else put there, which could lead to
/// any file of ours, and not so `/dev/stdout` and the like: what is open there is to be written to, not replaced.
fn resolve(mut path: PathBuf) -> Result<PathBuf, Unwritten> {
    let us = rustix::process::geteuid().as_raw();
    for _ in 0..MOST_LINKS {
        let Some(about) = fs::symlink_metadata(&path).ok().filter(|about| about.is_symlink()) else {
            return Ok(path);
        };
        if about.uid() != us && about.uid() != 0 {
            let why = "it is a symbolic link that somebody else made";
            return Err(Unwritten::Refused(io::Error::new(ErrorKind::PermissionDenied, why)));
        }
        let dir = fs::canonicalize(dir_of(&path))?;
        if dir.starts_with("/proc") {
            return Err(Unwritten::NoFile("it is no regular file"));
        }
        path = dir.join(fs::read_link(&path)?);
    }
    Err(Unwritten::NoFile("its symbolic links have no end"))
}

/// The directory that the path's last part is in.
fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
