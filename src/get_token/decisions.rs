//! What a cache entry and the result of a refresh mean for a call. Pure: clock, files, network and randomness are
//! arguments.

pub mod grants;

use std::time::Duration;

use time::OffsetDateTime;

use crate::cache::entry::{CachedFailure, Entry};
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::grant_failure::{Delivery, GrantFailure};
use crate::settings;
use crate::token::{AccessToken, Freshness, later, span};

#[derive(Clone, Copy, Debug)]
pub struct TokenRequest {
    /// The minimum remaining lifetime of the token.
    pub min_ttl: Duration,
    /// Requires a token that was issued after the call started.
    pub force: bool,
}

/// What the decisions need to know about the provider and the call's limits.
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    /// All tokens have the same lifetime. A command may print a token whose lifetime has partly elapsed.
    pub has_fixed_lifetime: bool,
    /// The time limit of this caller's exchange.
    pub exchange: Duration,
}

/// What to do with a cache entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Print the cached token.
    Serve(AccessToken),
    /// Refresh the token if the lock is free; otherwise print it.
    RefreshEarly(AccessToken),
    /// A recent refresh has failed, or a new token cannot meet the request.
    Fail(Error),
    /// A new token is needed.
    Refresh,
}

/// Decides what to do with an entry that was read without the lock. `spread` and `has_source` are called only if
/// needed; `has_source` tells whether a failed source is also this caller's.
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

/// The entry's token, if it meets this request.
pub fn usable_token<'a>(entry: &'a Entry, request: &TokenRequest, now: OffsetDateTime) -> Option<&'a AccessToken> {
    entry.token.as_ref().filter(|_| freshness(entry, request, now, || 0.0) != Freshness::Due)
}

fn backs_off(entry: &Entry, now: OffsetDateTime) -> bool {
    entry.failure.as_ref().is_some_and(|failure| failure.backs_off(now))
}

/// The error, if it is known without a request.
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
        // To compare the credentials with the rejected ones, the caller needs the secrets. Only one caller at a time
        // should fetch them, so this is checked under the lock.
        ErrorKind::Rejected => None,
        ErrorKind::RateLimited => Some(from_cache(failure, now)),
        _ if request.force || !failure.source.as_deref().is_none_or(has_source) => None,
        _ => Some(from_cache(failure, now)),
    }
}

/// The result for this call of a refresh that another process published after `before` was read. Returns nothing if
/// there was no refresh, or if its result does not apply. `before` is nothing if it could not be read. `applies` tells
/// whether a failure also applies to this caller: see [`applies_to`].
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
        // A forced call needs a new token, but without `before` it is unknown whether the token is new.
        None if request.force => return None,
        None => &unknown,
    };
    if entry.revision == before.revision {
        return None;
    }
    // A token that was published while this call waited also meets a forced call.
    let usable = entry.token.as_ref().filter(|token| token.is_usable(now, request.min_ttl));
    if let Some(token) = usable.filter(|_| !request.force || entry.token != before.token) {
        return Some(Ok(token.clone()));
    }
    let Some(failure) = &entry.failure else {
        return entry.token.as_ref().and_then(|token| unmet_min_ttl(token, request, traits)).map(Err);
    };
    // If the rejection was already cached before, the server was not asked again, as a forced call requires.
    let is_new = !before.rejections.contains(failure);
    let is_shared = (is_new || !request.force) && !has_more_time(traits, failure) && applies(failure);
    is_shared.then(|| Err(from_cache(failure, now)))
}

/// Whether a temporary failure had a shorter time limit than this call: then this call retries.
fn has_more_time(traits: &Traits, failure: &CachedFailure) -> bool {
    failure.error.kind.is_temporary() && u128::from(failure.timeout_ms) < traits.exchange.as_millis()
}

/// Whether another caller's failure also applies to this caller. A rejection applies if the credentials are the same;
/// this is unknown if a command prints this caller's credentials. A failure of the other caller's source applies if
/// this caller has the same source.
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

/// The rate limit in the entry. `login` respects it, too.
pub fn rate_limit(entry: &Entry, now: OffsetDateTime) -> Option<Error> {
    let failure = entry.failure.as_ref()?;
    (failure.error.kind == ErrorKind::RateLimited && failure.holds(now)).then(|| from_cache(failure, now))
}

/// The source of a failed exchange, for [`applies_to`]; nothing for the server's own response.
pub fn failure_source(
    failure: &GrantFailure,
    runs_commands: bool,
    credentials_source: impl FnOnce() -> String,
    transport_source: impl FnOnce() -> String,
) -> Option<String> {
    match (failure.delivery, failure.error.kind) {
        (Delivery::Answered(_), ErrorKind::Rejected) if runs_commands => Some(credentials_source()),
        (Delivery::Answered(_), _) => None,
        _ => Some(transport_source()),
    }
}

/// The result for the call of its own refresh, which ended with the entry `next` and began `age` ago.
pub fn refresh_result(
    next: &Entry,
    request: &TokenRequest,
    traits: &Traits,
    now: OffsetDateTime,
    age: Duration,
) -> Result<AccessToken> {
    match (&next.failure, &next.token) {
        (None, Some(token)) => checked(token.clone(), request, traits, age),
        // While the old token is usable, the failure is not shown.
        (Some(failure), _) => usable_token(next, request, now).cloned().ok_or_else(|| from_cache(failure, now)),
        (None, None) => Err(Error::other("a refresh brought neither token nor failure")),
    }
}

/// The new token, if it still meets the request after the fetch.
pub fn checked(token: AccessToken, request: &TokenRequest, traits: &Traits, age: Duration) -> Result<AccessToken> {
    match unmet_min_ttl(&token, request, traits).or_else(|| expired_meanwhile(&token, request, age)) {
        Some(error) => Err(error),
        None => Ok(token),
    }
}

/// The error if a new token cannot meet `--min-ttl`. An endpoint's next token cannot meet it either, but a command's
/// may.
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

/// The error if a new token does not meet the request any more, because the exchange, which began `age` ago, took
/// longer than the token lives.
fn expired_meanwhile(token: &AccessToken, request: &TokenRequest, age: Duration) -> Option<Error> {
    // Uses the elapsed time instead of the clock, which may be set during a call.
    if token.is_usable(later(token.obtained_at, age), request.min_ttl) {
        return None;
    }
    let left = token.lifetime()?.saturating_sub(age);
    let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
    let problem = format!("the new token has only {left} left");
    Some(Error::temporary(problem).hint("try again; is this machine's clock right?"))
}

/// A cached failure as it is shown to another caller: with its age, and when it ends if that is known.
pub fn from_cache(failure: &CachedFailure, now: OffsetDateTime) -> Error {
    let mut error = failure.error.clone();
    let age = span(failure.at, now).as_secs();
    if error.kind == ErrorKind::RateLimited && age > 0 {
        let left = span(now, failure.until).as_secs_f64().ceil();
        error.message.push_str(&format!("; {left} s left"));
    } else if age > 0 {
        error.message.push_str(&format!(" ({age} s ago, not asked again)"));
        // A failure without a fingerprint is an ended login: another request cannot help, and its hint says what does.
        if error.kind == ErrorKind::Rejected && failure.fingerprint.is_some() {
            let hint = error.hint.map(|hint| hint + "; ").unwrap_or_default();
            return Error { hint: None, ..error }.hint(hint + "run `spotinst-cred --force-refresh` to ask again now");
        }
    }
    error
}

#[cfg(test)]
mod tests;
