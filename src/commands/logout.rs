//! `logout`: forgets cached tokens, under the lock, so that a refresh in progress cannot bring them back. Rate limits and
//! rejections are no tokens: they stay.

use std::io;
use std::time::Instant;

use crate::cache::{Cache, CacheLock, LockOutcome};
use crate::cli::Options;
use crate::config::sources::Sources;
use crate::config::{self, Config, edit, profile};
use crate::error::Result;
use crate::get_token::deadlines::Deadlines;
use crate::get_token::provider;
use crate::sys::printer;

/// Forgets the tokens of the profile, or those of every identity in the cache. Fails unless they are certainly not handed
/// out any more.
pub fn run(all: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let flags = &options.flags;
    let forgotten = if all {
        // What the profiles say does not matter here, not even whether they can be read.
        let sources = Sources { flags: flags.clone(), profile: Default::default() };
        let deadline = Deadlines { started, limits: config::limits(&sources)? }.call_end();
        let forgotten = forget_directory(options, deadline);
        let drafts = profile::path(flags).map_or(Ok(()), |path| edit::remove_abandoned_drafts(&path.value));
        let forgotten = forgotten?;
        drafts?;
        forgotten
    } else {
        let mut config = Config::resolve(flags)?;
        config.cache_dir = config::certain_cache_dir(flags)?.map(|dir| dir.value);
        let caches: Vec<_> = provider::cache(&config).into_iter().collect();
        forget_all(&caches, Deadlines { started, limits: config.limits }.call_end())?
    };
    printer::note(match forgotten {
        0 => "no token was cached",
        1 => "the cached tokens are forgotten",
        _ => "the cached tokens of all identities are forgotten",
    });
    Ok(())
}

/// Forgets the tokens of every identity in the cache that is this user's.
fn forget_directory(options: &Options, deadline: Instant) -> Result<usize> {
    let Some(dir) = config::certain_cache_dir(&options.flags)?.map(|dir| dir.value) else {
        return Ok(0);
    };
    forget_all(&Cache::all_own(&dir)?, deadline)
}

/// Forgets what nobody holds at once, then waits for the rest: one holder keeps no other token in the cache. A refresh in
/// progress publishes first. Returns how many tokens there were; fails with the first error when all others are forgotten.
fn forget_all(caches: &[Cache], deadline: Instant) -> Result<usize> {
    let (mut results, mut held) = (Vec::new(), Vec::new());
    for cache in caches {
        match cache.is_own() {
            Ok(false) => {}
            Err(error) => results.push(Err(error)),
            Ok(true) => match cache.try_lock() {
                LockOutcome::Held => held.push(cache),
                outcome => results.push(forget(cache, outcome)),
            },
        }
    }
    results.extend(held.into_iter().map(|cache| forget(cache, cache.lock_until(deadline))));
    results.into_iter().try_fold(0, |forgotten, had_tokens| Ok(forgotten + usize::from(had_tokens?)))
}

/// Forgets one identity's tokens; returns whether there were any.
fn forget(cache: &Cache, outcome: LockOutcome<CacheLock<'_>>) -> Result<bool> {
    // Where nobody of this user can lock, nobody can publish either: what is not there does not come.
    if let LockOutcome::Unavailable(error) = &outcome
        && matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        && matches!(cache.has_own_entry(), Ok(false))
    {
        return Ok(false);
    }
    cache.require(outcome)?.forget_tokens()
}
