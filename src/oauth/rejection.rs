//! Why a token endpoint issued no token.

use std::time::Duration;

use crate::error::Error;

/// Why a request was not answered with a token.
#[derive(Debug)]
pub struct Rejection {
    pub error: Error,
    /// What the error is about, where it is [`crate::error::ErrorKind::Rejected`].
    pub cause: RejectionCause,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether an immediate retry may help.
    pub is_retryable: bool,
}

/// What a server rejected, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionCause {
    /// The grant's own secret: `invalid_grant` (RFC 6749, section 5.2).
    Grant,
    /// The client: `invalid_client`, `unauthorized_client`.
    Client,
    /// One of them, or both.
    GrantOrClient,
    /// Nothing that the service is known to say: a gateway may have responded in its place.
    Unknown,
}

impl From<Error> for Rejection {
    /// An error that is none of the service's, and not worth a retry.
    fn from(error: Error) -> Self {
        Self { error, cause: RejectionCause::Unknown, retry_after: None, is_retryable: false }
    }
}
