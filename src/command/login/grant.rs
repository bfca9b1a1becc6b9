//! The grant that proves the answers, and what is kept of it.

use std::time::{Duration, Instant};

use crate::budget::Budget;
use crate::cache::entry::Entry;
use crate::config::credentials::EndpointSettings;
use crate::error::{Error, ErrorKind};
use crate::obtain::told_again;
use crate::refresh::{Ended, Outcome, Refresher};
use crate::sys::clock;
use crate::token::{AccessToken, span};

/// What a login brought.
pub struct LoggedIn {
    /// The access token.
    pub token: AccessToken,
    /// How long the refresh token lives, where there is one and where that is told.
    pub refresh_life: Option<Option<Duration>>,
}

/// Asks the server with the password, whatever the cache holds, and puts the tokens there. One attempt: a rejected
/// password is not tried again.
///
/// # Errors
/// The server refuses, or the cache, without which a login is of no use, cannot be written.
pub fn log_in(settings: &EndpointSettings, budget: &Budget) -> Result<LoggedIn, Error> {
    let Some(cache) = settings.cache() else {
        return Err(Error::config("a login is kept in the cache, and none is used")
            .hint("leave --no-cache out, or name a directory with --cache-dir"));
    };
    let unkept = |error| {
        Error::other(format!("the login cannot be kept in {}: {error}", cache.path().display()))
            .hint("check the directory's permissions and the room on the disk, or name another one with --cache-dir")
    };
    let lock = cache.require(cache.lock_until(budget.call_ends()))?;
    let before = lock.read();
    if let Some(failure) = rate_limit(&before) {
        return Err(failure);
    }
    // Nothing is spent before there is room to keep what comes of it.
    let draft = lock.reserve().map_err(unkept)?;
    let limits = budget.refresh_at(Instant::now());
    let ended = Refresher::new(settings, limits).obtain_anew(&[]);
    if let Ended::Failed { failure, .. } = &ended
        && failure.kind != ErrorKind::RateLimited
    {
        // A password that was mistyped here says nothing about other callers' credentials.
        return Err(failure.clone());
    }
    let next = Outcome::new(ended, limits.exchange()).into_entry(before, clock::now(), settings.store_refresh_token);
    draft.publish(&next).map_err(unkept)?;
    match (next.failure, next.token) {
        (None, Some(token)) => {
            let life = |at| span(token.obtained_at, at);
            let life = next.refresh_token.map(|refresh| refresh.expires_at.map(life));
            Ok(LoggedIn { token, refresh_life: life })
        }
        (Some(remembered), _) => Err(remembered.error),
        (None, None) => Err(Error::other("the login brought neither token nor failure")),
    }
}

/// The server's wish for patience, which a login respects as any call does.
fn rate_limit(entry: &Entry) -> Option<Error> {
    let now = clock::now();
    let remembered = entry.failure.as_ref()?;
    (remembered.error.kind == ErrorKind::RateLimited && remembered.holds(now)).then(|| told_again(remembered, now))
}
