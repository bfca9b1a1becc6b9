//! The cache entry after a fetch. Pure, like the decisions.

use std::time::Duration;

use time::OffsetDateTime;

use super::decisions::grants::NextGrant;
use super::fetch_result::{FetchError, FetchResult, RefreshTokenFate};
use crate::cache::entry::{CachedFailure, Entry};
use crate::error::ErrorKind;
use crate::token::{RefreshToken, later};

/// How long rejected credentials are cached, at most.
const REJECTED: Duration = Duration::from_secs(15 * 60);

/// How long other callers reuse a transient failure.
const TRANSIENT: Duration = Duration::from_secs(2);

/// The minimum time that callers with a usable token wait after a failure; the maximum is twice as long.
const BACKOFF: Duration = Duration::from_secs(60);

/// The maximum number of rejected credentials to cache per identity. More would mean that someone is guessing.
const MAX_REJECTIONS: usize = 16;

/// What [`next_entry`] needs in addition to the result of the fetch.
pub struct Publication {
    /// A new random one each time: see [`Entry::revision`].
    pub revision: String,
    pub now: OffsetDateTime,
    /// A number from 0 to 1 that spreads the backoff of different machines.
    pub spread: f64,
    /// The time limit of the exchange.
    pub exchange: Duration,
    /// Whether the cache may contain the refresh token.
    pub keeps_refresh_token: bool,
}

/// The entry while a request is sent: the same tokens, but a refresh token that is sent may be used up.
pub fn attempt(entry: &Entry, grant: NextGrant<'_>) -> Entry {
    match grant {
        NextGrant::Refresh(token) => {
            let token = RefreshToken { maybe_spent: true, ..token.clone() };
            Entry { refresh_token: Some(token), ..entry.clone() }
        }
        NextGrant::Own => entry.clone(),
    }
}

/// The entry after the fetch. `before` is the entry from before the attempt.
pub fn next_entry(before: Entry, result: FetchResult, publication: Publication) -> Entry {
    let FetchResult { outcome, refresh_token, client_rejection, sent_assertion } = result;
    let before = sent_assertion.into_iter().fold(before, Entry::with_sent_assertion);
    let refresh_token = match refresh_token {
        RefreshTokenFate::Kept => before.refresh_token,
        RefreshTokenFate::MaybeSpent => before.refresh_token.map(|token| RefreshToken { maybe_spent: true, ..token }),
        RefreshTokenFate::Forgotten => None,
        RefreshTokenFate::Replaced(token) => Some(token),
    };
    let mut rejections = before.rejections;
    if let Some((error, fingerprint)) = client_rejection {
        let failure = FetchError::New { error, retry_after: None, fingerprint: Some(fingerprint), source: None };
        rejections = with(rejections, &cached(failure, &publication), publication.now);
    }
    let before = Entry { revision: publication.revision.clone(), refresh_token, rejections, ..before };
    let next = match outcome {
        Ok(issued) => Entry {
            token: Some(issued.access),
            // If the response has no refresh token, the old one stays valid.
            refresh_token: issued.refresh.or(before.refresh_token),
            failure: None,
            rejections: Vec::new(),
            ..before
        },
        Err(FetchError::Cached(failure)) => Entry { failure: Some(*failure), ..before },
        Err(new) => {
            let failure = cached(new, &publication);
            let rejections = with(before.rejections, &failure, publication.now);
            Entry { failure: Some(failure), rejections, ..before }
        }
    };
    let refresh_token = next.refresh_token.filter(|_| publication.keeps_refresh_token);
    let lost_refresh_token = next.lost_refresh_token.filter(|_| refresh_token.is_none());
    Entry { refresh_token, lost_refresh_token, ..next }
}

/// Adds the failure to the rejections, newest first, if it is one. Removes those that no longer apply.
fn with(mut rejections: Vec<CachedFailure>, failure: &CachedFailure, now: OffsetDateTime) -> Vec<CachedFailure> {
    rejections.retain(|one| one.holds(now) && one.fingerprint != failure.fingerprint);
    if failure.fingerprint.is_some() {
        rejections.insert(0, failure.clone());
    }
    rejections.truncate(MAX_REJECTIONS);
    rejections
}

fn cached(error: FetchError, publication: &Publication) -> CachedFailure {
    let now = publication.now;
    let (error, retry_after, fingerprint, source) = match error {
        FetchError::Cached(failure) => return *failure,
        FetchError::New { error, retry_after, fingerprint, source } => (error, retry_after, fingerprint, source),
    };
    let until = match error.kind {
        ErrorKind::Rejected => end(now, REJECTED),
        ErrorKind::RateLimited => end(now, retry_after.unwrap_or(TRANSIENT)),
        // Shared only by the callers that waited, so that the user is prompted once. A later caller may have corrected
        // the setting.
        ErrorKind::Config => now,
        _ => end(now, TRANSIENT),
    };
    CachedFailure {
        error,
        at: now,
        until,
        backoff_until: later(now, BACKOFF.mul_f64(1.0 + publication.spread)),
        fingerprint,
        source,
        timeout_ms: u64::try_from(publication.exchange.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The end of a time span that begins now, rounded up to whole seconds: the cache stores whole seconds, and a rate
/// limit must not end early.
fn end(now: OffsetDateTime, span: Duration) -> OffsetDateTime {
    let end = later(now, span);
    let whole = end.replace_nanosecond(0).unwrap_or(end);
    if whole < end { later(whole, Duration::from_secs(1)) } else { end }
}

#[cfg(test)]
mod tests;
