//! The right to change a cache entry, for the commands that do nothing without it.

use std::time::Instant;

use crate::cache::{Access, Cache, CacheLock};
use crate::failure::{Failure, Kind};
use crate::voice::Voice;

/// Waits until `deadline` for whoever refreshes.
///
/// # Errors
/// Somebody holds the lock for longer, or there is no locking here.
pub fn wait(cache: &Cache, deadline: Instant, voice: Voice) -> Result<CacheLock<'_>, Failure> {
    let mut waiting = None;
    let on_wait = || {
        let whom = "another spotinst-cred that is getting a token";
        voice.detail(|| format!("the lock is held by {whom}"));
        waiting = voice.waiting(whom);
    };
    let access = cache.lock_until(deadline, on_wait);
    drop(waiting);
    match access {
        Access::Locked(lock) => Ok(lock),
        Access::Held => {
            let path = cache.lock_path();
            Err(Failure::temporary(format!("another spotinst-cred holds {} and is not done in time", path.display()))
                .hint("try again; if it lasts, see who holds it with `fuser`, and end that process"))
        }
        Access::Impossible(error) => {
            Err(Failure::new(Kind::Other, format!("cannot lock {}: {error}", cache.lock_path().display()))
                .hint("check the permissions of its directory, or name another one with --cache-dir"))
        }
    }
}
