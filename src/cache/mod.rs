//! The cache: one file per identity, read by anybody without a lock, written only by the holder of its lock.
//!
//! The wrong order cannot be written: [`Cache::read`] returns what is there, only locking returns a [`CacheLock`], only
//! that a [`PendingEntry`], and only a pending entry can be published, once.

pub mod entry;
mod gc;
mod lock;
mod read_error;
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

/// The largest entry, in bytes; a larger file is something else.
const MAX_ENTRY: u64 = 256 * 1024;

/// A lock file that is removed as often is removed on purpose.
const MAX_TRIES: u32 = 16;

/// The room that any entry needs is reserved on the disk before a refresh token is spent.
const RESERVED: usize = 16 * 1024;

/// The cache of one identity: its file, its lock file, their directory.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    identity: String,
}

impl Cache {
    /// The cache in `dir` of the identity made of these parts. Two identities never see each other's token.
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

    /// The entry, without a lock; an empty one where there is none that can be used.
    pub fn read(&self) -> Entry {
        self.try_read().unwrap_or_default()
    }

    /// The entry, without a lock, or why there is none.
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

    /// Whether somebody holds the lock at this moment. Fails where the lock file cannot be opened or locked.
    pub fn is_locked(&self) -> io::Result<bool> {
        lock::is_held(&self.lock_path())
    }

    /// Who holds the lock, where the system tells.
    pub fn lock_holder(&self) -> Option<LockHolder> {
        os::lock_holder(&self.lock_path())
    }

    /// Tries to lock, without waiting.
    pub fn try_lock(&self) -> LockOutcome<CacheLock<'_>> {
        self.locked(lock::try_lock)
    }

    /// Waits for the lock until the deadline; not where its holder waits for this process.
    pub fn lock_until(&self, deadline: Instant) -> LockOutcome<CacheLock<'_>> {
        // Its holder waits for this process, so there is no waiting for it; but the mark may be left from an outer call
        // that has ended.
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

    /// Locks the file at the path. One that a cleaner has removed meanwhile, or its whole directory, is made anew.
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
                // Removed while it was waited for.
                _ if tries < MAX_TRIES => {}
                _ => return LockOutcome::Held,
            }
        }
    }

    /// The lock, or the error of a command that does nothing without it.
    pub fn require<'a>(&'a self, outcome: LockOutcome<CacheLock<'a>>) -> Result<CacheLock<'a>> {
        match outcome {
            LockOutcome::Acquired(lock) => Ok(lock),
            LockOutcome::Held => Err(self.held_error()),
            LockOutcome::Unavailable(error) => {
                let problem = format!("cannot lock {}: {error}", self.lock_path().display());
                let cache_dir = settings::CACHE_DIR.flag();
                Err(Error::other(problem)
                    .hint(format!("check the permissions of its directory, or name another one with {cache_dir}")))
            }
        }
    }

    /// The error of a lock that somebody else holds.
    pub fn held_error(&self) -> Error {
        let path = self.lock_path();
        if env::is_inside_refresh_of(&self.identity) {
            let holder = "the spotinst-cred that runs this one";
            return Error::config(format!("{} is held by {holder}: its command seems to run itself", path.display()))
                .hint(settings::another_profile_hint());
        }
        file_lock::timed_out("spotinst-cred", &path)
    }

    /// Publishes the result of a request whose lock file was removed meanwhile, unless another process has published since
    /// the revision that it began with, or is about to.
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

    /// Creates the directory. An existing one is used as it is, with one exception: root leaves nothing in the directory
    /// of another user, who could not use it any more (`sudo` keeps `HOME` on many systems).
    fn create_dir(&self) -> io::Result<()> {
        os::create_private_dir(&self.dir)?;
        let owner = os::owner(&fs::metadata(&self.dir)?);
        if owner != os::ROOT && os::current_user() == os::ROOT {
            let problem = format!("the directory belongs to user {owner}, and this is root");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
        }
        Ok(())
    }
}

/// The right to write one identity's entry.
#[derive(Debug)]
pub struct CacheLock<'a> {
    cache: &'a Cache,
    guard: lock::Guard,
}

impl<'a> CacheLock<'a> {
    /// The entry as it is now: nobody else writes it meanwhile.
    pub fn read(&self) -> Entry {
        self.cache.read()
    }

    /// The same; fails where an entry may be there that cannot be read at this moment.
    pub fn try_read(&self) -> io::Result<Entry> {
        match self.cache.try_read() {
            Err(ReadError::Io(error)) => Err(error),
            read => Ok(read.unwrap_or_default()),
        }
    }

    /// Reserves the room that the next entry needs, before a refresh token is spent for it. Where the directory cannot be
    /// written or the disk is full the lock is released: if nothing can be cached, do not block other callers.
    pub fn reserve(self) -> io::Result<PendingEntry<'a>> {
        let file = self.reserved_file()?;
        Ok(PendingEntry { file, lock: self })
    }

    /// Replaces an entry that must not be served any more. Where the new one cannot be written, the old one is removed,
    /// with everything in it. Fails where even that is impossible.
    pub fn replace_or_remove(self, entry: &Entry) -> io::Result<Replaced> {
        match self.reserved_file().and_then(|file| self.publish(file, entry)) {
            Ok(()) => Ok(Replaced::Written),
            Err(error) => self.remove().map(|()| Replaced::Removed(error)),
        }
    }

    /// Removes the entry. The lock file stays, as it must.
    fn remove(self) -> io::Result<()> {
        match fs::remove_file(self.cache.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn reserved_file(&self) -> io::Result<AtomicFile> {
        // What cannot be looked through can still be written.
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

/// What became of an entry that must not be served any more.
#[derive(Debug)]
pub enum Replaced {
    Written,
    /// It is gone, and this kept the new one from being written.
    Removed(io::Error),
}

/// The next entry: a temporary file with the room it needs. It is removed on drop.
#[derive(Debug)]
pub struct PendingEntry<'a> {
    // First, so that it is gone before the lock is released.
    file: AtomicFile,
    lock: CacheLock<'a>,
}

/// Why nothing may be sent.
#[derive(Debug)]
pub enum BeginError {
    /// The lock file was removed: another process may hold a new one.
    LockLost,
    /// The entry cannot be replaced, so the tokens would be lost.
    Io(io::Error),
}

impl<'a> PendingEntry<'a> {
    /// To be called before a request is sent. Publishes `attempt`, the entry of a request that has begun: it proves that
    /// the entry can be replaced, and tells later callers about it, also after a kill.
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
            // Nothing can keep the entry from being put there.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !sends_assertion => {
                return Ok(Self { file, lock });
            }
            _ if sends_refresh_token || sends_assertion => file.publish(&content, &path).map_err(BeginError::Io)?,
            _ => file.publish_unsynced(&content, &path).map_err(BeginError::Io)?,
        }
        Ok(Self { file: next, lock })
    }

    /// Writes the entry and moves it into place. Where that fails, the token is still good.
    pub fn publish(self, entry: &Entry, began_with: &str) -> io::Result<()> {
        let Self { file, lock } = self;
        if lock.guard.is_current() {
            return lock.publish(file, entry);
        }
        drop(file);
        lock.cache.publish_after_loss(entry, began_with)
    }
}
