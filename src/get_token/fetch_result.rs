//! The one result of fetching a token from a provider.

use std::time::Duration;

use crate::cache::entry::CachedFailure;
use crate::error::{Error, ErrorKind};
use crate::oauth::IssuedTokens;
use crate::oauth::rejection::Rejection;

#[derive(Debug)]
pub struct FetchResult {
    pub outcome: Result<IssuedTokens, FetchError>,
    /// The refresh token was rejected for good.
    pub forget_refresh_token: bool,
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
    },
    /// The credentials are those of a cached rejection; nothing was sent.
    Cached(Box<CachedFailure>),
}

impl FetchError {
    /// A rejection of the credentials with this fingerprint, or a failure that says nothing of them.
    pub fn rejected(rejection: Rejection, fingerprint: String) -> Self {
        let Rejection { error, retry_after, .. } = rejection;
        let fingerprint = (error.kind == ErrorKind::Rejected).then_some(fingerprint);
        Self::New { error, retry_after, fingerprint }
    }
}

impl From<Error> for FetchError {
    /// An error that came before any request.
    fn from(error: Error) -> Self {
        Self::New { error, retry_after: None, fingerprint: None }
    }
}

impl<E: Into<FetchError>> From<Result<IssuedTokens, E>> for FetchResult {
    /// The result of a fetch that leaves the refresh token as it is.
    fn from(outcome: Result<IssuedTokens, E>) -> Self {
        Self { outcome: outcome.map_err(E::into), forget_refresh_token: false }
    }
}
