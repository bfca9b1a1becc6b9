//! Locks on files outside the cache, by flock(2): the kernel frees one when its holder dies.

use std::fs::File;
use std::io;

/// Tries to lock without waiting; returns whether the file is locked, until it is closed.
#[expect(clippy::disallowed_methods, reason = "the one place that locks outside the cache")]
pub fn try_lock(file: &File) -> io::Result<bool> {
    // By its full path: the standard library has methods of these names, too.
    match fs2::FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => Ok(false),
        Err(error) => Err(error),
    }
}
