//! Which grant a refresh sends, and what a failed refresh grant means. Pure, like all decisions.

use time::OffsetDateTime;

use super::TokenRequest;
use crate::cache::entry::{CachedFailure, Entry};
use crate::error::{Error, ErrorKind};
use crate::get_token::fetch_result::{FetchError, FetchResult, RefreshTokenFate};
use crate::http::client::TOKEN_ENDPOINT;
use crate::oauth::IssuedTokens;
use crate::oauth::grant_failure::{Delivery, GrantFailure, RejectionCause};
use crate::token::RefreshToken;

/// The grant to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextGrant<'a> {
    /// The refresh grant, which needs no password.
    Refresh(&'a RefreshToken),
    /// The profile's own grant: password or client credentials.
    Own,
}

/// How to get a new token.
#[derive(Debug, PartialEq)]
pub enum Plan<'a> {
    Send(NextGrant<'a>),
    /// The credentials are those of this cached rejection, so nothing is sent.
    FailFromCache(&'a CachedFailure),
}

/// Whether only the entry's refresh token can obtain a token.
pub fn needs_refresh_token(entry: &Entry, can_use_own_grant: bool) -> bool {
    !can_use_own_grant && entry.refresh_token.is_some()
}

/// Plans how to get a new token, starting with the first grant. `fingerprint` returns the fingerprint of a grant's
/// credentials.
pub fn choose_grant<'a, E>(
    entry: &'a Entry,
    request: &TokenRequest,
    can_use_own_grant: bool,
    now: OffsetDateTime,
    fingerprint: impl Fn(NextGrant<'a>) -> Result<String, E>,
) -> Result<Plan<'a>, E> {
    let mut grant = first_grant(entry, can_use_own_grant, now);
    loop {
        match plan(entry, grant, &fingerprint(grant)?, request, can_use_own_grant, now) {
            Plan::Send(next) if next != grant => grant = next,
            plan => return Ok(plan),
        }
    }
}

/// The first grant to try: the refresh grant, if the refresh token has not expired and is certainly unused. Without an
/// alternative it is sent in any case, because the server's answer is more reliable than this machine's clock or the
/// state that a killed process left.
pub fn first_grant(entry: &Entry, can_use_own_grant: bool, now: OffsetDateTime) -> NextGrant<'_> {
    match &entry.refresh_token {
        Some(token) if !can_use_own_grant || (token.is_alive(now) && !token.maybe_spent) => NextGrant::Refresh(token),
        _ => NextGrant::Own,
    }
}

/// Whether to send the grant with the credentials of this fingerprint. If the client is known to be rejected, tries the
/// own grant instead of the refresh grant. A forced call ignores cached rejections.
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

/// What to do after a failed refresh grant.
#[derive(Debug)]
pub struct AfterFailure {
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

/// The configuration that [`after_failure`] needs.
#[derive(Debug)]
pub struct Alternatives {
    pub can_use_own_grant: bool,
    pub has_own_refresh_url: bool,
    /// The hint if the user must log in again to get a new token.
    pub login_hint: Option<String>,
}

/// Decides what to do after a failed refresh grant. Tries the profile's own grant, once, if the refresh token was
/// rejected, if the server responded with an error, or if an endpoint failed that only the refresh grant uses.
pub fn after_failure(
    failure: &GrantFailure,
    refresh_token: &RefreshToken,
    client_fingerprint: &str,
    alternatives: &Alternatives,
) -> AfterFailure {
    let GrantFailure { error, cause, delivery, .. } = failure;
    let is_rejected = error.kind == ErrorKind::Rejected;
    // If the own grant works, too, a refresh token that may be invalid is dropped instead of sent with every call.
    let is_doubtful = *cause == RejectionCause::Unknown && alternatives.can_use_own_grant;
    let is_forgotten =
        is_rejected && (is_doubtful || is_about_refresh_token(*cause, refresh_token, client_fingerprint));
    let fate = match (&failure.refresh_token, delivery) {
        (Some(successor), _) => RefreshTokenFate::Replaced(RefreshToken::clone(successor)),
        (None, _) if is_forgotten => RefreshTokenFate::Forgotten,
        (None, Delivery::Lost) => RefreshTokenFate::MaybeSpent,
        (None, _) => RefreshTokenFate::Kept,
    };
    let is_about_client = is_rejected && !is_forgotten && *cause != RejectionCause::Unknown;
    // A gateway may fail all refresh grants, permanently.
    let is_failed = matches!(delivery, Delivery::Answered(400..));
    let is_endpoint_at_fault = error.kind.is_temporary() && (alternatives.has_own_refresh_url || is_failed);
    let next = if (is_rejected || is_endpoint_at_fault) && alternatives.can_use_own_grant {
        AfterRefresh::FallBack
    } else if is_rejected {
        AfterRefresh::Fail(login_ended(failure, is_forgotten, alternatives))
    } else {
        AfterRefresh::Fail(error.clone())
    };
    AfterFailure { refresh_token: fate, is_about_client, next }
}

/// The result of a failed refresh grant. `own_grant` fetches a token by the profile's own grant; `failed` converts a
/// failed grant to a fetch error.
pub fn refresh_failed(
    failure: GrantFailure,
    decision: AfterFailure,
    client_fingerprint: &str,
    own_grant: impl FnOnce() -> Result<IssuedTokens, FetchError>,
    failed: impl FnOnce(GrantFailure) -> FetchError,
) -> FetchResult {
    let AfterFailure { refresh_token, is_about_client, next } = decision;
    let client_rejection = is_about_client.then(|| (failure.error.clone(), client_fingerprint.to_owned()));
    let outcome = match next {
        AfterRefresh::FallBack => match own_grant() {
            // Nothing was sent, so the only new information is the failure of the refresh endpoint.
            Err(FetchError::Cached(_)) if failure.error.kind.is_temporary() => Err(failed(failure)),
            outcome => outcome,
        },
        AfterRefresh::Fail(error) => {
            let failed = failed(GrantFailure { error, ..failure });
            // A rejected refresh token says nothing about the client.
            Err(if is_about_client { failed } else { failed.without_fingerprint() })
        }
    };
    let client_rejection = client_rejection.filter(|_| outcome.is_err());
    FetchResult { outcome, refresh_token, client_rejection, sent_assertion: None }
}

/// Whether a rejection is about the refresh token, as far as known. One caller's wrong client secret, or a gateway,
/// must not end the login of all others.
fn is_about_refresh_token(cause: RejectionCause, refresh_token: &RefreshToken, client_fingerprint: &str) -> bool {
    match cause {
        RejectionCause::Grant => true,
        RejectionCause::GrantOrClient => {
            refresh_token.client_fingerprint.as_deref().is_none_or(|issued_to| issued_to == client_fingerprint)
        }
        RejectionCause::Client | RejectionCause::Unknown => false,
    }
}

/// The error for a rejected refresh grant without an alternative.
fn login_ended(failure: &GrantFailure, is_forgotten: bool, alternatives: &Alternatives) -> Error {
    let error = failure.error.clone();
    match (failure.cause, &alternatives.login_hint) {
        // The service sends no such message. Another server responded, perhaps only for a short time.
        (RejectionCause::Unknown, _) => error.kind(ErrorKind::Temporary).hint(TOKEN_ENDPOINT.hint),
        (_, Some(hint)) if is_forgotten => error.hint(hint),
        (_, None) if is_forgotten => error,
        // The refresh token was issued to another client secret.
        _ => error.hint("check the client secret: the refresh token was issued to another one"),
    }
}

#[cfg(test)]
mod tests;
