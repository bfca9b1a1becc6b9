//! What is cached of one identity, and its bytes. Pure: no file is touched here.
//!
//! The first line is `spotinst-cred VERSION SUM`, the second a JSON object. The sum is the SHA-256 of the identity's
//! name and the object, so that a flipped bit, a torn write or another identity's file is a miss and never a wrong
//! token. Whatever does not decode is no entry.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::text::hex;
use crate::token::{AccessToken, CLOCK_SKEW, RefreshToken, span};

/// The version of the format. It is part of an identity's file name, so programs of two versions never share a file.
pub const VERSION: u32 = 1;

/// Everything cached of one identity. Never a password or a client secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Changes with each refresh, failed or not: a caller that finds it changed knows that somebody has refreshed.
    pub revision: String,
    /// The newest access token, also after its expiry: its lifetime tells what the server issues.
    pub token: Option<AccessToken>,
    pub refresh_token: Option<RefreshToken>,
    /// The last refresh token, where the secret store did not take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_refresh_token: Option<LostRefreshToken>,
    /// How the last refresh failed; nothing after one that succeeded.
    pub failure: Option<CachedFailure>,
    /// The last rejections, the newest first, one per fingerprint: neither another kind of failure nor another caller's
    /// wrong password may replace one, or the rejected credentials would reach the server again.
    pub rejections: Vec<CachedFailure>,
    /// The fingerprints of the SAML assertions that were sent, the newest first: none is sent twice, whatever came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent_assertions: Vec<String>,
}

/// Why there is no refresh token, although the server issued one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LostRefreshToken {
    pub reason: String,
    #[serde(with = "time::serde::timestamp")]
    pub at: OffsetDateTime,
}

/// A failed refresh that later callers share instead of repeating it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CachedFailure {
    #[serde(flatten)]
    pub error: Error,
    #[serde(with = "time::serde::timestamp")]
    pub at: OffsetDateTime,
    /// Until then no caller that needs a new token asks the server again.
    #[serde(with = "time::serde::timestamp")]
    pub until: OffsetDateTime,
    /// Until then no caller with a usable token tries to refresh it.
    #[serde(with = "time::serde::timestamp")]
    pub backoff_until: OffsetDateTime,
    /// The fingerprint of the rejected credentials, or of those that the failure is about.
    pub fingerprint: Option<String>,
    /// The digest of the caller's own sources (commands, files, proxy, roots), where the failure came before or instead
    /// of a response: it answers only for callers with the same ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The time limit of the exchange, in milliseconds: a caller with a longer timeout retries.
    #[serde(rename = "limit")]
    pub timeout_ms: u64,
}

impl CachedFailure {
    /// Whether it still answers for a new token at `now`. One from the future was written before the clock was set back.
    pub fn holds(&self, now: OffsetDateTime) -> bool {
        span(now, self.at) <= CLOCK_SKEW && now < self.until
    }

    /// Whether a caller with a usable token leaves the server alone at `now`.
    pub fn backs_off(&self, now: OffsetDateTime) -> bool {
        span(now, self.at) <= CLOCK_SKEW && now < self.until.max(self.backoff_until)
    }
}

/// So many SAML assertions are known to be sent: those from before have expired.
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

    /// The file's bytes for this identity.
    pub fn encode(&self, identity: &str) -> Zeroizing<Vec<u8>> {
        let mut json = Zeroizing::new(Vec::with_capacity(4096));
        if serde_json::to_writer(&mut *json, self).is_err() {
            // Unreachable for these types; an empty file would be a miss, as it should.
            return Zeroizing::new(Vec::new());
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(json.len() + 128));
        bytes.extend_from_slice(header(identity, &json).as_bytes());
        bytes.extend_from_slice(&json);
        bytes.push(b'\n');
        bytes
    }

    /// The entry in a file's bytes; nothing where anything is wrong with them.
    pub fn decode(bytes: &[u8], identity: &str) -> Option<Self> {
        let end_of_header = bytes.iter().position(|&b| b == b'\n')?;
        let (head, json) = bytes.split_at_checked(end_of_header + 1)?;
        let json = json.strip_suffix(b"\n")?;
        if header(identity, json).as_bytes() != head {
            return None;
        }
        let entry: Self = serde_json::from_slice(json).ok()?;
        // Whatever the sum says, no token leaves the cache that could break out of a format.
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
