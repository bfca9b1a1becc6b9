//! Taking tokens back. A hit takes a doubt for a miss; here it is a failure, or the token would be handed out afterwards.

use std::io;
use std::path::Path;

use time::OffsetDateTime;

use super::entry::Entry;
use super::{Cache, CacheLock, ReadError, gc};
use crate::error::{Error, Result};
use crate::sys::clock;

/// What to do if a token may still be handed out.
const HINT: &str = "check the permissions of the directory and run it again: the token may still be handed out";

impl Cache {
    /// The caches in `dir` that have a file of this user: the entries of others are neither used nor removed.
    pub fn all_own(dir: &Path) -> Result<Vec<Self>> {
        let identities = gc::own_identities(dir).map_err(|error| {
            Error::other(format!("cannot look for cached tokens in {}: {error}", dir.display())).hint(HINT)
        })?;
        Ok(identities.into_iter().map(|identity| Self { dir: dir.to_owned(), identity }).collect())
    }

    /// Whether this user has a file of this identity: an entry, a lock, or what a killed process left.
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

    /// The error of an entry that could not be looked at.
    fn unknown(&self, error: &io::Error) -> Error {
        let problem = format!("cannot look for a cached token in {}: {error}", self.path().display());
        Error::other(problem).hint(HINT)
    }

    /// The entry that calls would use; an empty one where there is none. Fails where that cannot be found out.
    pub fn read_for_certain(&self) -> Result<Entry> {
        match self.try_read() {
            Ok(entry) => Ok(entry),
            // An ordinary user cannot even open the entry of another one.
            Err(ReadError::Io(error)) if self.has_own_entry().unwrap_or(true) => Err(self.unknown(&error)),
            Err(_) => Ok(Entry::default()),
        }
    }
}

impl CacheLock<'_> {
    /// Forgets the tokens, and what killed processes left of others; returns whether there were any. A rate limit,
    /// rejections and the assertions that were sent stay: the next call would ask a server that said to wait. Where they cannot be written, they go too.
    pub fn forget_tokens(self) -> Result<bool> {
        let path = self.cache.path();
        self.try_forget_tokens().map_err(|error| {
            Error::other(format!("cannot forget the tokens in {}: {error}", path.display())).hint(HINT)
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
    /// What is left of it after a logout at `now`; nothing where no failure holds.
    pub fn without_tokens(self, now: OffsetDateTime) -> Option<Self> {
        let failure = self.failure.filter(|failure| failure.holds(now));
        let rejections: Vec<_> = self.rejections.into_iter().filter(|rejection| rejection.holds(now)).collect();
        let Self { revision, sent_assertions, .. } = self;
        let is_empty = failure.is_none() && rejections.is_empty() && sent_assertions.is_empty();
        let kept = Self { revision, failure, rejections, sent_assertions, ..Self::default() };
        (!is_empty).then_some(kept)
    }
}
