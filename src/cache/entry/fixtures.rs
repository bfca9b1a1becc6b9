//! Times, tokens, failures and entries for unit tests. All times are relative to [`NOW`], in seconds.

use time::OffsetDateTime;
use time::macros::datetime;

use super::{CachedFailure, Entry};
use crate::error::{Error, ErrorKind};
use crate::sys::secret::Secret;
use crate::token::{AccessToken, RefreshToken, RefreshTokenValue};

pub const NOW: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

/// This many seconds after [`NOW`]; before it if negative.
pub fn at(seconds: i64) -> OffsetDateTime {
    NOW + time::Duration::seconds(seconds)
}

pub fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

/// The access token `T`, obtained `age` seconds ago, which expires in `left` seconds.
pub fn token(age: i64, left: i64) -> AccessToken {
    AccessToken { expires_at: Some(at(left)), ..AccessToken::given(secret("T"), at(-age)) }
}

/// A refresh token without expiry, issued to the client secret with the fingerprint `client`.
pub fn refresh_token(value: &str) -> RefreshToken {
    RefreshToken {
        value: RefreshTokenValue::Plain(secret(value)),
        expires_at: None,
        client_fingerprint: Some("client".to_owned()),
        maybe_spent: false,
    }
}

/// A failure with the message `failed` from `age` seconds ago that applies for `left` more seconds, after an exchange
/// with a time limit of 8 s.
pub fn failure(kind: ErrorKind, age: i64, left: i64) -> CachedFailure {
    CachedFailure {
        error: Error::new(kind, "failed"),
        at: at(-age),
        until: at(left),
        backoff_until: at(left),
        fingerprint: None,
        source: None,
        timeout_ms: 8000,
    }
}

/// A new rejection of the credentials with this fingerprint.
pub fn rejection(fingerprint: &str) -> CachedFailure {
    CachedFailure { fingerprint: Some(fingerprint.to_owned()), ..failure(ErrorKind::Rejected, 0, 900) }
}

/// An entry with only this token and failure.
pub fn entry(token: impl Into<Option<AccessToken>>, failure: impl Into<Option<CachedFailure>>) -> Entry {
    Entry { revision: "1".to_owned(), token: token.into(), failure: failure.into(), ..Entry::default() }
}
