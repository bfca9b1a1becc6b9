//! The cache: one file an identity, read by anybody without a lock, written only by who holds the lock.
//!
//! The order of things cannot be had wrong: [`Cache::read`] gives what is there, only [`Cache::try_lock`] and
//! [`Cache::lock_until`] give a [`CacheLock`], only that gives a [`Draft`], and only a draft can be published, once.

mod doubt;
pub mod entry;
mod lock;
mod sweep;

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ring::digest::{Context, SHA256};
use rustix::fs::OFlags;
use zeroize::Zeroizing;

pub use doubt::Doubt;
use entry::Entry;

use crate::random;
use crate::replacement::{self, Replacement};

/// No entry is larger; more than this in its place is something else.
const LARGEST: u64 = 256 * 1024;

/// As much room as any entry needs is taken on the disk before a refresh token is spent.
const RESERVE: usize = 16 * 1024;

/// Hexadecimal digits of an identity's name: 128 bits of its hash.
const NAME_LENGTH: usize = 32;

/// The cache of one identity: its file, its lock file, their directory.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    name: String,
}

/// How an attempt to get the right to write ended.
#[derive(Debug)]
pub enum Access<'a> {
    /// It is ours.
    Locked(CacheLock<'a>),
    /// Somebody else has it.
    Held,
    /// There is no writing here: go on without.
    Impossible(io::Error),
}

impl Cache {
    /// The cache in `dir` of the identity made of these parts. Two identities never see each other's token.
    pub fn new(dir: PathBuf, identity: &[&str]) -> Self {
        Self { dir, name: name(identity.iter().map(|part| part.as_bytes())) }
    }

    /// The name of the identity.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The caches of all identities in `dir`: also of one whose first token is on its way, and which has no more than
    /// a lock file yet.
    pub fn all(dir: &Path) -> Vec<Self> {
        let cache = |name| Self { dir: dir.to_owned(), name };
        sweep::identities(dir).into_iter().map(cache).collect()
    }

    /// Whether there is a directory to hold an entry.
    pub fn has_dir(&self) -> bool {
        self.dir.exists()
    }

    /// The file that holds the entry.
    pub fn path(&self) -> PathBuf {
        self.dir.join(format!("{}.token", self.name))
    }

    /// The file that is locked.
    pub fn lock_path(&self) -> PathBuf {
        self.dir.join(format!("{}.lock", self.name))
    }

    /// The entry, without a lock. A doubt is a miss, never an error.
    pub fn read(&self) -> Option<Entry> {
        self.examine().ok()
    }

    /// The entry, without a lock, or what is doubtful about it.
    ///
    /// # Errors
    /// There is none, or what stands in its place does not count.
    pub fn examine(&self) -> Result<Entry, Doubt> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mut options = OpenOptions::new();
        let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(self.path())?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(Doubt::NoFile);
        }
        if about.uid() != rustix::process::geteuid().as_raw() {
            return Err(Doubt::Foreign);
        }
        if about.mode() & 0o077 != 0 {
            return Err(Doubt::Exposed);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(about.len().min(LARGEST) as usize + 1));
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Entry::decode(&bytes, &self.name).ok_or(Doubt::Garbage)
    }

    /// Whether somebody holds the lock at this moment.
    ///
    /// # Errors
    /// The lock file is there and cannot be opened or locked.
    pub fn is_locked(&self) -> io::Result<bool> {
        lock::is_held(&self.lock_path())
    }

    /// Tries for the right to write, without waiting.
    pub fn try_lock(&self) -> Access<'_> {
        self.access(lock::try_lock)
    }

    /// Waits until `deadline` for the right to write. `on_wait` is called once if there is a wait.
    pub fn lock_until(&self, deadline: Instant, on_wait: impl FnOnce()) -> Access<'_> {
        self.access(|path| lock::lock_until(path, deadline, on_wait))
    }

    fn access(&self, attempt: impl FnOnce(&Path) -> lock::Attempt) -> Access<'_> {
        if let Err(error) = self.make_dir() {
            return Access::Impossible(error);
        }
        match attempt(&self.lock_path()) {
            lock::Attempt::Locked(guard) => Access::Locked(CacheLock { cache: self, _guard: guard }),
            lock::Attempt::Held => Access::Held,
            lock::Attempt::Impossible(error) => Access::Impossible(error),
        }
    }

    /// Makes the directory, 0700. One that exists is used as it is, with one exception: root leaves nothing in the
    /// directory of another user, who could not use it any more (`sudo` keeps `HOME` on many systems).
    fn make_dir(&self) -> io::Result<()> {
        replacement::make_dir(&self.dir)?;
        let owner = fs::metadata(&self.dir)?.uid();
        if owner != 0 && rustix::process::geteuid().is_root() {
            let problem = format!("the directory belongs to user {owner}, and this is root");
            return Err(io::Error::new(ErrorKind::PermissionDenied, problem));
        }
        Ok(())
    }
}

/// The name of what is made of these parts.
pub fn name<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(&entry::VERSION.to_le_bytes());
    for part in parts {
        // Each part with its length, so that no two lists of parts are the same bytes.
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finish();
    entry::hex(digest.as_ref().split_at(NAME_LENGTH / 2).0)
}

/// The right to write one identity's entry.
#[derive(Debug)]
pub struct CacheLock<'a> {
    cache: &'a Cache,
    _guard: lock::Guard,
}

impl<'a> CacheLock<'a> {
    /// The entry as it is now: nobody else writes it meanwhile.
    pub fn read(&self) -> Entry {
        self.cache.read().unwrap_or_default()
    }

    /// Takes the room that the next entry needs, before anything is spent for it.
    ///
    /// # Errors
    /// The directory cannot be written or the disk is full. The lock is then given back: who can share nothing should
    /// keep nobody waiting.
    pub fn draft(self) -> io::Result<Draft<'a>> {
        let file = self.room()?;
        Ok(Draft { lock: self, file })
    }

    /// Puts the entry in the place of one that must not be served any more. Where it cannot be written, that one goes
    /// all the same, and with it whatever else it holds.
    ///
    /// # Errors
    /// It cannot be removed either.
    pub fn supersede(self, entry: &Entry) -> io::Result<Superseded> {
        match self.room().and_then(|file| self.publish(file, entry)) {
            Ok(()) => Ok(Superseded::Written),
            Err(why) => self.remove().map(|()| Superseded::Removed(why)),
        }
    }

    /// A file for the next entry, with the room it needs.
    fn room(&self) -> io::Result<Replacement> {
        sweep::leftovers(&self.cache.dir, &self.cache.name);
        let path = self.cache.dir.join(format!("{}.{}.tmp", self.cache.name, random::name()));
        let mut file = Replacement::create(path)?;
        file.reserve(&[b'\n'; RESERVE])?;
        Ok(file)
    }

    /// Writes the entry into the file and moves that into place.
    fn publish(&self, file: Replacement, entry: &Entry) -> io::Result<()> {
        file.publish(&entry.encode(&self.cache.name), &self.cache.path())?;
        sweep::now_and_then(&self.cache.dir);
        Ok(())
    }

    /// Forgets the entry, and what killed processes left of others. The lock file stays, as it must.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn remove(self) -> io::Result<()> {
        sweep::leftovers(&self.cache.dir, &self.cache.name);
        match fs::remove_file(self.cache.path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// What became of an entry that must not be served any more.
#[derive(Debug)]
pub enum Superseded {
    /// The new one is in its place.
    Written,
    /// It is gone, and nothing could be written in its place.
    Removed(io::Error),
}

/// A new entry in the making: a file beside the present one, with the room it needs. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft<'a> {
    // First, so that it is gone before the lock is given back.
    file: Replacement,
    lock: CacheLock<'a>,
}

impl Draft<'_> {
    /// Writes the entry and moves it into place; readers see the old one or the new one, never a part.
    ///
    /// # Errors
    /// The disk or the file system refuses. The token is good all the same.
    pub fn publish(self, entry: &Entry) -> io::Result<()> {
        let Self { file, lock } = self;
        lock.publish(file, entry)
    }
}
