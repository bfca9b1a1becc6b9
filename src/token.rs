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

/// How long before its expiry a token is refreshed, minus a random spread of up to a quarter. Hosts call a helper
/// again up to 15 minutes before the reported expiry; refreshing 20 minutes ahead prevents that.
const REFRESH_AHEAD: Duration = Duration::from_secs(20 * 60);

/// How long before its expiry a token is no longer handed out, and by how much the expiry reported to hosts is early:
/// kubectl, Bazel and git apply no margin of their own.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// A token without a known expiry is refreshed at this age. It is still used if refreshing fails.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// A cached time that is further in the future than this means that the clock was set back.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// How long before its end a warning is shown for a login that only the user can renew.
const RENEW_AHEAD: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// The maximum of lifetimes and durations, so that no sum overflows.
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
    /// In whole seconds, if the server reported it.
    #[serde(with = "time::serde::timestamp::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// The fingerprint of the client secret that it was issued to.
    #[serde(rename = "client_mark")]
    pub client_fingerprint: Option<String>,
    /// A request with it was started, and it is unknown whether the server received it. Servers that detect reuse
    /// (RFC 9700, section 4.14.2) would revoke it if it were sent twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub maybe_spent: bool,
}

/// A refresh token, or where it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RefreshTokenValue {
    Plain(#[serde(with = "exposed")] Secret),
    /// In the secret store of this name. The fingerprint shows whether the store still has this token.
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
    /// Whether it has not expired at `now`.
    pub fn is_alive(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }

    /// The remaining lifetime at `now`, if it expires soon.
    pub fn ends_soon(&self, now: OffsetDateTime) -> Option<Duration> {
        let left = span(now, self.expires_at?);
        (!left.is_zero() && left <= RENEW_AHEAD).then(|| Duration::from_secs(left.as_secs().div_ceil(60) * 60))
    }
}

/// How a cached token may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Print it without a refresh.
    Fresh,
    /// Usable; a caller that gets the lock without waiting refreshes it.
    Aging,
    /// Too little of its lifetime is left to hand it out.
    Due,
}

impl AccessToken {
    /// A static token. The expiry is that of the JWT, because people paste two-hour tokens from the console.
    pub fn given(value: Secret, now: OffsetDateTime) -> Self {
        let expires_at = jwt_expiry(value.expose());
        let issued_at = expires_at.zip(jwt_lifetime(value.expose())).map(|(expiry, lifetime)| expiry - lifetime);
        let obtained_at = issued_at.filter(|at| *at <= now).unwrap_or(now);
        Self { value, obtained_at, expires_at, account: None }
    }

    /// Whether token and account have only characters that need no quoting in headers and formats.
    pub fn is_valid(&self) -> bool {
        is_bearer_token(self.value.expose()) && self.account.as_deref().is_none_or(is_account)
    }

    /// The lifetime that the server issued it for, if known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.expires_at.map(|at| span(self.obtained_at, at))
    }

    /// The longest `--min-ttl` that a token of this lifetime can meet.
    pub fn longest_min_ttl(&self) -> Option<Duration> {
        self.lifetime().map(|lifetime| lifetime - margin(lifetime))
    }

    /// The expiry reported to hosts: a little early, and for a usable token never in the past.
    pub fn advertised_expiry(&self) -> Option<OffsetDateTime> {
        let lifetime = self.lifetime()?;
        self.expires_at.map(|at| at - margin(lifetime))
    }

    /// Whether the token may be handed out at `now` to a caller that needs it for `min_ttl`.
    pub fn is_usable(&self, now: OffsetDateTime, min_ttl: Duration) -> bool {
        // Nothing is added to `now`, because the sum could overflow if the clock is wrong.
        if span(now, self.obtained_at) > CLOCK_SKEW {
            return false;
        }
        let (Some(expires_at), Some(lifetime)) = (self.expires_at, self.lifetime()) else {
            return true;
        };
        let left = span(now, expires_at);
        left > margin(lifetime) && left >= min_ttl
    }

    /// The freshness at `now` for a caller that needs the token for `min_ttl`. `spread` returns a number from 0 to 1,
    /// so that many machines do not refresh in the same second; it is only called if the result depends on it.
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

/// The last part of a lifetime, in which a token is not handed out: 60 s, less for a short-lived token.
fn margin(lifetime: Duration) -> Duration {
    // Whole seconds, because the expiry reported to hosts has no fraction.
    Duration::from_secs(EXPIRY_MARGIN.min(lifetime / 2).as_secs())
}

/// The time from one moment to a later one; zero if it is not later.
pub fn span(from: OffsetDateTime, to: OffsetDateTime) -> Duration {
    Duration::try_from(to - from).unwrap_or_default()
}

/// The sum, or `from` itself if the sum is out of range.
pub fn later(from: OffsetDateTime, span: Duration) -> OffsetDateTime {
    time::Duration::try_from(span).ok().and_then(|span| from.checked_add(span)).unwrap_or(from)
}

/// RFC 3339 in whole seconds: Bazel parses no fraction.
const RFC3339: StaticFormatDescription = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// The moment in the form of RFC 3339.
pub fn rfc3339(at: OffsetDateTime) -> Option<String> {
    at.format(RFC3339).ok()
}

/// The moment without its fraction: tokens are cached and reported in whole seconds.
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

/// A claim in seconds since 1970. A number in a string is accepted, because some libraries write one. Any other value,
/// and a time after the year 9999, counts as missing: then the API decides whether the token is valid.
fn moment(claims: &Value, name: &str) -> Option<OffsetDateTime> {
    let claim = claims.get(name)?;
    let number = claim.as_f64().or_else(|| claim.as_str()?.parse().ok());
    let seconds = number.filter(|at| at.is_finite() && *at <= 253_402_300_799.0)?;
    // Any time before 1970 has long passed.
    OffsetDateTime::from_unix_timestamp(seconds.max(0.0) as i64).ok()
}

#[cfg(test)]
mod tests;
