//! The result of fetching a token from a provider.

use std::time::Duration;

use crate::cache::entry::CachedFailure;
use crate::error::{Error, ErrorKind};
use crate::oauth::IssuedTokens;
use crate::oauth::grant_failure::GrantFailure;
use crate::token::RefreshToken;

#[derive(Debug)]
pub struct FetchResult {
    pub outcome: Result<IssuedTokens, FetchError>,
    pub refresh_token: RefreshTokenFate,
    /// Set if the client was rejected and then another grant was tried: the error and the client's fingerprint.
    pub client_rejection: Option<(Error, String)>,
    /// The fingerprint of the SAML assertion that was sent.
    pub sent_assertion: Option<String>,
}

/// What happened to the refresh token, unless a new one was issued with an access token.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum RefreshTokenFate {
    /// It is unchanged: not sent, or not used up.
    #[default]
    Kept,
    /// It was sent, and the response was lost.
    MaybeSpent,
    /// It was rejected permanently.
    Forgotten,
    /// Its successor was issued without a usable access token.
    Replaced(RefreshToken),
}

#[derive(Debug)]
pub enum FetchError {
    /// A failure of this fetch.
    New {
        error: Error,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
        /// The fingerprint of the rejected credentials.
        fingerprint: Option<String>,
        /// The digest of the caller's own source that failed; nothing for the server's response.
        source: Option<String>,
    },
    /// The credentials are those of a cached rejection, so nothing was sent.
    Cached(Box<CachedFailure>),
}

impl FetchError {
    /// The server rejected the credentials with this fingerprint, or the grant failed for another reason.
    pub fn rejected(failure: GrantFailure, fingerprint: String, source: Option<String>) -> Self {
        let GrantFailure { error, retry_after, .. } = failure;
        let fingerprint = (error.kind == ErrorKind::Rejected).then_some(fingerprint);
        Self::New { error, retry_after, fingerprint, source }
    }

    /// Removes the fingerprint.
    pub fn without_fingerprint(self) -> Self {
        match self {
            Self::New { error, retry_after, source, .. } => Self::New { error, retry_after, fingerprint: None, source },
            cached => cached,
        }
    }

    /// A failure of one of the caller's own sources.
    pub fn local(error: Error, source: String) -> Self {
        Self::New { error, retry_after: None, fingerprint: None, source: Some(source) }
    }
}

impl From<Error> for FetchError {
    /// A failure that applies to all callers.
    fn from(error: Error) -> Self {
        Self::New { error, retry_after: None, fingerprint: None, source: None }
    }
}

impl<E: Into<FetchError>> From<Result<IssuedTokens, E>> for FetchResult {
    /// The result of a fetch that did not use the refresh token.
    fn from(outcome: Result<IssuedTokens, E>) -> Self {
        let (refresh_token, client_rejection, sent_assertion) = Default::default();
        Self { outcome: outcome.map_err(E::into), refresh_token, client_rejection, sent_assertion }
    }
}
