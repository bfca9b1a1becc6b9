//! File locks outside the cache, by flock(2). The kernel releases a lock when its holder exits.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use super::{os, timeout};
use crate::error::Error;

/// Tries to lock without waiting. Returns whether the file is now locked; the lock lasts until the file is closed.
#[expect(clippy::disallowed_methods, reason = "the one place that locks outside the cache")]
pub fn try_lock(file: &File) -> io::Result<bool> {
    // Called by its full path, because the standard library has methods of the same name.
    match fs2::FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Locks the file at `path`, created if missing, until the returned file is closed. Without lock support in the file
/// system, it returns the file unlocked.
///
/// Fails with [`io::ErrorKind::TimedOut`] if another process holds it until the deadline, and with
/// [`io::ErrorKind::PermissionDenied`] if it belongs to another user, who could hold it indefinitely.
pub fn lock_until(path: &Path, deadline: Instant) -> io::Result<File> {
    let file = os::open_or_create_no_follow(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if os::owner(&metadata) != os::current_user() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the lock file belongs to another user"));
    }
    match try_lock(&file) {
        Ok(false) => timeout::run_with_deadline(deadline, move || wait(file))?,
        Ok(true) | Err(_) => Ok(file),
    }
}

/// The error for a lock that another process held until the deadline. Looks up the holder only now, because that is
/// slow.
pub fn timed_out(other: &str, path: &Path) -> Error {
    let problem = format!("timed out waiting for another {other}");
    match os::lock_holder(path) {
        Some(holder) => Error::temporary(format!("{problem} ({holder})"))
            .hint(format!("try again; if this keeps happening, end that process: kill {}", holder.pid)),
        None => Error::temporary(format!("{problem} (lock {})", path.display()))
            .hint(format!("try again; if this keeps happening, find the process with `{}`", os::find_process(path))),
    }
}

/// Waits for the lock, without a time limit.
#[expect(clippy::disallowed_methods, reason = "the one place that locks outside the cache")]
fn wait(file: File) -> io::Result<File> {
    loop {
        match fs2::FileExt::lock_exclusive(&file) {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
