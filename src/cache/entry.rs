//! What is kept of one identity, and its bytes. Pure: no file is touched here.
//!
//! The first line is `spotinst-cred VERSION SUM`, the second a JSON object. The sum is the SHA-256 of the identity's
//! name and the object, so that a flipped bit, a torn write or a file of another identity is a miss and never a wrong
//! token. Whatever does not decode is no entry: the reader asks the server anew.

mod wire;

use ring::digest::{Context, SHA256};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use wire::Wire;

use crate::failure::Failure;
use crate::secret::Secret;
use crate::token::{AccessToken, CLOCK_SLACK, span};

/// The version of the format. It is part of an identity's file name, so programs of two versions never meet.
pub const VERSION: u32 = 1;

/// Everything remembered of one identity. Never a password or a client secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Another one after each refresh, failed or not: who finds it changed knows that somebody refreshed meanwhile.
    pub revision: String,
    /// The newest access token, also after its death: its lifetime says what the server grants.
    pub token: Option<AccessToken>,
    /// The refresh token that goes with it.
    pub refresh_token: Option<RefreshToken>,
    /// How the last refresh failed; nothing after one that succeeded.
    pub failure: Option<Remembered>,
    /// The last rejections of credentials, the newest first, one for each mark: neither a failure of another kind nor
    /// another caller's wrong password may wipe one out, or the rejected one would reach the server again.
    pub rejections: Vec<Remembered>,
}

/// A refresh token (RFC 6749, section 1.5) and when it dies, where the server told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The token itself.
    pub value: Secret,
    /// When it dies, in whole seconds.
    pub expires_at: Option<OffsetDateTime>,
    /// Marks the client secret that it was granted to: see [`crate::oauth::fingerprint`].
    pub client_mark: Option<String>,
}

impl RefreshToken {
    /// Whether it is worth sending at `now`.
    pub fn is_alive(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// A failed refresh that later callers share instead of repeating it.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// What is told to each of them.
    pub failure: Failure,
    /// When it happened.
    pub at: OffsetDateTime,
    /// Until then nobody who needs a new token asks the server again.
    pub until: OffsetDateTime,
    /// Until then nobody who still has a usable token tries to renew it.
    pub backoff_until: OffsetDateTime,
    /// Tells whether the credentials are still those that were rejected: see [`crate::oauth::fingerprint`].
    pub fingerprint: Option<String>,
    /// The time that the exchange had, in milliseconds: who has more time makes up his own mind.
    pub limit: u64,
}

impl Remembered {
    /// Whether it still holds at `now`. One from the future was written before the clock was set back.
    pub fn holds(&self, now: OffsetDateTime) -> bool {
        span(now, self.at) <= CLOCK_SLACK && now < self.until
    }

    /// Whether a caller with a usable token leaves the server alone at `now`.
    pub fn backs_off(&self, now: OffsetDateTime) -> bool {
        span(now, self.at) <= CLOCK_SLACK && now < self.until.max(self.backoff_until)
    }
}

impl Entry {
    /// The file's bytes for the identity of this name.
    pub fn encode(&self, name: &str) -> Zeroizing<Vec<u8>> {
        let mut json = Zeroizing::new(Vec::with_capacity(4096));
        if serde_json::to_writer(&mut *json, &Wire::from(self)).is_err() {
            // Unreachable for these types; an empty file would be a miss, as it should.
            return Zeroizing::new(Vec::new());
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(json.len() + 128));
        bytes.extend_from_slice(header(name, &json).as_bytes());
        bytes.extend_from_slice(&json);
        bytes.push(b'\n');
        bytes
    }

    /// The entry in a file's bytes; nothing where there is any doubt.
    pub fn decode(bytes: &[u8], name: &str) -> Option<Self> {
        let end_of_header = bytes.iter().position(|&b| b == b'\n')?;
        let (head, json) = bytes.split_at_checked(end_of_header + 1)?;
        let json = json.strip_suffix(b"\n")?;
        if header(name, json).as_bytes() != head {
            return None;
        }
        let wire: Wire = serde_json::from_slice(json).ok()?;
        wire.try_into().ok()
    }
}

/// The first line for this identity and object.
fn header(name: &str, json: &[u8]) -> String {
    let mut sum = Context::new(&SHA256);
    sum.update(name.as_bytes());
    sum.update(b"\n");
    sum.update(json);
    format!("spotinst-cred {VERSION} {}\n", hex(sum.finish().as_ref()))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests;
