//! What is kept of one identity, and its bytes. Pure: no file is touched here.
//!
//! The first line is `spotinst-cred VERSION SUM`, the second a JSON object. The sum is the SHA-256 of the identity's
//! name and the object, so that a flipped bit, a torn write or a file of another identity is a miss and never a wrong
//! token. Whatever does not decode is no entry: the reader asks the server anew.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::secret::Secret;
use crate::token::{AccessToken, CLOCK_SLACK, is_account, is_bearer_token, span};

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
    /// The last rejection of credentials, apart from it: a failure of another kind must not wipe it out, or the
    /// rejected password would reach the server again.
    pub rejection: Option<Remembered>,
}

/// A refresh token (RFC 6749, section 1.5) and when it dies, where the server told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The token itself.
    pub value: Secret,
    /// When it dies, in whole seconds.
    pub expires_at: Option<OffsetDateTime>,
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

/// The JSON object.
#[derive(Serialize, Deserialize)]
struct Wire {
    revision: String,
    token: Option<WireToken>,
    refresh_token: Option<WireRefreshToken>,
    failure: Option<WireFailure>,
    rejection: Option<WireFailure>,
}

#[derive(Serialize, Deserialize)]
struct WireToken {
    #[serde(with = "exposed")]
    access_token: Secret,
    #[serde(with = "time::serde::timestamp")]
    obtained_at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp::option")]
    expires_at: Option<OffsetDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WireRefreshToken {
    #[serde(with = "exposed")]
    refresh_token: Secret,
    #[serde(with = "time::serde::timestamp::option")]
    expires_at: Option<OffsetDateTime>,
}

#[derive(Serialize, Deserialize)]
struct WireFailure {
    kind: WireKind,
    message: String,
    hint: Option<String>,
    #[serde(with = "time::serde::timestamp")]
    at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp")]
    until: OffsetDateTime,
    #[serde(with = "time::serde::timestamp")]
    backoff_until: OffsetDateTime,
    fingerprint: Option<String>,
}

/// The classes that a refresh can fail with.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireKind {
    Other,
    Settings,
    Rejected,
    Temporary,
    RateLimited,
}

/// The one way in which a secret is written out on purpose: into the cache.
mod exposed {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Secret;

    pub fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::from)
    }
}

impl From<&Entry> for Wire {
    fn from(entry: &Entry) -> Self {
        Self {
            revision: entry.revision.clone(),
            token: entry.token.as_ref().map(|token| WireToken {
                access_token: token.value.clone(),
                obtained_at: token.obtained_at,
                expires_at: token.expires_at,
                account: token.account.clone(),
            }),
            refresh_token: entry.refresh_token.as_ref().map(|refresh| WireRefreshToken {
                refresh_token: refresh.value.clone(),
                expires_at: refresh.expires_at,
            }),
            failure: entry.failure.as_ref().map(WireFailure::from),
            rejection: entry.rejection.as_ref().map(WireFailure::from),
        }
    }
}

impl From<&Remembered> for WireFailure {
    fn from(remembered: &Remembered) -> Self {
        Self {
            kind: match remembered.failure.kind {
                Kind::Other | Kind::Usage | Kind::NotFound | Kind::NotExecutable => WireKind::Other,
                Kind::Settings => WireKind::Settings,
                Kind::Rejected => WireKind::Rejected,
                Kind::Temporary => WireKind::Temporary,
                Kind::RateLimited => WireKind::RateLimited,
            },
            message: remembered.failure.message.clone(),
            hint: remembered.failure.hint.clone(),
            at: remembered.at,
            until: remembered.until,
            backoff_until: remembered.backoff_until,
            fingerprint: remembered.fingerprint.clone(),
        }
    }
}

impl TryFrom<Wire> for Entry {
    type Error = ();

    fn try_from(wire: Wire) -> Result<Self, ()> {
        // Whatever the sum says, nothing leaves the cache that could break out of a format.
        let is_sound = |token: &WireToken| {
            is_bearer_token(token.access_token.expose()) && token.account.as_deref().is_none_or(is_account)
        };
        if !wire.token.as_ref().is_none_or(is_sound) {
            return Err(());
        }
        Ok(Self {
            revision: wire.revision,
            token: wire.token.map(|token| AccessToken {
                value: token.access_token,
                obtained_at: token.obtained_at,
                expires_at: token.expires_at,
                account: token.account,
            }),
            refresh_token: wire
                .refresh_token
                .map(|refresh| RefreshToken { value: refresh.refresh_token, expires_at: refresh.expires_at }),
            failure: wire.failure.map(Remembered::from),
            rejection: wire.rejection.map(Remembered::from),
        })
    }
}

impl From<WireFailure> for Remembered {
    fn from(wire: WireFailure) -> Self {
        let kind = match wire.kind {
            WireKind::Other => Kind::Other,
            WireKind::Settings => Kind::Settings,
            WireKind::Rejected => Kind::Rejected,
            WireKind::Temporary => Kind::Temporary,
            WireKind::RateLimited => Kind::RateLimited,
        };
        Self {
            failure: Failure { kind, message: wire.message, hint: wire.hint },
            at: wire.at,
            until: wire.until,
            backoff_until: wire.backoff_until,
            fingerprint: wire.fingerprint,
        }
    }
}

#[cfg(test)]
mod tests;
