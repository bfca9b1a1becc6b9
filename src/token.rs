//! Access and refresh tokens, and how fresh they are. Pure: the time is an argument.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use zeroize::Zeroizing;

use crate::sys::secret::{Secret, exposed};

/// How long before its expiry a token is refreshed, less a spread of up to a quarter. Hosts re-run a helper from up to
/// 15 minutes before the expiry they were told; refreshing 20 minutes ahead keeps them off.
const REFRESH_AHEAD: Duration = Duration::from_secs(20 * 60);

/// How long before its expiry a token is no longer handed out, and by how much the expiry told to hosts is early:
/// kubectl, Bazel and git apply no margin of their own.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// A token without a known expiry is refreshed at this age, and used until then and whenever refreshing fails.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How far in the future a time from the cache may lie before the clock must have been set back.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// How long before its end a login is announced that only a person can renew.
const RENEW_AHEAD: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Lifetimes and durations are cut off here: ten years are more than any that makes sense, and no sum can overflow.
pub const MAX_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// An access token (RFC 6749, section 1.4). Times are in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// See [`is_bearer_token`].
    #[serde(rename = "access_token", with = "exposed")]
    pub value: Secret,
    /// When the request for it started.
    #[serde(with = "time::serde::timestamp")]
    pub obtained_at: OffsetDateTime,
    /// The start of the request plus `expires_in`, or the `exp` of a JWT. A permanent token has none.
    #[serde(with = "time::serde::timestamp::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// The account that came with it: see [`is_account`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A refresh token (RFC 6749, section 1.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    #[serde(rename = "refresh_token")]
    pub value: RefreshTokenValue,
    /// In whole seconds, where the server told.
    #[serde(with = "time::serde::timestamp::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// The fingerprint of the client secret that it was issued to.
    #[serde(rename = "client_mark")]
    pub client_fingerprint: Option<String>,
    /// A request with it was begun, and nobody knows whether the server has seen it. To send it twice would revoke it at
    /// servers that detect reuse (RFC 9700, section 4.14.2).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub maybe_spent: bool,
}

/// A refresh token itself, or where it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RefreshTokenValue {
    Plain(#[serde(with = "exposed")] Secret),
    /// In the secret store of this name. The fingerprint tells whether the store's token is still this one.
    Stored {
        store: String,
        fingerprint: String,
    },
}

impl RefreshTokenValue {
    /// The name of the secret store that has it.
    pub fn store(&self) -> Option<&str> {
        if let Self::Stored { store, .. } = self { Some(store) } else { None }
    }
}

impl RefreshToken {
    /// Whether it is worth sending at `now`.
    pub fn is_alive(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }

    /// What is left at `now` of one that ends soon.
    pub fn ends_soon(&self, now: OffsetDateTime) -> Option<Duration> {
        let left = span(now, self.expires_at?);
        (!left.is_zero() && left <= RENEW_AHEAD).then(|| Duration::from_secs(left.as_secs().div_ceil(60) * 60))
    }
}

/// What a cached token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Print it, touch nothing.
    Fresh,
    /// Usable; a caller that gets the lock without waiting refreshes it.
    Aging,
    /// Too little of its lifetime is left to hand it out.
    Due,
}

impl AccessToken {
    /// A token that is printed as it is. A JWT tells its expiry: people paste tokens of two hours from the console.
    pub fn given(value: Secret, now: OffsetDateTime) -> Self {
        let expires_at = jwt_expiry(value.expose());
        let issued_at = expires_at.zip(jwt_lifetime(value.expose())).map(|(expiry, lifetime)| expiry - lifetime);
        let obtained_at = issued_at.filter(|at| *at <= now).unwrap_or(now);
        Self { value, obtained_at, expires_at, account: None }
    }

    /// What it can be sent and printed as: no character of it breaks out of a header or format.
    pub fn is_valid(&self) -> bool {
        is_bearer_token(self.value.expose()) && self.account.as_deref().is_none_or(is_account)
    }

    /// How long the server issued it for, where that is known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.expires_at.map(|at| span(self.obtained_at, at))
    }

    /// The longest `--min-ttl` that a token of this lifetime ever meets.
    pub fn longest_min_ttl(&self) -> Option<Duration> {
        self.lifetime().map(|lifetime| lifetime - margin(lifetime))
    }

    /// The expiry told to hosts: a little early, and for a usable token never in the past.
    pub fn advertised_expiry(&self) -> Option<OffsetDateTime> {
        let lifetime = self.lifetime()?;
        self.expires_at.map(|at| at - margin(lifetime))
    }

    /// Whether the token may be handed out at `now` to a caller who needs it for `min_ttl`.
    pub fn is_usable(&self, now: OffsetDateTime, min_ttl: Duration) -> bool {
        // No sum with `now`, which a broken clock can put at the end of all time.
        if span(now, self.obtained_at) > CLOCK_SKEW {
            return false;
        }
        let (Some(expires_at), Some(lifetime)) = (self.expires_at, self.lifetime()) else {
            return true;
        };
        let left = span(now, expires_at);
        left > margin(lifetime) && left >= min_ttl
    }

    /// The freshness at `now` for a caller who needs the token for `min_ttl`. `spread` returns a number from 0 to 1, so
    /// that many machines do not refresh in the same second; it is called only where it decides.
    pub fn freshness(&self, now: OffsetDateTime, min_ttl: Duration, spread: impl FnOnce() -> f64) -> Freshness {
        if !self.is_usable(now, min_ttl) {
            return Freshness::Due;
        }
        let (left, ahead) = match (self.expires_at, self.lifetime()) {
            (Some(at), Some(lifetime)) => (span(now, at), REFRESH_AHEAD.min(lifetime / 2)),
            _ => (UNKNOWN_LIFETIME.saturating_sub(span(self.obtained_at, now)), Duration::ZERO),
        };
        if left > ahead || (left > ahead * 3 / 4 && left > ahead.mul_f64(1.0 - spread() / 4.0)) {
            Freshness::Fresh
        } else {
            Freshness::Aging
        }
    }
}

/// The end of a lifetime in which a token is not handed out: 60 s, less for a short-lived token.
fn margin(lifetime: Duration) -> Duration {
    // Whole seconds, as the expiry told to hosts has no fraction.
    Duration::from_secs(EXPIRY_MARGIN.min(lifetime / 2).as_secs())
}

/// The time from one moment to a later one; zero where it is not later.
pub fn span(from: OffsetDateTime, to: OffsetDateTime) -> Duration {
    Duration::try_from(to - from).unwrap_or_default()
}

/// The moment that much later, or the same one where the calendar ends.
pub fn later(from: OffsetDateTime, span: Duration) -> OffsetDateTime {
    time::Duration::try_from(span).ok().and_then(|span| from.checked_add(span)).unwrap_or(from)
}

/// RFC 3339 in whole seconds: Bazel parses no fraction.
const RFC3339: StaticFormatDescription = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// The moment as our documents have it.
pub fn rfc3339(at: OffsetDateTime) -> Option<String> {
    at.format(RFC3339).ok()
}

/// The moment without its fraction: tokens are cached and told in whole seconds.
pub fn whole_second(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

/// Whether the text is a bearer token of RFC 6750, section 2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" /
/// "/" ) *"="`.
pub fn is_bearer_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

/// Whether the text can be an account id: one or more of `A-Z a-z 0-9 . _ -`.
pub fn is_account(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The `exp` of a JWT (RFC 7519, section 4.1.4). A hint, as the signature cannot be checked.
pub fn jwt_expiry(token: &str) -> Option<OffsetDateTime> {
    moment(&jwt_claims(token)?, "exp")
}

/// The time from the `iat` to the `exp` of a JWT.
pub fn jwt_lifetime(token: &str) -> Option<Duration> {
    let claims = jwt_claims(token)?;
    Some(span(moment(&claims, "iat")?, moment(&claims, "exp")?)).filter(|lifetime| !lifetime.is_zero())
}

fn jwt_claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    let json = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    serde_json::from_slice(&json).ok()
}

/// A claim in seconds since 1970, if it is in the calendar.
fn moment(claims: &Value, name: &str) -> Option<OffsetDateTime> {
    let seconds = claims.get(name)?.as_f64().filter(|at| (0.0..=253_402_300_799.0).contains(at))?;
    OffsetDateTime::from_unix_timestamp(seconds as i64).ok()
}

#[cfg(test)]
mod tests;
