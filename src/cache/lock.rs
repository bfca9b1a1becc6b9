//! The lock file: one file beside each cache entry, never renamed and never deleted, so that everybody who opens it
//! locks the same inode. The kernel frees the lock when its holder dies.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Instant;

use rustix::fs::OFlags;

use crate::patience;

/// Holds the lock until it is dropped, or the process ends however it ends.
#[derive(Debug)]
pub struct Guard {
    _file: File,
}

/// How an attempt to lock ended. "Cannot lock here" is not "somebody holds it": the one goes on without a lock,
/// the other waits.
#[derive(Debug)]
pub enum Attempt {
    /// The lock is ours.
    Locked(Guard),
    /// Somebody else holds it, and did so for as long as was waited.
    Held,
    /// There is no locking here: a read-only or odd file system, no permission, something else in the file's place.
    Impossible(io::Error),
}

/// Tries to lock without waiting.
pub fn try_lock(path: &Path) -> Attempt {
    match open(path) {
        Ok(file) => attempt(file).unwrap_or_else(|_file| Attempt::Held),
        Err(error) => Attempt::Impossible(error),
    }
}

/// Locks, waiting for the present holder until `deadline`.
///
/// The wait is the kernel's own, in a thread that is left behind when time runs out: it wakes as soon as the lock is
/// free, costs nothing while it waits, and needs no interval to be chosen.
pub fn lock_until(path: &Path, deadline: Instant, on_wait: impl FnOnce()) -> Attempt {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) => return Attempt::Impossible(error),
    };
    let file = match attempt(file) {
        Ok(ended) => return ended,
        Err(file) => file,
    };
    on_wait();
    match patience::until(deadline, move || wait(file)) {
        Ok(ended) => ended,
        Err(error) if error.kind() == ErrorKind::TimedOut => Attempt::Held,
        Err(error) => Attempt::Impossible(error),
    }
}

/// Whether somebody holds the lock. Nothing is made, and nobody who only asks is in another's way: the lock that is
/// tried is a shared one, and given back at once.
///
/// # Errors
/// The file is there and cannot be opened or locked.
#[expect(clippy::disallowed_methods, reason = "the one place that locks")]
pub fn is_held(path: &Path) -> io::Result<bool> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match fs2::FileExt::try_lock_shared(&file) {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}

/// Opens the lock file, made if it is missing. Not through a link, and never stuck on a FIFO or a device.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    // Where others can write to the directory, one of them could make the lock file first and hold it for ever.
    if about.uid() != rustix::process::geteuid().as_raw() {
        let problem = format!("the lock file belongs to user {}", about.uid());
        return Err(io::Error::new(ErrorKind::PermissionDenied, problem));
    }
    Ok(file)
}

/// One try without waiting; gives the file back where somebody else holds the lock.
#[expect(clippy::disallowed_methods, reason = "the one place that locks")]
fn attempt(file: File) -> Result<Attempt, File> {
    loop {
        // By its full path: the standard library has methods of these names too.
        match fs2::FileExt::try_lock_exclusive(&file) {
            Ok(()) => return Ok(Attempt::Locked(Guard { _file: file })),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(file),
            Err(error) => return Ok(Attempt::Impossible(error)),
        }
    }
}

/// Waits for the lock without end.
#[expect(clippy::disallowed_methods, reason = "the one place that locks")]
fn wait(file: File) -> Attempt {
    loop {
        match fs2::FileExt::lock_exclusive(&file) {
            Ok(()) => return Attempt::Locked(Guard { _file: file }),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Attempt::Impossible(error),
        }
    }
}
