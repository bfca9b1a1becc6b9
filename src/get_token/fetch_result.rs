//! The one result of fetching a token from a provider.

use std::time::Duration;

use crate::cache::entry::CachedFailure;
use crate::error::{Error, ErrorKind};
use crate::oauth::IssuedTokens;
use crate::oauth::rejection::Rejection;
use crate::token::RefreshToken;

#[derive(Debug)]
pub struct FetchResult {
    pub outcome: Result<IssuedTokens, FetchError>,
    pub refresh_token: RefreshTokenFate,
    /// A rejection of the client that another grant was tried after, and the client's fingerprint.
    pub client_rejection: Option<(Error, String)>,
    /// The fingerprint of the SAML assertion that was sent.
    pub sent_assertion: Option<String>,
}

/// What became of the refresh token, where no other one was issued with an access token.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum RefreshTokenFate {
    /// It is as it was: not sent, or sent and not spent.
    #[default]
    Kept,
    /// It was sent, and the response is lost.
    MaybeSpent,
    /// It was rejected for good.
    Forgotten,
    /// Its successor came without an access token.
    Replaced(RefreshToken),
}

#[derive(Debug)]
pub enum FetchError {
    /// It failed just now.
    New {
        error: Error,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
        /// The fingerprint of the credentials that were rejected.
        fingerprint: Option<String>,
        /// The digest of the caller's own source that failed; nothing for the server's verdict.
        source: Option<String>,
    },
    /// The credentials are those of a cached rejection; nothing was sent.
    Cached(Box<CachedFailure>),
}

impl FetchError {
    /// The server's verdict on the credentials with this fingerprint, or a failure that says nothing of them.
    pub fn rejected(rejection: Rejection, fingerprint: String, source: Option<String>) -> Self {
        let Rejection { error, retry_after, .. } = rejection;
        let fingerprint = (error.kind == ErrorKind::Rejected).then_some(fingerprint);
        Self::New { error, retry_after, fingerprint, source }
    }

    /// The same, without saying whose credentials it is about.
    pub fn without_fingerprint(self) -> Self {
        match self {
            Self::New { error, retry_after, source, .. } => Self::New { error, retry_after, fingerprint: None, source },
            cached => cached,
        }
    }

    /// A failure of the caller's own source.
    pub fn local(error: Error, source: String) -> Self {
        Self::New { error, retry_after: None, fingerprint: None, source: Some(source) }
    }
}

impl From<Error> for FetchError {
    /// A failure that all callers share.
    fn from(error: Error) -> Self {
        Self::New { error, retry_after: None, fingerprint: None, source: None }
    }
}

impl<E: Into<FetchError>> From<Result<IssuedTokens, E>> for FetchResult {
    /// The result of a fetch without the refresh token.
    fn from(outcome: Result<IssuedTokens, E>) -> Self {
        let (refresh_token, client_rejection, sent_assertion) = Default::default();
        Self { outcome: outcome.map_err(E::into), refresh_token, client_rejection, sent_assertion }
    }
}
