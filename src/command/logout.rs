//! `logout`: forgets cached tokens, under the lock, so that a refresh in flight cannot bring them back.

use std::io;
use std::time::Instant;

use crate::cache::{Cache, CacheLock, LockOutcome};
use crate::cli::Options;
use crate::config::file::Profile;
use crate::config::{self, Settings, credentials};
use crate::error::Error;
use crate::sys::printer;

/// Forgets the tokens of the profile, or those of every identity in the cache.
///
/// # Errors
/// A setting is wrong, somebody holds a lock for too long, or the cache cannot be written.
pub fn run(all: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let (caches, budget) = if all {
        let dir = credentials::cache_dir(options);
        let caches = dir.map(|dir| Cache::all(&dir.value)).unwrap_or_default();
        // What the profiles say does not matter here, not even whether they can be read.
        (caches, config::budget(options, &Profile::default(), started)?)
    } else {
        let settings = Settings::resolve(options, started)?;
        (settings.source.cache().into_iter().collect(), settings.budget)
    };
    let forgotten = forget_all(&caches, budget.call_ends())?;
    printer::note(match forgotten {
        0 => "no token was cached",
        1 => "the cached tokens are forgotten",
        _ => "the cached tokens of all identities are forgotten",
    });
    Ok(())
}

/// Forgets what nobody holds at once, then waits for the rest: one holder keeps no other token in the cache. Whoever
/// refreshes at this moment publishes first. Says how many tokens there were.
///
/// # Errors
/// The first one, when everything else is forgotten.
fn forget_all(caches: &[Cache], deadline: Instant) -> Result<usize, Error> {
    let (mut ended, mut held) = (Vec::new(), Vec::new());
    for cache in caches.iter().filter(|cache| cache.has_dir()) {
        match cache.try_lock() {
            LockOutcome::Held => held.push(cache),
            access => ended.push(forget(cache, access)),
        }
    }
    ended.extend(held.into_iter().map(|cache| forget(cache, cache.lock_until(deadline))));
    ended.into_iter().try_fold(0, |forgotten, is_there| Ok(forgotten + usize::from(is_there?)))
}

/// Forgets one identity's tokens; says whether there were any.
fn forget(cache: &Cache, access: LockOutcome<CacheLock<'_>>) -> Result<bool, Error> {
    let path = cache.path();
    let is_there = !matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound);
    // Where nobody can lock, nobody can publish either: what is not there does not come.
    if matches!(access, LockOutcome::Unavailable(_)) && !is_there {
        return Ok(false);
    }
    cache.require(access)?.remove().map(|()| is_there).map_err(|error| {
        Error::other(format!("cannot remove {}: {error}", path.display()))
            .hint("check the permissions of its directory")
    })
}
