//! Why a token endpoint issued no token.

use std::time::Duration;

use crate::error::Error;
use crate::http::client::TransportError;
use crate::token::RefreshToken;

/// Why a grant was not answered with a token: rejected, rate limited, or failed in transit.
#[derive(Debug)]
pub struct GrantFailure {
    pub error: Error,
    /// What the server rejected, if the error is [`crate::error::ErrorKind::Rejected`].
    pub cause: RejectionCause,
    /// How long the server asks clients to wait.
    pub retry_after: Option<Duration>,
    /// Whether an immediate retry is safe and may succeed.
    pub is_retryable: bool,
    pub delivery: Delivery,
    /// A new refresh token that was issued with an unusable access token.
    pub refresh_token: Option<Box<RefreshToken>>,
}

/// What the server rejected, if its response says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionCause {
    /// The password or refresh token: `invalid_grant` (RFC 6749, section 5.2).
    Grant,
    /// The client: `invalid_client`, `unauthorized_client`.
    Client,
    /// Either of them, or both.
    GrantOrClient,
    /// Unknown: the service sends no such response, so it may come from a gateway.
    Unknown,
}

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The server cannot have received it.
    NotSent,
    /// The server may have acted on it, but its response is lost.
    Lost,
    /// The server responded with this HTTP status.
    Answered(u16),
}

impl GrantFailure {
    /// A failure that the server responded with.
    pub fn answered(error: Error, status: u16) -> Self {
        Self { delivery: Delivery::Answered(status), ..error.into() }
    }
}

impl From<Error> for GrantFailure {
    /// An error before anything was sent.
    fn from(error: Error) -> Self {
        let (cause, delivery) = (RejectionCause::Unknown, Delivery::NotSent);
        Self { error, cause, retry_after: None, is_retryable: false, delivery, refresh_token: None }
    }
}

impl From<TransportError> for GrantFailure {
    fn from(TransportError { error, was_sent, is_transient }: TransportError) -> Self {
        let delivery = if was_sent { Delivery::Lost } else { Delivery::NotSent };
        Self { is_retryable: is_transient && !was_sent, delivery, ..error.into() }
    }
}
