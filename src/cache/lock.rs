//! The lock file of a cache file. It is never renamed or deleted, so that all processes lock the same inode. The kernel
//! releases the lock when its holder exits.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::{os, random, timeout};

/// The longest pause between two tries if no thread can be spawned to wait.
const POLL: Duration = Duration::from_millis(40);

/// Holds the lock until it is dropped or the process exits.
#[derive(Debug)]
pub struct Guard {
    file: File,
    path: PathBuf,
}

impl Guard {
    /// Whether the path still refers to the locked file. A cleanup job may have removed it, and another process may
    /// have locked a new one.
    pub fn is_current(&self) -> bool {
        os::is_at(&self.file, &self.path)
    }
}

/// The outcome of trying to lock. "Held" and "unavailable" differ: a caller waits for a held lock, and continues
/// without a lock if locking is unavailable.
#[derive(Debug)]
pub enum LockOutcome<T> {
    Acquired(T),
    /// Another process holds it, and did so until the deadline.
    Held,
    /// Locking fails here: read-only file system, no lock support, permission denied, or the path is not a regular
    /// file.
    Unavailable(io::Error),
}

/// Tries to lock without waiting.
pub fn try_lock(path: &Path) -> LockOutcome<Guard> {
    match open(path) {
        Ok(file) => try_lock_file(file, path).unwrap_or_else(|_file| LockOutcome::Held),
        Err(error) => LockOutcome::Unavailable(error),
    }
}

/// Locks, and waits for the current holder until the deadline. Calls `on_wait` once before it waits.
///
/// A thread that is abandoned at the deadline blocks in the kernel: it gets the lock as soon as it is released, without
/// polling.
pub fn lock_until(path: &Path, deadline: Instant, on_wait: impl FnOnce()) -> LockOutcome<Guard> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) => return LockOutcome::Unavailable(error),
    };
    let file = match try_lock_file(file, path) {
        Ok(outcome) => return outcome,
        Err(file) => file,
    };
    on_wait();
    let own_path = path.to_owned();
    match timeout::run_with_deadline(deadline, move || wait(file, own_path)) {
        Ok(outcome) => outcome,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => LockOutcome::Held,
        // No thread can be spawned, and the lock is still held.
        Err(_) => poll(path, deadline),
    }
}

/// Retries at random intervals.
fn poll(path: &Path, deadline: Instant) -> LockOutcome<Guard> {
    loop {
        match try_lock(path) {
            LockOutcome::Held if Instant::now() < deadline => thread::sleep(POLL.mul_f64(random::fraction())),
            outcome => return outcome,
        }
    }
}

/// Whether a process holds the lock. Creates nothing and blocks nobody, because it takes a shared lock and releases it
/// immediately. Fails if the file cannot be opened or locked, or belongs to another user.
#[expect(clippy::disallowed_methods, reason = "the one place that locks")]
pub fn is_held(path: &Path) -> io::Result<bool> {
    let file = match os::open_no_follow(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    check(&file)?;
    match fs2::FileExt::try_lock_shared(&file) {
        Ok(()) => Ok(false),
        Err(error) if is_contended(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Opens the lock file, created if it is missing.
fn open(path: &Path) -> io::Result<File> {
    let file = os::open_or_create_no_follow(path)?;
    check(&file)?;
    Ok(file)
}

fn check(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    // In a directory that other users can write to, one of them could create the lock file first and hold it
    // indefinitely.
    let owner = os::owner(&metadata);
    if owner != os::current_user() {
        let problem = format!("the lock file belongs to user {owner}");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    Ok(())
}

/// Tries once without waiting. Returns the file if another process holds the lock.
#[expect(clippy::disallowed_methods, reason = "the one place that locks")]
fn try_lock_file(file: File, path: &Path) -> Result<LockOutcome<Guard>, File> {
    loop {
        // Called by its full path, because the standard library has methods of the same name.
        match fs2::FileExt::try_lock_exclusive(&file) {
            Ok(()) => return Ok(LockOutcome::Acquired(Guard { file, path: path.to_owned() })),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_contended(&error) => return Err(file),
            Err(error) => return Ok(LockOutcome::Unavailable(error)),
        }
    }
}

/// Waits for the lock, without a time limit.
#[expect(clippy::disallowed_methods, reason = "the one place that locks")]
fn wait(file: File, path: PathBuf) -> LockOutcome<Guard> {
    loop {
        match fs2::FileExt::lock_exclusive(&file) {
            Ok(()) => return LockOutcome::Acquired(Guard { file, path }),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return LockOutcome::Unavailable(error),
        }
    }
}

/// Whether the error means that another process holds the lock. Compares the error number, because the kind differs
/// between operating systems.
fn is_contended(error: &io::Error) -> bool {
    error.raw_os_error() == fs2::lock_contended_error().raw_os_error()
}
