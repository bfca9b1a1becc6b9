//! `logout`: forgets cached tokens, under the lock, so that a refresh in progress cannot bring them back.

use std::io;
use std::time::Instant;

use crate::cache::{Cache, CacheLock, LockOutcome};
use crate::cli::Options;
use crate::config::sources::Sources;
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::get_token::deadlines::Deadlines;
use crate::get_token::provider;
use crate::sys::printer;

/// Forgets the tokens of the profile, or those of every identity in the cache.
pub fn run(all: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let (caches, limits) = if all {
        let dir = config::cache_dir(&options.flags);
        // What the profiles say does not matter here, not even whether they can be read.
        let sources = Sources { flags: options.flags.clone(), profile: Default::default() };
        (dir.map(|dir| Cache::all(&dir.value)).unwrap_or_default(), config::limits(&sources)?)
    } else {
        let config = Config::resolve(&options.flags)?;
        (provider::cache(&config).into_iter().collect(), config.limits)
    };
    let forgotten = forget_all(&caches, Deadlines { started, limits }.call_end())?;
    printer::note(match forgotten {
        0 => "no token was cached",
        1 => "the cached tokens are forgotten",
        _ => "the cached tokens of all identities are forgotten",
    });
    Ok(())
}

/// Forgets what nobody holds at once, then waits for the rest: one holder keeps no other token in the cache. A refresh in
/// progress publishes first. Returns how many tokens there were; fails with the first error when all others are forgotten.
fn forget_all(caches: &[Cache], deadline: Instant) -> Result<usize> {
    let (mut results, mut held) = (Vec::new(), Vec::new());
    for cache in caches.iter().filter(|cache| cache.has_dir()) {
        match cache.try_lock() {
            LockOutcome::Held => held.push(cache),
            outcome => results.push(forget(cache, outcome)),
        }
    }
    results.extend(held.into_iter().map(|cache| forget(cache, cache.lock_until(deadline))));
    results.into_iter().try_fold(0, |forgotten, is_there| Ok(forgotten + usize::from(is_there?)))
}

/// Forgets one identity's tokens; returns whether there were any.
fn forget(cache: &Cache, outcome: LockOutcome<CacheLock<'_>>) -> Result<bool> {
    let path = cache.path();
    let is_there = !matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound);
    // Where nobody can lock, nobody can publish either: what is not there does not come.
    if matches!(outcome, LockOutcome::Unavailable(_)) && !is_there {
        return Ok(false);
    }
    cache.require(outcome)?.remove().map(|()| is_there).map_err(|error| {
        Error::other(format!("cannot remove {}: {error}", path.display()))
            .hint("check the permissions of its directory")
    })
}
