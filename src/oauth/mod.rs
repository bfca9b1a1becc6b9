//! The OAuth grants (RFC 6749) of a token endpoint, and the API call that lists a token's accounts.

pub mod api;
mod error_message;
pub mod exchange;
pub mod grant_failure;
pub mod outcome;
mod redaction;
pub mod request;
mod response;
pub mod saml;

use ring::hmac;

use crate::sys::secret::Secret;
use crate::text::hex;
use crate::token::{AccessToken, RefreshToken};

/// The tokens that a provider issued.
#[derive(Debug)]
pub struct IssuedTokens {
    pub access: AccessToken,
    pub refresh: Option<RefreshToken>,
}

/// A fingerprint that only tells whether credentials changed. It is keyed with the client secret, which is never in the
/// cache, so the cache alone does not allow guessing passwords.
pub fn fingerprint(key: &Secret, password: Option<&Secret>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    let tag = hmac::sign(&key, password.map_or("", |secret| secret.expose()).as_bytes());
    hex(tag.as_ref())
}
