//! Removes tokens from the cache, for `logout` and `invalidate`. A call for a token treats an unreadable file as a
//! cache miss; here it is an error, or the token could be used afterwards.

use std::io;
use std::path::Path;

use time::OffsetDateTime;

use super::entry::Entry;
use super::{Cache, CacheLock, ReadError, gc};
use crate::error::{Error, Result};
use crate::sys::clock;

/// The hint for an error after which a cached token may still be used.
const HINT: &str = "check the permissions of the directory and run the command again: the token may still be printed";

impl Cache {
    /// The caches in `dir` that have a file of this user. Entries of other users are neither used nor removed.
    pub fn all_own(dir: &Path) -> Result<Vec<Self>> {
        let identities = gc::own_identities(dir).map_err(|error| {
            Error::other(format!("cannot look for cached tokens in {}: {error}", dir.display())).hint(HINT)
        })?;
        Ok(identities.into_iter().map(|identity| Self { dir: dir.to_owned(), identity }).collect())
    }

    /// Whether this user has a file of this identity: an entry, a lock, or a temporary file of a killed process.
    pub fn is_own(&self) -> Result<bool> {
        let is_own = || -> io::Result<bool> {
            let is_own = gc::is_own(&self.path())? || gc::is_own(&self.lock_path())?;
            Ok(is_own || gc::own_identities(&self.dir)?.contains(&self.identity))
        };
        is_own().map_err(|error| self.unknown(&error))
    }

    /// Whether this user has an entry of this identity.
    pub fn has_own_entry(&self) -> io::Result<bool> {
        gc::is_own(&self.path())
    }

    /// The error for an entry that cannot be examined.
    fn unknown(&self, error: &io::Error) -> Error {
        let problem = format!("cannot look for a cached token in {}: {error}", self.path().display());
        Error::other(problem).hint(HINT)
    }

    /// The entry that calls would use, or an empty one if there is none. Fails if that cannot be determined.
    pub fn read_for_certain(&self) -> Result<Entry> {
        match self.try_read() {
            Ok(entry) => Ok(entry),
            // A user cannot open another user's entry.
            Err(ReadError::Io(error)) if self.has_own_entry().unwrap_or(true) => Err(self.unknown(&error)),
            Err(_) => Ok(Entry::default()),
        }
    }
}

impl CacheLock<'_> {
    /// Removes the tokens, including those in temporary files of killed processes. Returns whether there were any. A
    /// rate limit, rejections and sent assertions stay, because the next call would send a request too early. If the
    /// remaining entry cannot be written, it is removed, too.
    pub fn forget_tokens(self) -> Result<bool> {
        let path = self.cache.path();
        self.try_forget_tokens().map_err(|error| {
            Error::other(format!("cannot remove the tokens from {}: {error}", path.display())).hint(HINT)
        })
    }

    fn try_forget_tokens(self) -> io::Result<bool> {
        let cache = self.cache;
        let left = gc::remove_pending(&cache.dir, &cache.identity);
        let had_tokens = match cache.try_read() {
            _ if !cache.has_own_entry()? => false,
            Ok(entry) => {
                let had_tokens = entry.token.is_some() || entry.refresh_token.is_some();
                match entry.without_tokens(clock::now()) {
                    None => self.remove()?,
                    Some(kept) if had_tokens => self.replace_or_remove(&kept).map(drop)?,
                    Some(_) => {}
                }
                had_tokens
            }
            Err(_) => {
                self.remove()?;
                true
            }
        };
        left.map(|()| had_tokens)
    }
}

impl Entry {
    /// The entry after a logout at `now`; nothing if no failure applies.
    pub fn without_tokens(self, now: OffsetDateTime) -> Option<Self> {
        let failure = self.failure.filter(|failure| failure.holds(now));
        let rejections: Vec<_> = self.rejections.into_iter().filter(|rejection| rejection.holds(now)).collect();
        let Self { revision, sent_assertions, .. } = self;
        let is_empty = failure.is_none() && rejections.is_empty() && sent_assertions.is_empty();
        let kept = Self { revision, failure, rejections, sent_assertions, ..Self::default() };
        (!is_empty).then_some(kept)
    }
}
