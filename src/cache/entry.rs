//! The cached data of one identity, and its file format. Pure: accesses no file.
//!
//! The first line is `spotinst-cred VERSION SUM`, the second a JSON object. The sum is the SHA-256 of the identity's
//! name and the object, so that a flipped bit, a torn write or another identity's file is a cache miss and never a
//! wrong token. Data that cannot be decoded is no entry.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::text::hex;
use crate::token::{AccessToken, CLOCK_SKEW, RefreshToken, span};

/// The version of the format. It is part of an identity's file name, so different versions never share a file.
pub const VERSION: u32 = 1;

/// Everything cached for one identity. Never contains a password or client secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Changes with each refresh, successful or not. A caller that finds it changed knows that another process has
    /// refreshed.
    pub revision: String,
    /// The newest access token. It stays after its expiry, because its lifetime tells which lifetime the server grants.
    pub token: Option<AccessToken>,
    pub refresh_token: Option<RefreshToken>,
    /// Set if the secret store failed to save the last refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_refresh_token: Option<LostRefreshToken>,
    /// How the last refresh failed; nothing after a success.
    pub failure: Option<CachedFailure>,
    /// The last rejections, newest first, one per fingerprint. Neither another kind of failure nor another caller's
    /// wrong password replaces one; otherwise the rejected credentials would be sent to the server again.
    pub rejections: Vec<CachedFailure>,
    /// The fingerprints of sent SAML assertions, newest first. An assertion is never sent twice, even if sending it
    /// failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent_assertions: Vec<String>,
}

/// Why there is no refresh token although the server issued one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LostRefreshToken {
    pub reason: String,
    #[serde(with = "time::serde::timestamp")]
    pub at: OffsetDateTime,
}

/// A failed refresh that later callers reuse instead of repeating it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CachedFailure {
    #[serde(flatten)]
    pub error: Error,
    #[serde(with = "time::serde::timestamp")]
    pub at: OffsetDateTime,
    /// Until then, callers that need a new token fail without a request.
    #[serde(with = "time::serde::timestamp")]
    pub until: OffsetDateTime,
    /// Until then, callers with a usable token do not try to refresh it.
    #[serde(with = "time::serde::timestamp")]
    pub backoff_until: OffsetDateTime,
    /// The fingerprint of the credentials that were rejected, or that the failure is about.
    pub fingerprint: Option<String>,
    /// Set if the failure did not come from the server: the digest of the caller's own sources (commands, files, proxy,
    /// root certificates). The failure only applies to callers with the same sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The time limit of the exchange, in milliseconds: a caller with a longer timeout retries.
    #[serde(rename = "limit")]
    pub timeout_ms: u64,
}

impl CachedFailure {
    /// Whether the failure still applies to a caller that needs a new token. A failure from the future was written
    /// before the clock was set back, and does not apply.
    pub fn holds(&self, now: OffsetDateTime) -> bool {
        span(now, self.at) <= CLOCK_SKEW && now < self.until
    }

    /// Whether a caller with a usable token does not try to refresh it.
    pub fn backs_off(&self, now: OffsetDateTime) -> bool {
        span(now, self.at) <= CLOCK_SKEW && now < self.until.max(self.backoff_until)
    }
}

/// The maximum number of sent SAML assertions to remember. Older ones have expired.
const MAX_ASSERTIONS: usize = 16;

impl Entry {
    /// The entry after this assertion was sent.
    pub fn with_sent_assertion(mut self, fingerprint: String) -> Self {
        if !self.sent_assertions.contains(&fingerprint) {
            self.sent_assertions.insert(0, fingerprint);
            self.sent_assertions.truncate(MAX_ASSERTIONS);
        }
        self
    }

    /// Encodes the entry as the file of this identity.
    pub fn encode(&self, identity: &str) -> Zeroizing<Vec<u8>> {
        let mut json = Zeroizing::new(Vec::with_capacity(4096));
        if serde_json::to_writer(&mut *json, self).is_err() {
            // Unreachable for these types. An empty file is a cache miss.
            return Zeroizing::new(Vec::new());
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(json.len() + 128));
        bytes.extend_from_slice(header(identity, &json).as_bytes());
        bytes.extend_from_slice(&json);
        bytes.push(b'\n');
        bytes
    }

    /// Decodes a file; returns nothing if anything is wrong with it.
    pub fn decode(bytes: &[u8], identity: &str) -> Option<Self> {
        let end_of_header = bytes.iter().position(|&b| b == b'\n')?;
        let (head, json) = bytes.split_at_checked(end_of_header + 1)?;
        let json = json.strip_suffix(b"\n")?;
        if header(identity, json).as_bytes() != head {
            return None;
        }
        let entry: Self = serde_json::from_slice(json).ok()?;
        // Validates the token even if the sum is right, so that it cannot break an output format.
        entry.token.as_ref().is_none_or(AccessToken::is_valid).then_some(entry)
    }
}

/// The first line for this identity and object.
fn header(identity: &str, json: &[u8]) -> String {
    let mut sum = Context::new(&SHA256);
    sum.update(identity.as_bytes());
    sum.update(b"\n");
    sum.update(json);
    format!("spotinst-cred {VERSION} {}\n", hex(sum.finish().as_ref()))
}

#[cfg(test)]
pub mod fixtures;
#[cfg(test)]
mod tests;
