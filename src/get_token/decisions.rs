//! The decisions of a call. Pure: no clock, file, network or randomness inside; what they need of these is an argument.

use std::time::Duration;

use time::OffsetDateTime;

use super::fetch_result::{FetchError, FetchResult, RefreshTokenFate};
use crate::cache::entry::{CachedFailure, Entry};
use crate::error::{Error, ErrorKind, Result};
use crate::http::client::TOKEN_ENDPOINT;
use crate::oauth::IssuedTokens;
use crate::oauth::rejection::{Delivery, Rejection, RejectionCause};
use crate::settings;
use crate::token::{AccessToken, Freshness, RefreshToken, later, span};

/// What the caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest {
    /// The lifetime that the token must have left at least.
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

/// Decides what the entry, read without the lock, means for the request. `spread` and `has_source` are called only where
/// they matter; `has_source` tells whether a source that failed is this caller's own, too.
pub fn look(
    entry: &Entry,
    request: &TokenRequest,
    traits: &Traits,
    now: OffsetDateTime,
    spread: impl FnOnce() -> f64,
    has_source: impl FnOnce(&str) -> bool,
) -> Action {
    match (freshness(entry, request, now, spread), &entry.token) {
        (Freshness::Fresh, Some(token)) => Action::Serve(token.clone()),
        (Freshness::Aging, Some(token)) if backs_off(entry, now) => Action::Serve(token.clone()),
        (Freshness::Aging, Some(token)) => Action::RefreshEarly(token.clone()),
        _ => match known_failure(entry, request, traits, now, has_source) {
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

/// The entry's token, if it serves this request.
pub fn usable_token<'a>(entry: &'a Entry, request: &TokenRequest, now: OffsetDateTime) -> Option<&'a AccessToken> {
    entry.token.as_ref().filter(|_| freshness(entry, request, now, || 0.0) != Freshness::Due)
}

fn backs_off(entry: &Entry, now: OffsetDateTime) -> bool {
    entry.failure.as_ref().is_some_and(|failure| failure.backs_off(now))
}

/// The error that is known without a request.
fn known_failure(
    entry: &Entry,
    request: &TokenRequest,
    traits: &Traits,
    now: OffsetDateTime,
    has_source: impl FnOnce(&str) -> bool,
) -> Option<Error> {
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
        _ if request.force || !failure.source.as_deref().is_none_or(has_source) => None,
        _ => Some(from_cache(failure, now)),
    }
}

/// What another process's refresh, published since `before` was read, means for this call; nothing if there was none, or
/// if its result does not serve. `before` is nothing where it could not be read. `applies` tells whether a failure is this
/// caller's too: see [`applies_to`].
pub fn use_concurrent_result(
    before: Option<&Entry>,
    entry: &Entry,
    request: &TokenRequest,
    traits: &Traits,
    now: OffsetDateTime,
    applies: impl FnOnce(&CachedFailure) -> bool,
) -> Option<Result<AccessToken>> {
    let unknown = Entry::default();
    let before = match before {
        Some(before) => before,
        // Whether a token is new, which a forced call wants to know, cannot be told.
        None if request.force => return None,
        None => &unknown,
    };
    if entry.revision == before.revision {
        return None;
    }
    // A token that was published while this call waited is as good as forced.
    let usable = entry.token.as_ref().filter(|token| token.is_usable(now, request.min_ttl));
    if let Some(token) = usable.filter(|_| !request.force || entry.token != before.token) {
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
    failure.error.kind.is_temporary() && u128::from(failure.timeout_ms) < traits.exchange.as_millis()
}

/// Whether another caller's failure is this caller's, too. A verdict on credentials is, if they are the same ones: not so
/// where a command of its own prints the caller's. A failure of a caller's own source is, if the source is the same.
pub fn applies_to(
    failure: &CachedFailure,
    has_source: impl FnOnce(&str) -> bool,
    runs_commands: bool,
    fingerprint: impl FnOnce() -> Result<String>,
) -> bool {
    match (&failure.source, failure.error.kind) {
        (Some(source), ErrorKind::Rejected) => {
            has_source(source) || (!runs_commands && fingerprint().ok() == failure.fingerprint)
        }
        (Some(source), _) => has_source(source),
        (None, ErrorKind::Rejected | ErrorKind::Config) => {
            !runs_commands
                && fingerprint().map_or_else(|error| error == failure.error, |own| failure.fingerprint == Some(own))
        }
        (None, _) => true,
    }
}

/// The rate limit that the entry holds: a login respects it as any call does.
pub fn rate_limit(entry: &Entry, now: OffsetDateTime) -> Option<Error> {
    let failure = entry.failure.as_ref()?;
    (failure.error.kind == ErrorKind::RateLimited && failure.holds(now)).then(|| from_cache(failure, now))
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

/// Whether nothing but the entry's refresh token can obtain a token.
pub fn needs_refresh_token(entry: &Entry, can_use_own_grant: bool) -> bool {
    !can_use_own_grant && entry.refresh_token.is_some()
}

/// The plan for a new token, from the first grant on. `fingerprint` returns that of a grant's credentials.
pub fn choose_grant<'a, E>(
    entry: &'a Entry,
    request: &TokenRequest,
    can_use_own_grant: bool,
    now: OffsetDateTime,
    fingerprint: impl Fn(NextGrant<'a>) -> std::result::Result<String, E>,
) -> std::result::Result<Plan<'a>, E> {
    let mut grant = first_grant(entry, can_use_own_grant, now);
    loop {
        match plan(entry, grant, &fingerprint(grant)?, request, can_use_own_grant, now) {
            Plan::Send(next) if next != grant => grant = next,
            plan => return Ok(plan),
        }
    }
}

/// The first grant to try: the refresh token's while that lives and cannot be spent. Where nothing else serves it is sent
/// in any case: the server knows better than this machine's clock, or than a process that was killed.
pub fn first_grant(entry: &Entry, can_use_own_grant: bool, now: OffsetDateTime) -> NextGrant<'_> {
    match &entry.refresh_token {
        Some(token) if !can_use_own_grant || (token.is_alive(now) && !token.maybe_spent) => NextGrant::Refresh(token),
        _ => NextGrant::Own,
    }
}

/// Whether to send the grant of the credentials with this fingerprint. Where the client is known to be rejected, the own
/// grant is tried instead of the refresh grant. A forced call disregards cached rejections.
pub fn plan<'a>(
    entry: &'a Entry,
    grant: NextGrant<'a>,
    fingerprint: &str,
    request: &TokenRequest,
    can_use_own_grant: bool,
    now: OffsetDateTime,
) -> Plan<'a> {
    let is_known = |known: &&CachedFailure| known.fingerprint.as_deref() == Some(fingerprint) && known.holds(now);
    match (entry.rejections.iter().find(is_known).filter(|_| !request.force), grant) {
        (None, grant) => Plan::Send(grant),
        (Some(_), NextGrant::Refresh(_)) if can_use_own_grant => Plan::Send(NextGrant::Own),
        (Some(known), _) => Plan::FailFromCache(known),
    }
}

/// What follows a refresh grant that was not answered with a token.
#[derive(Debug)]
pub struct AfterRejection {
    pub refresh_token: RefreshTokenFate,
    /// The client secret was rejected, not the refresh token.
    pub is_about_client: bool,
    pub next: AfterRefresh,
}

#[derive(Debug, PartialEq, Eq)]
pub enum AfterRefresh {
    /// Try the profile's own grant.
    FallBack,
    Fail(Error),
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
/// rejected, where the server responded with an error, or where the trouble is with an endpoint that only the refresh
/// grant uses.
pub fn after_rejection(
    rejection: &Rejection,
    refresh_token: &RefreshToken,
    client_fingerprint: &str,
    alternatives: &Alternatives,
) -> AfterRejection {
    let Rejection { error, cause, delivery, .. } = rejection;
    let is_rejected = error.kind == ErrorKind::Rejected;
    // Where the own grant serves as well, a refresh token of doubtful use is not worth a request each time.
    let is_doubtful = *cause == RejectionCause::Unknown && alternatives.can_use_own_grant;
    let is_forgotten =
        is_rejected && (is_doubtful || is_about_refresh_token(*cause, refresh_token, client_fingerprint));
    let fate = match (&rejection.refresh_token, delivery) {
        (Some(successor), _) => RefreshTokenFate::Replaced(RefreshToken::clone(successor)),
        (None, _) if is_forgotten => RefreshTokenFate::Forgotten,
        (None, Delivery::Lost) => RefreshTokenFate::MaybeSpent,
        (None, _) => RefreshTokenFate::Kept,
    };
    let is_about_client = is_rejected && !is_forgotten && *cause != RejectionCause::Unknown;
    // A gateway that fails refresh grants alone may do so for ever.
    let is_failed = matches!(delivery, Delivery::Answered(400..));
    let is_endpoint_at_fault = error.kind.is_temporary() && (alternatives.has_own_refresh_url || is_failed);
    let next = if (is_rejected || is_endpoint_at_fault) && alternatives.can_use_own_grant {
        AfterRefresh::FallBack
    } else if is_rejected {
        AfterRefresh::Fail(login_ended(rejection, is_forgotten, alternatives))
    } else {
        AfterRefresh::Fail(error.clone())
    };
    AfterRejection { refresh_token: fate, is_about_client, next }
}

/// The result of a failed refresh grant. `own_grant` fetches a token by the profile's own grant; `failed` makes a failure
/// of a rejection.
pub fn refresh_failed(
    rejection: Rejection,
    decision: AfterRejection,
    client_fingerprint: &str,
    own_grant: impl FnOnce() -> std::result::Result<IssuedTokens, FetchError>,
    failed: impl FnOnce(Rejection) -> FetchError,
) -> FetchResult {
    let AfterRejection { refresh_token, is_about_client, next } = decision;
    let client_rejection = is_about_client.then(|| (rejection.error.clone(), client_fingerprint.to_owned()));
    let outcome = match next {
        AfterRefresh::FallBack => match own_grant() {
            // Nothing was sent: what was learned is that the refresh endpoint is in trouble.
            Err(FetchError::Cached(_)) if rejection.error.kind.is_temporary() => Err(failed(rejection)),
            outcome => outcome,
        },
        AfterRefresh::Fail(error) => {
            let failed = failed(Rejection { error, ..rejection });
            // A refresh token that is gone says nothing of the client.
            Err(if is_about_client { failed } else { failed.without_fingerprint() })
        }
    };
    let client_rejection = client_rejection.filter(|_| outcome.is_err());
    FetchResult { outcome, refresh_token, client_rejection, sent_assertion: None }
}

/// Where the failure of an exchange comes from, for [`applies_to`]: nothing for the server's own verdict.
pub fn failure_source(
    rejection: &Rejection,
    runs_commands: bool,
    credentials_source: impl FnOnce() -> String,
    transport_source: impl FnOnce() -> String,
) -> Option<String> {
    match (rejection.delivery, rejection.error.kind) {
        (Delivery::Answered(_), ErrorKind::Rejected) if runs_commands => Some(credentials_source()),
        (Delivery::Answered(_), _) => None,
        _ => Some(transport_source()),
    }
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

/// The error of a rejected refresh grant without an alternative.
fn login_ended(rejection: &Rejection, is_forgotten: bool, alternatives: &Alternatives) -> Error {
    let error = rejection.error.clone();
    match (rejection.cause, &alternatives.login_hint) {
        // It was none of the service's messages: whatever responded in its place may be gone in a moment.
        (RejectionCause::Unknown, _) => error.kind(ErrorKind::Temporary).hint(TOKEN_ENDPOINT.hint),
        (_, Some(hint)) if is_forgotten => error.hint(hint),
        (_, None) if is_forgotten => error,
        // The refresh token was issued to another client secret than the caller's.
        _ => error.hint("check the client secret: the refresh token was issued to another one"),
    }
}

/// What a refresh that ended with the entry `next` means for the call itself; it began `age` ago.
pub fn refresh_result(
    next: &Entry,
    request: &TokenRequest,
    traits: &Traits,
    now: OffsetDateTime,
    age: Duration,
) -> Result<AccessToken> {
    match (&next.failure, &next.token) {
        (None, Some(token)) => checked(token.clone(), request, traits, age),
        // While the token in hand is usable, nothing is said of the failure.
        (Some(failure), _) => usable_token(next, request, now).cloned().ok_or_else(|| from_cache(failure, now)),
        (None, None) => Err(Error::other("a refresh brought neither token nor failure")),
    }
}

/// A new token, if it meets the request after the time that the fetch took.
pub fn checked(token: AccessToken, request: &TokenRequest, traits: &Traits, age: Duration) -> Result<AccessToken> {
    match unmet_min_ttl(&token, request, traits).or_else(|| expired_meanwhile(&token, request, age)) {
        Some(error) => Err(error),
        None => Ok(token),
    }
}

/// The error of a `--min-ttl` that a new token of this provider does not meet. An endpoint's next one will not either; a
/// command's may.
fn unmet_min_ttl(token: &AccessToken, request: &TokenRequest, traits: &Traits) -> Option<Error> {
    let longest = token.longest_min_ttl().filter(|longest| request.min_ttl > *longest)?;
    let flag = settings::MIN_TTL.flag();
    let asked = humantime::format_duration(request.min_ttl);
    let lifetime = humantime::format_duration(token.lifetime()?);
    let hint = format!("ask for {} at most", humantime::format_duration(longest));
    Some(if traits.has_fixed_lifetime {
        let problem = format!("{flag} {asked} cannot be met: the server grants tokens of {lifetime}");
        Error::config(problem).hint(hint)
    } else {
        let problem = format!("{flag} {asked} is not met: the token command printed a token with {lifetime} left");
        Error::temporary(problem).hint(format!("{hint}, or try again later"))
    })
}

/// The error of a new token that is too old for this request already: its exchange, which began `age` ago, took longer
/// than it lives.
fn expired_meanwhile(token: &AccessToken, request: &TokenRequest, age: Duration) -> Option<Error> {
    // By the time that passed here, and not by the clock, which may be set during a call.
    if token.is_usable(later(token.obtained_at, age), request.min_ttl) {
        return None;
    }
    let left = token.lifetime()?.saturating_sub(age);
    let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
    let problem = format!("the new token has only {left} left");
    Some(Error::temporary(problem).hint("try again; is this machine's clock right?"))
}

/// A cached failure as another caller sees it: with its age, and when it ends where that is known.
pub fn from_cache(failure: &CachedFailure, now: OffsetDateTime) -> Error {
    let mut error = failure.error.clone();
    let age = span(failure.at, now).as_secs();
    if error.kind == ErrorKind::RateLimited && age > 0 {
        let left = span(now, failure.until).as_secs_f64().ceil();
        error.message.push_str(&format!("; {left} s left"));
    } else if age > 0 {
        error.message.push_str(&format!(" ({age} s ago, not asked again)"));
        // Without a fingerprint a login has ended: asking again cannot help, and the hint says what does.
        if error.kind == ErrorKind::Rejected && failure.fingerprint.is_some() {
            let hint = error.hint.map(|hint| hint + "; ").unwrap_or_default();
            return Error { hint: None, ..error }.hint(hint + "run `spotinst-cred --force-refresh` to ask again now");
        }
    }
    error
}

#[cfg(test)]
mod tests;
