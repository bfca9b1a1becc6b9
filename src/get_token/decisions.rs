//! The decisions of a call. Pure: no clock, file, network or randomness inside; what they need of these is an argument.

use std::time::Duration;

use time::OffsetDateTime;

use crate::cache::entry::{CachedFailure, Entry};
use crate::error::{Error, ErrorKind, Result};
use crate::http::client::TOKEN_ENDPOINT;
use crate::oauth::rejection::{Rejection, RejectionCause};
use crate::settings;
use crate::token::{AccessToken, Freshness, RefreshToken, span};

/// What the caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest {
    /// The least lifetime that the token must have left.
    pub min_ttl: Duration,
    /// A token from before this call does not serve.
    pub force: bool,
}

/// What the decisions must know of the provider and the call's limits.
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    /// Every token lives as long as the one before. A command may hand out one that is half spent.
    pub has_fixed_lifetime: bool,
    /// The time limit of this caller's exchange.
    pub exchange: Duration,
}

/// What a cache entry means for a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Print the cached token, do nothing else.
    Serve(AccessToken),
    /// Refresh it if that takes no waiting; else print it.
    RefreshEarly(AccessToken),
    /// A refresh has failed lately, or cannot help.
    Fail(Error),
    /// A new token is needed.
    Refresh,
}

/// Decides what the entry, read without the lock, means for the request. `spread` is called only where it matters.
pub fn look(
    entry: &Entry,
    request: &TokenRequest,
    traits: &Traits,
    now: OffsetDateTime,
    spread: impl FnOnce() -> f64,
) -> Action {
    match (freshness(entry, request, now, spread), &entry.token) {
        (Freshness::Fresh, Some(token)) => Action::Serve(token.clone()),
        (Freshness::Aging, Some(token)) if backs_off(entry, now) => Action::Serve(token.clone()),
        (Freshness::Aging, Some(token)) => Action::RefreshEarly(token.clone()),
        _ => match known_failure(entry, request, traits, now) {
            Some(error) => Action::Fail(error),
            None => Action::Refresh,
        },
    }
}

/// The freshness of the entry's token for this request.
pub fn freshness(
    entry: &Entry,
    request: &TokenRequest,
    now: OffsetDateTime,
    spread: impl FnOnce() -> f64,
) -> Freshness {
    match &entry.token {
        Some(token) if !request.force => token.freshness(now, request.min_ttl, spread),
        _ => Freshness::Due,
    }
}

fn backs_off(entry: &Entry, now: OffsetDateTime) -> bool {
    entry.failure.as_ref().is_some_and(|failure| failure.backs_off(now))
}

/// The error that is known without a request.
fn known_failure(entry: &Entry, request: &TokenRequest, traits: &Traits, now: OffsetDateTime) -> Option<Error> {
    let usable = entry.token.as_ref().filter(|token| !request.force && token.is_usable(now, Duration::ZERO));
    let error = usable.filter(|_| traits.has_fixed_lifetime).and_then(|token| unmet_min_ttl(token, request, traits));
    if error.is_some() {
        return error;
    }
    let failure = entry.failure.as_ref().filter(|known| known.holds(now) && !has_more_time(traits, known))?;
    match failure.error.kind {
        // Whether the credentials are still the rejected ones takes the secrets to tell, and only one caller at a time
        // should fetch them: under the lock.
        ErrorKind::Rejected => None,
        ErrorKind::RateLimited => Some(from_cache(failure, now)),
        _ => (!request.force).then(|| from_cache(failure, now)),
    }
}

/// What another process's refresh, published since `before` was read, means for this call; nothing if there was none, or
/// if its result does not serve. `applies` tells whether a failure is this caller's too: see [`applies_to`].
pub fn use_concurrent_result(
    before: &Entry,
    entry: &Entry,
    request: &TokenRequest,
    traits: &Traits,
    now: OffsetDateTime,
    applies: impl FnOnce(&CachedFailure) -> bool,
) -> Option<Result<AccessToken>> {
    if entry.revision == before.revision {
        return None;
    }
    // A token that was published while this call waited is as good as forced.
    let usable = entry.token.as_ref().filter(|token| token.is_usable(now, request.min_ttl));
    if let Some(token) = usable.filter(|_| entry.failure.is_none() || !request.force) {
        return Some(Ok(token.clone()));
    }
    let Some(failure) = &entry.failure else {
        return entry.token.as_ref().and_then(|token| unmet_min_ttl(token, request, traits)).map(Err);
    };
    // Where the rejection was known before, nobody asked the server, which is what a forced call wants.
    let is_new = !before.rejections.contains(failure);
    let is_shared = (is_new || !request.force) && !has_more_time(traits, failure) && applies(failure);
    is_shared.then(|| Err(from_cache(failure, now)))
}

/// Whether a failure that may be one of time had less time than this call has: then it says nothing to it.
fn has_more_time(traits: &Traits, failure: &CachedFailure) -> bool {
    failure.error.kind == ErrorKind::Temporary && u128::from(failure.timeout_ms) < traits.exchange.as_millis()
}

/// Whether another caller's failure is about this caller's credentials, too: they may have others. Where a command
/// prints them it is taken to be, so that many callers do not cause many prompts.
pub fn applies_to(failure: &CachedFailure, runs_commands: bool, fingerprint: impl FnOnce() -> Result<String>) -> bool {
    let is_about_credentials = matches!(failure.error.kind, ErrorKind::Rejected | ErrorKind::Config);
    if !is_about_credentials || runs_commands {
        return true;
    }
    match fingerprint() {
        Ok(fingerprint) => failure.fingerprint == Some(fingerprint),
        Err(error) => error == failure.error,
    }
}

/// The grant to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextGrant<'a> {
    /// The refresh grant. It needs no password.
    Refresh(&'a RefreshToken),
    /// The profile's own grant.
    Own,
}

/// What to do for a new token.
#[derive(Debug, PartialEq)]
pub enum Plan<'a> {
    Send(NextGrant<'a>),
    /// The credentials are still those of this rejection: nothing is sent.
    FailFromCache(&'a CachedFailure),
}

/// The first grant to try: the refresh token's while that lives.
pub fn first_grant(entry: &Entry, now: OffsetDateTime) -> NextGrant<'_> {
    match &entry.refresh_token {
        Some(token) if token.is_alive(now) => NextGrant::Refresh(token),
        _ => NextGrant::Own,
    }
}

/// Whether to send the grant of the credentials with this fingerprint. A forced call disregards cached rejections.
pub fn plan<'a>(
    entry: &'a Entry,
    grant: NextGrant<'a>,
    fingerprint: &str,
    force: bool,
    now: OffsetDateTime,
) -> Plan<'a> {
    let is_known = |known: &&CachedFailure| known.fingerprint.as_deref() == Some(fingerprint) && known.holds(now);
    match entry.rejections.iter().find(is_known).filter(|_| !force) {
        Some(known) => Plan::FailFromCache(known),
        None => Plan::Send(grant),
    }
}

/// What follows a refresh grant that was not answered with a token.
#[derive(Debug)]
pub struct AfterRejection {
    pub forget_refresh_token: bool,
    pub next: AfterRefresh,
}

#[derive(Debug)]
pub enum AfterRefresh {
    /// Try the profile's own grant.
    FallBack,
    Fail {
        error: Error,
        /// Whether to cache it under the fingerprint of the client secret.
        is_about_client: bool,
    },
}

/// What the endpoint's configuration says to [`after_rejection`].
#[derive(Debug)]
pub struct Alternatives {
    pub can_use_own_grant: bool,
    pub has_own_refresh_url: bool,
    /// The hint where only a person can get a new token.
    pub login_hint: Option<String>,
}

/// Decides what follows a failed refresh grant. The profile's own grant is tried, once, where the refresh token was
/// rejected, or where the trouble is with an endpoint that only the refresh grant uses.
pub fn after_rejection(
    rejection: &Rejection,
    refresh_token: &RefreshToken,
    client_fingerprint: &str,
    alternatives: &Alternatives,
) -> AfterRejection {
    let Rejection { error, cause, .. } = rejection;
    let is_rejected = error.kind == ErrorKind::Rejected;
    // Where the own grant serves as well, a refresh token of doubtful use is not worth a request each time.
    let is_doubtful = *cause == RejectionCause::Unknown && alternatives.can_use_own_grant;
    let forget_refresh_token =
        is_rejected && (is_doubtful || is_about_refresh_token(*cause, refresh_token, client_fingerprint));
    let is_endpoint_at_fault = error.kind == ErrorKind::Temporary && alternatives.has_own_refresh_url;
    let next = if (is_rejected || is_endpoint_at_fault) && alternatives.can_use_own_grant {
        AfterRefresh::FallBack
    } else if is_rejected {
        login_ended(rejection, forget_refresh_token, alternatives)
    } else {
        AfterRefresh::Fail { error: error.clone(), is_about_client: false }
    };
    AfterRejection { forget_refresh_token, next }
}

/// Whether a rejection is about the refresh token, for all that is known. One caller's wrong client secret, or a gateway
/// on the way, must not end the login of all others.
fn is_about_refresh_token(cause: RejectionCause, refresh_token: &RefreshToken, client_fingerprint: &str) -> bool {
    match cause {
        RejectionCause::Grant => true,
        RejectionCause::GrantOrClient => {
            refresh_token.client_fingerprint.as_deref().is_none_or(|issued_to| issued_to == client_fingerprint)
        }
        RejectionCause::Client | RejectionCause::Unknown => false,
    }
}

/// A rejected refresh grant without an alternative.
fn login_ended(rejection: &Rejection, is_forgotten: bool, alternatives: &Alternatives) -> AfterRefresh {
    let error = rejection.error.clone();
    let (error, is_about_client) = match (rejection.cause, &alternatives.login_hint) {
        // It was none of the service's messages: whatever responded in its place may be gone in a moment.
        (RejectionCause::Unknown, _) => (error.kind(ErrorKind::Temporary).hint(TOKEN_ENDPOINT.hint), false),
        (_, Some(hint)) if is_forgotten => (error.hint(hint), false),
        (_, None) if is_forgotten => (error, false),
        // The refresh token was issued to another client secret than the caller's.
        _ => (error.hint("check the client secret: the refresh token was granted to another one"), true),
    };
    AfterRefresh::Fail { error, is_about_client }
}

/// The error of a `--min-ttl` that a new token of this provider does not meet. An endpoint's next one will not either; a
/// command's may.
pub fn unmet_min_ttl(token: &AccessToken, request: &TokenRequest, traits: &Traits) -> Option<Error> {
    let longest = token.longest_min_ttl().filter(|longest| request.min_ttl > *longest)?;
    let flag = settings::MIN_TTL.flag();
    let asked = humantime::format_duration(request.min_ttl);
    let lifetime = humantime::format_duration(token.lifetime()?);
    let hint = format!("ask for {} at most", humantime::format_duration(longest));
    Some(if traits.has_fixed_lifetime {
        let problem = format!("{flag} {asked} cannot be met: the server grants tokens of {lifetime}");
        Error::config(problem).hint(hint)
    } else {
        let problem = format!("{flag} {asked} is not met: the token command gave a token with {lifetime} left");
        Error::temporary(problem).hint(format!("{hint}, or try again later"))
    })
}

/// A cached failure as another caller sees it: with its age, and when it ends where that is known.
pub fn from_cache(failure: &CachedFailure, now: OffsetDateTime) -> Error {
    let mut error = failure.error.clone();
    let age = span(failure.at, now).as_secs();
    if error.kind == ErrorKind::RateLimited {
        let left = span(now, failure.until).as_secs_f64().ceil();
        error.message.push_str(&format!("; {left} s left"));
    } else if age > 0 {
        error.message.push_str(&format!(" ({age} s ago, not asked again)"));
    }
    error
}

#[cfg(test)]
mod tests;
