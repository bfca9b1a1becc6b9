//! The wait for whoever refreshes, and what is said of it.

use std::time::Instant;

use crate::cache::{Access, Cache, CacheLock};
use crate::child::ANOTHER_PROFILE;
use crate::failure::{Failure, Kind};
use crate::settings::env;
use crate::voice::Voice;

/// Waits until `deadline` for the right to write the entry; not where the holder waits for this process.
pub fn wait(cache: &Cache, deadline: Instant, voice: Voice) -> Access<'_> {
    if env::is_inside(cache.name()) {
        return Access::Held;
    }
    let mut waiting = None;
    cache.lock_until(deadline, || {
        let whom = "another spotinst-cred that is getting a token";
        voice.detail(|| format!("the lock is held by {whom}"));
        waiting = voice.waiting(whom);
    })
}

/// The same for a command that does nothing without it.
///
/// # Errors
/// Somebody holds the lock for longer, or there is no locking here.
pub fn lock(cache: &Cache, deadline: Instant, voice: Voice) -> Result<CacheLock<'_>, Failure> {
    granted(cache, wait(cache, deadline, voice))
}

/// The lock, if it was had.
///
/// # Errors
/// Somebody holds it, or there is no locking here.
pub fn granted<'a>(cache: &Cache, access: Access<'a>) -> Result<CacheLock<'a>, Failure> {
    match access {
        Access::Locked(lock) => Ok(lock),
        Access::Held => Err(held(cache)),
        Access::Impossible(error) => {
            Err(Failure::new(Kind::Other, format!("cannot lock {}: {error}", cache.lock_path().display()))
                .hint("check the permissions of its directory, or name another one with --cache-dir"))
        }
    }
}

/// The lock was not had in time, or could not be.
pub fn held(cache: &Cache) -> Failure {
    let path = cache.lock_path();
    if env::is_inside(cache.name()) {
        let whom = "the spotinst-cred that runs this one";
        return Failure::settings(format!("{} is held by {whom}: its command seems to run itself", path.display()))
            .hint(ANOTHER_PROFILE);
    }
    Failure::temporary(format!("another spotinst-cred holds {} and is not done in time", path.display()))
        .hint("try again; if it lasts, see who holds it with `fuser`, and end that process")
}
