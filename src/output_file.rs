//! The file of `--output`: for programs that read a file and run no helper.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};
use crate::random;
use crate::replacement::{self, Replacement};

/// More links in a row than this are a circle: Linux has the same limit.
const MOST_LINKS: usize = 40;

/// Replaces the file's content: 0600, whatever it was before.
///
/// # Errors
/// The file cannot be written, or is no regular file.
pub fn write(path: &Path, document: &[u8]) -> Result<(), Failure> {
    replace(path, document).map_err(|error| {
        let failure = Failure::new(Kind::Other, format!("cannot write {}: {error}", path.display()));
        match error.kind() {
            ErrorKind::InvalidInput => failure.hint("name a regular file; without --output the token goes to stdout"),
            _ => failure.hint("check the path, its permissions and the room on the disk"),
        }
    })
}

fn replace(path: &Path, document: &[u8]) -> io::Result<()> {
    let place = resolve(path.to_owned())?;
    if place.file_name().is_none() {
        return Err(refused(ErrorKind::InvalidInput, "that is no file's name"));
    }
    let dir = dir_of(&place);
    // A rename would put a file in the place of a device; as root even in that of /dev/null.
    if fs::metadata(&place).is_ok_and(|about| !about.is_file()) {
        return Err(refused(ErrorKind::InvalidInput, "it is no regular file"));
    }
    replacement::make_dir(dir)?;
    // Without the file's own name, which may be as long as the file system allows.
    let draft = format!(".spotinst-cred.{}.tmp", random::name());
    Replacement::create(dir.join(draft))?.publish(document, &place)
}

/// Where the file really is. A link is followed, as editors do, so that it stays a link. Not so one that somebody else
/// put there, which could lead to any file of ours, and not so `/dev/stdout` and the like: what is open there is to be
/// written to, not replaced.
fn resolve(mut path: PathBuf) -> io::Result<PathBuf> {
    let us = rustix::process::geteuid().as_raw();
    for _ in 0..MOST_LINKS {
        let Some(about) = fs::symlink_metadata(&path).ok().filter(|about| about.is_symlink()) else {
            return Ok(path);
        };
        if about.uid() != us && about.uid() != 0 {
            return Err(refused(ErrorKind::PermissionDenied, "it is a symbolic link that somebody else made"));
        }
        let dir = fs::canonicalize(dir_of(&path))?;
        if dir.starts_with("/proc") {
            return Err(refused(ErrorKind::InvalidInput, "it is no regular file"));
        }
        path = dir.join(fs::read_link(&path)?);
    }
    Err(refused(ErrorKind::InvalidInput, "its symbolic links have no end"))
}

/// The directory that the path's last part is in.
fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn refused(kind: ErrorKind, why: &str) -> io::Error {
    io::Error::new(kind, why)
}
