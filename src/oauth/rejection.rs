//! Why a token endpoint issued no token.

use std::time::Duration;

use crate::error::Error;
use crate::http::client::TransportError;
use crate::token::RefreshToken;

/// Why a request was not answered with a token.
#[derive(Debug)]
pub struct Rejection {
    pub error: Error,
    /// What the error is about, where it is [`crate::error::ErrorKind::Rejected`].
    pub cause: RejectionCause,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether an immediate retry is harmless and may help.
    pub is_retryable: bool,
    pub delivery: Delivery,
    /// A new refresh token that came with an unusable access token.
    pub refresh_token: Option<Box<RefreshToken>>,
}

/// What the server rejected, as far as it says.
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

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The server cannot have seen it.
    NotSent,
    /// The server may have acted on it; its response is lost.
    Lost,
    /// With this HTTP status.
    Answered(u16),
}

impl Rejection {
    /// The server's verdict, with its HTTP status.
    pub fn answered(error: Error, status: u16) -> Self {
        Self { delivery: Delivery::Answered(status), ..error.into() }
    }
}

impl From<Error> for Rejection {
    /// An error before anything was sent.
    fn from(error: Error) -> Self {
        let (cause, delivery) = (RejectionCause::Unknown, Delivery::NotSent);
        Self { error, cause, retry_after: None, is_retryable: false, delivery, refresh_token: None }
    }
}

impl From<TransportError> for Rejection {
    fn from(TransportError { error, was_sent, is_transient }: TransportError) -> Self {
        let delivery = if was_sent { Delivery::Lost } else { Delivery::NotSent };
        Self { is_retryable: is_transient && !was_sent, delivery, ..error.into() }
    }
}
