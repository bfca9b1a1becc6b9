//! The lock file: one beside each cache file, never renamed and never deleted, so that everybody who opens it locks the
//! same inode. The kernel frees the lock when its holder dies.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::{os, random, timeout};

/// The longest pause between two tries where no thread can wait.
const POLL: Duration = Duration::from_millis(40);

/// Holds the lock until it is dropped, or the process ends however it ends.
#[derive(Debug)]
pub struct Guard {
    file: File,
    path: PathBuf,
}

impl Guard {
    /// Whether the locked file is still the one at its path. A cleaner may have removed it, and another process may have
    /// locked a new one.
    pub fn is_current(&self) -> bool {
        os::is_at(&self.file, &self.path)
    }
}

/// The outcome of trying to lock. "Cannot lock here" is not "somebody holds it": the one goes on without a lock, the
/// other waits.
#[derive(Debug)]
pub enum LockOutcome<T> {
    Acquired(T),
    /// Somebody else holds it, and did so until the deadline.
    Held,
    /// There is no locking here: a read-only or odd file system, no permission, something else in the file's place.
    Unavailable(io::Error),
}

/// Tries to lock without waiting.
pub fn try_lock(path: &Path) -> LockOutcome<Guard> {
    match open(path) {
        Ok(file) => try_lock_file(file, path).unwrap_or_else(|_file| LockOutcome::Held),
        Err(error) => LockOutcome::Unavailable(error),
    }
}

/// Locks, waiting for the present holder until the deadline; `on_wait` is called once if there is a wait.
///
/// The wait is the kernel's own, on a thread that is abandoned at the deadline: it wakes as soon as the lock is free,
/// costs nothing while it waits, and needs no polling interval.
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
        // No thread can be started. The lock is still held.
        Err(_) => poll(path, deadline),
    }
}

/// Tries again and again, at random intervals.
fn poll(path: &Path, deadline: Instant) -> LockOutcome<Guard> {
    loop {
        match try_lock(path) {
            LockOutcome::Held if Instant::now() < deadline => thread::sleep(POLL.mul_f64(random::fraction())),
            outcome => return outcome,
        }
    }
}

/// Whether somebody holds the lock. Nothing is created, and nobody is blocked: the lock tried is a shared one, and
/// released at once. Fails where the file cannot be opened or locked, or is none of ours.
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
    // Where others can write to the directory, one of them could create the lock file first and hold it for ever.
    let owner = os::owner(&metadata);
    if owner != os::current_user() {
        let problem = format!("the lock file belongs to user {owner}");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    Ok(())
}

/// One try without waiting; returns the file where somebody else holds the lock.
#[expect(clippy::disallowed_methods, reason = "the one place that locks")]
fn try_lock_file(file: File, path: &Path) -> Result<LockOutcome<Guard>, File> {
    loop {
        // By its full path: the standard library has methods of these names, too.
        match fs2::FileExt::try_lock_exclusive(&file) {
            Ok(()) => return Ok(LockOutcome::Acquired(Guard { file, path: path.to_owned() })),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_contended(&error) => return Err(file),
            Err(error) => return Ok(LockOutcome::Unavailable(error)),
        }
    }
}

/// Waits for the lock without end.
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

/// Whether somebody else holds the lock. By the error's number, as its kind differs between operating systems.
fn is_contended(error: &io::Error) -> bool {
    error.raw_os_error() == fs2::lock_contended_error().raw_os_error()
}
