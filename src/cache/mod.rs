//! The cache: one file per identity. Reading needs no lock; writing does.
//!
//! The types enforce the order: [`Cache::read`] returns an entry, only locking returns a [`CacheLock`], only a lock
//! returns a [`PendingEntry`], and only a pending entry can be published, once.

pub mod entry;
mod gc;
mod lock;
pub mod read_error;
mod revocation;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use lock::LockOutcome;
pub use read_error::ReadError;

use crate::error::{Error, Result};
use crate::settings;
use crate::sys::atomic_file::AtomicFile;
use crate::sys::lock_holder::LockHolder;
use crate::sys::{bounded_read, digest, env, file_lock, os, printer, random};
use entry::Entry;

/// The maximum size of an entry, in bytes. A larger file is not an entry.
const MAX_ENTRY: u64 = 256 * 1024;

/// The maximum number of tries to lock. A lock file that is removed this often is removed on purpose.
const MAX_TRIES: u32 = 16;

/// The disk space to reserve before a refresh token is used; any entry fits.
const RESERVED: usize = 16 * 1024;

/// The cache of one identity: its file, lock file and directory.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    identity: String,
}

impl Cache {
    /// The cache in `dir` of the identity that these parts define. Different identities have different files.
    pub fn new(dir: PathBuf, identity: &[impl AsRef<str>]) -> Self {
        let parts = identity.iter().map(|part| part.as_ref().as_bytes());
        Self { dir, identity: digest::name(&entry::VERSION.to_le_bytes(), parts) }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name of the identity.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    pub fn path(&self) -> PathBuf {
        self.dir.join(format!("{}.token", self.identity))
    }

    pub fn lock_path(&self) -> PathBuf {
        self.dir.join(format!("{}.lock", self.identity))
    }

    /// Reads the entry without a lock. Returns an empty one if there is none that can be used.
    pub fn read(&self) -> Entry {
        self.try_read().unwrap_or_default()
    }

    /// Reads the entry without a lock, or returns why there is none.
    pub fn try_read(&self) -> std::result::Result<Entry, ReadError> {
        let path = self.path();
        let file = os::open_no_follow(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(ReadError::NotAFile);
        }
        if os::owner(&metadata) != os::current_user() {
            return Err(ReadError::WrongOwner);
        }
        if os::is_accessible_by_others(&path, &metadata) {
            return Err(ReadError::InsecurePermissions);
        }
        let bytes = bounded_read::read(file, metadata.len(), MAX_ENTRY)?;
        Entry::decode(&bytes, &self.identity).ok_or(ReadError::Corrupt)
    }

    /// Whether a process holds the lock now. Fails if the lock file cannot be opened or locked.
    pub fn is_locked(&self) -> io::Result<bool> {
        lock::is_held(&self.lock_path())
    }

    /// The process that holds the lock, if the system can tell.
    pub fn lock_holder(&self) -> Option<LockHolder> {
        os::lock_holder(&self.lock_path())
    }

    /// Tries to lock, without waiting.
    pub fn try_lock(&self) -> LockOutcome<CacheLock<'_>> {
        self.locked(lock::try_lock)
    }

    /// Waits for the lock until the deadline, but not if its holder waits for this process.
    pub fn lock_until(&self, deadline: Instant) -> LockOutcome<CacheLock<'_>> {
        // The holder waits for this process, so waiting would be a deadlock. It still tries to lock, because the
        // variable may be left over from an outer call that has exited.
        if env::is_inside_refresh_of(&self.identity) {
            return self.try_lock();
        }
        let mut progress = None;
        let mut on_wait = || {
            let holder = "another spotinst-cred that is getting a token";
            printer::debug(|| format!("the lock is held by {holder}"));
            progress = printer::progress(holder);
        };
        self.locked(|path| lock::lock_until(path, deadline, &mut on_wait))
    }

    /// Locks the file at the path. If a cleanup job removed it, or its directory, in the meantime, creates it again.
    fn locked(&self, mut lock: impl FnMut(&Path) -> LockOutcome<lock::Guard>) -> LockOutcome<CacheLock<'_>> {
        let mut tries = 0;
        loop {
            if let Err(error) = self.create_dir() {
                return LockOutcome::Unavailable(error);
            }
            tries += 1;
            match lock(&self.lock_path()) {
                LockOutcome::Acquired(guard) if guard.is_current() => {
                    return LockOutcome::Acquired(CacheLock { cache: self, guard });
                }
                LockOutcome::Unavailable(error) if error.kind() != io::ErrorKind::NotFound => {
                    return LockOutcome::Unavailable(error);
                }
                LockOutcome::Held => return LockOutcome::Held,
                // The file was removed while this process waited.
                _ if tries < MAX_TRIES => {}
                _ => return LockOutcome::Held,
            }
        }
    }

    /// The lock, or the error for a command that needs it.
    pub fn require<'a>(&'a self, outcome: LockOutcome<CacheLock<'a>>) -> Result<CacheLock<'a>> {
        match outcome {
            LockOutcome::Acquired(lock) => Ok(lock),
            LockOutcome::Held => Err(self.held_error()),
            LockOutcome::Unavailable(error) => {
                let problem = format!("cannot lock {}: {error}", self.lock_path().display());
                let cache_dir = settings::CACHE_DIR.flag();
                Err(Error::other(problem)
                    .hint(format!("check the permissions of its directory, or choose another one with {cache_dir}")))
            }
        }
    }

    /// The error for a lock that another process holds.
    pub fn held_error(&self) -> Error {
        let path = self.lock_path();
        if env::is_inside_refresh_of(&self.identity) {
            let holder = "the spotinst-cred that runs this one";
            return Error::config(format!("{} is locked by {holder}: the command runs itself", path.display()))
                .hint(settings::another_profile_hint());
        }
        file_lock::timed_out("spotinst-cred", &path)
    }

    /// The error if the entry of a login cannot be read at the moment.
    pub fn unreadable(&self, error: &io::Error) -> Error {
        Error::other(format!("cannot read {}, which stores the login: {error}", self.path().display()))
            .hint("try again; if this keeps happening, check the file and its disk")
    }

    /// Publishes the result of a request after the lock file was removed, unless another process has published since
    /// the revision `began_with`, or holds the new lock.
    fn publish_after_loss(&self, entry: &Entry, began_with: &str) -> io::Result<()> {
        match self.try_lock() {
            LockOutcome::Acquired(lock) => {
                let present = lock.try_read()?.revision;
                if present.is_empty() || present == began_with {
                    lock.reserve()?.publish(entry, began_with)
                } else {
                    Ok(())
                }
            }
            LockOutcome::Held => Ok(()),
            LockOutcome::Unavailable(error) => Err(error),
        }
    }

    /// Creates the directory, or uses an existing one unchanged. The exception: root does not write to another user's
    /// directory, because that user could no longer use it (`sudo` keeps `HOME` on many systems).
    fn create_dir(&self) -> io::Result<()> {
        os::create_private_dir(&self.dir)?;
        let owner = os::owner(&fs::metadata(&self.dir)?);
        if owner != os::ROOT && os::current_user() == os::ROOT {
            let problem = format!("the directory belongs to user {owner}, and you are root");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
        }
        Ok(())
    }
}

/// The exclusive right to write one identity's entry.
#[derive(Debug)]
pub struct CacheLock<'a> {
    cache: &'a Cache,
    guard: lock::Guard,
}

impl<'a> CacheLock<'a> {
    /// Reads the entry, which no other process can change now.
    pub fn read(&self) -> Entry {
        self.cache.read()
    }

    /// Like [`Self::read`], but fails if there may be an entry that cannot be read at the moment.
    pub fn try_read(&self) -> io::Result<Entry> {
        match self.cache.try_read() {
            Err(ReadError::Io(error)) => Err(error),
            read => Ok(read.unwrap_or_default()),
        }
    }

    /// Reserves disk space for the next entry before a refresh token is used. On failure (directory not writable, disk
    /// full) the lock is released: if nothing can be cached, do not block other callers.
    pub fn reserve(self) -> io::Result<PendingEntry<'a>> {
        let file = self.reserved_file()?;
        Ok(PendingEntry { file, lock: self })
    }

    /// Replaces an entry that must not be used any more. If the new one cannot be written, removes the old one
    /// completely. Fails if that fails, too.
    pub fn replace_or_remove(self, entry: &Entry) -> io::Result<Replaced> {
        match self.reserved_file().and_then(|file| self.publish(file, entry)) {
            Ok(()) => Ok(Replaced::Written),
            Err(error) => self.remove().map(|()| Replaced::Removed(error)),
        }
    }

    /// Removes the entry, but not the lock file.
    fn remove(self) -> io::Result<()> {
        match fs::remove_file(self.cache.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn reserved_file(&self) -> io::Result<AtomicFile> {
        // A directory that cannot be listed may still be writable.
        gc::remove_pending(&self.cache.dir, &self.cache.identity).ok();
        self.new_file()
    }

    fn new_file(&self) -> io::Result<AtomicFile> {
        let Cache { dir, identity } = self.cache;
        let mut file = AtomicFile::create(dir.join(format!("{identity}.{}.tmp", random::name())))?;
        file.reserve(&[b'\n'; RESERVED])?;
        Ok(file)
    }

    fn publish(&self, file: AtomicFile, entry: &Entry) -> io::Result<()> {
        file.publish(&entry.encode(&self.cache.identity), &self.cache.path())?;
        gc::occasionally_remove_old(&self.cache.dir);
        Ok(())
    }
}

/// How [`CacheLock::replace_or_remove`] got rid of an entry.
#[derive(Debug)]
pub enum Replaced {
    Written,
    /// The entry is removed; this error prevented writing the new one.
    Removed(io::Error),
}

/// The next entry: a temporary file with reserved disk space. It is removed on drop.
#[derive(Debug)]
pub struct PendingEntry<'a> {
    // The first field, so that it is dropped before the lock is released.
    file: AtomicFile,
    lock: CacheLock<'a>,
}

/// Why the request must not be sent.
#[derive(Debug)]
pub enum BeginError {
    /// The lock file was removed, so another process may hold a new one.
    LockLost,
    /// The entry cannot be replaced, so the new tokens would be lost.
    Io(io::Error),
}

impl<'a> PendingEntry<'a> {
    /// Must be called before a request is sent. Publishes `attempt`, the entry of a started request: this proves that
    /// the entry can be replaced, and tells later callers about the request even if this process is killed.
    pub fn begin(self, attempt: &Entry) -> std::result::Result<Self, BeginError> {
        let Self { file, lock } = self;
        if !lock.guard.is_current() {
            return Err(BeginError::LockLost);
        }
        let next = lock.new_file().map_err(BeginError::Io)?;
        let sends_assertion = !attempt.sent_assertions.is_empty();
        let sends_refresh_token = attempt.refresh_token.as_ref().is_some_and(|token| token.maybe_spent);
        let (path, content) = (lock.cache.path(), attempt.encode(&lock.cache.identity));
        match fs::symlink_metadata(&path) {
            // Without an existing file, nothing can prevent the rename.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !sends_assertion => {
                return Ok(Self { file, lock });
            }
            _ if sends_refresh_token || sends_assertion => file.publish(&content, &path).map_err(BeginError::Io)?,
            _ => file.publish_unsynced(&content, &path).map_err(BeginError::Io)?,
        }
        Ok(Self { file: next, lock })
    }

    /// Writes the entry and renames it into place. If that fails, the new token is still valid.
    pub fn publish(self, entry: &Entry, began_with: &str) -> io::Result<()> {
        let Self { file, lock } = self;
        if lock.guard.is_current() {
            return lock.publish(file, entry);
        }
        drop(file);
        lock.cache.publish_after_loss(entry, began_with)
    }
}
