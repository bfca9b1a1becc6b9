//! The OAuth grants (RFC 6749) of a token endpoint, and the one call of the API that tells what a token sees.

pub mod api;
mod error_message;
pub mod exchange;
pub mod outcome;
mod redaction;
pub mod rejection;
pub mod request;
mod response;
pub mod saml;

use ring::hmac;

use crate::sys::secret::Secret;
use crate::text::hex;
use crate::token::{AccessToken, RefreshToken};

/// What a provider issued.
#[derive(Debug)]
pub struct IssuedTokens {
    pub access: AccessToken,
    pub refresh: Option<RefreshToken>,
}

/// Tells whether credentials changed, and nothing else. It is keyed with the client secret, which is never in the cache,
/// so that nobody can try passwords against the cache alone. An assertion is its own key: nobody can guess one.
pub fn fingerprint(key: &Secret, password: Option<&Secret>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    let tag = hmac::sign(&key, password.map_or("", |secret| secret.expose()).as_bytes());
    hex(tag.as_ref())
}
