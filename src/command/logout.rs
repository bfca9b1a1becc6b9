//! `logout`: forgets cached tokens, under the lock, so that a refresh in flight cannot bring them back.

use std::time::Instant;

use crate::cache::Cache;
use crate::cli::Options;
use crate::failure::{Failure, Kind};
use crate::lock_wait;
use crate::settings::file::Profile;
use crate::settings::{self, Settings, credentials};
use crate::voice::Voice;

/// Forgets the tokens of the profile, or those of every identity in the cache.
///
/// # Errors
/// A setting is wrong, somebody holds a lock for too long, or the cache cannot be written.
pub fn run(all: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let voice = Voice { verbose: options.verbose };
    let (caches, budget) = if all {
        let dir = credentials::cache_dir(options);
        let caches = dir.map(|dir| Cache::all(&dir.value)).unwrap_or_default();
        // What the profiles say does not matter here, not even whether they can be read.
        (caches, settings::budget(options, &Profile::default(), started)?)
    } else {
        let settings = Settings::resolve(options, started)?;
        (settings.source.cache().into_iter().collect(), settings.budget)
    };
    let mut forgotten = 0;
    for cache in &caches {
        forgotten += usize::from(forget(cache, budget.call_ends(), voice)?);
    }
    voice.notice(match forgotten {
        0 => "no token was cached",
        1 => "the cached tokens are forgotten",
        _ => "the cached tokens of all identities are forgotten",
    });
    Ok(())
}

/// Forgets one identity's tokens; says whether there were any. Whoever refreshes at this moment publishes first.
fn forget(cache: &Cache, deadline: Instant, voice: Voice) -> Result<bool, Failure> {
    if !cache.has_dir() {
        return Ok(false);
    }
    let path = cache.path();
    let lock = lock_wait::lock(cache, deadline, voice)?;
    let is_there = path.symlink_metadata().is_ok();
    lock.remove().map(|()| is_there).map_err(|error| {
        Failure::new(Kind::Other, format!("cannot remove {}: {error}", path.display()))
            .hint("check the permissions of its directory")
    })
}
