//! The access token and its life: fresh, ageing, due. Pure: the time is an argument.

use std::time::Duration;

use time::OffsetDateTime;

use crate::secret::Secret;

/// How long before its expiry a token is renewed, less a spread of up to a quarter. Hosts re-run a helper from up to
/// 15 minutes before the expiry they were told; renewing 20 minutes ahead keeps them off.
const EARLY: Duration = Duration::from_secs(20 * 60);

/// How long before its expiry a token is no longer handed out, and by how much the expiry told to a host is early:
/// kubectl, Bazel and git apply no margin of their own.
const MARGIN: Duration = Duration::from_secs(60);

/// A token without a known expiry is renewed when it is this old, and used until then and whenever renewing fails.
const UNKNOWN_LIFE: Duration = Duration::from_secs(30 * 60);

/// How far in the future a moment from the cache may lie before the clock must have been set back.
pub const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// An access token (RFC 6749, section 1.4) and when it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The token itself, of RFC 6750's alphabet: see [`is_bearer_token`].
    pub value: Secret,
    /// When the request for it started, in whole seconds.
    pub obtained_at: OffsetDateTime,
    /// When it dies: the start of the request plus `expires_in`, in whole seconds. A permanent token has none.
    pub expires_at: Option<OffsetDateTime>,
    /// The account that its source named with it, of [`is_account`]'s alphabet.
    pub account: Option<String>,
}

/// What a token in hand is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Print it, touch nothing.
    Fresh,
    /// Usable; whoever gets the lock without waiting renews it.
    Ageing,
    /// Not to be handed out: too little life is left.
    Due,
}

impl AccessToken {
    /// A token that is printed as it is: no expiry is known or told.
    pub fn permanent(value: Secret, now: OffsetDateTime) -> Self {
        Self { value, obtained_at: now, expires_at: None, account: None }
    }

    /// How long the server granted it, where that is known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.expires_at.map(|at| span(self.obtained_at, at))
    }

    /// The longest life that a caller can ask of a token like this one and be served from the cache at all.
    pub fn longest_min_ttl(&self) -> Option<Duration> {
        self.lifetime().map(|life| life - margin(life))
    }

    /// When a host is told that the token dies: a little early, and for a usable token never in the past.
    pub fn told_expiry(&self) -> Option<OffsetDateTime> {
        let life = self.lifetime()?;
        self.expires_at.map(|at| at - margin(life))
    }

    /// Whether the token may be handed out at `now` to a caller who needs it for `min_ttl`.
    pub fn is_usable(&self, now: OffsetDateTime, min_ttl: Duration) -> bool {
        // No sum with `now`, which a broken clock can put at the end of all time.
        if span(now, self.obtained_at) > CLOCK_SLACK {
            return false;
        }
        let (Some(expires_at), Some(life)) = (self.expires_at, self.lifetime()) else {
            return true;
        };
        let left = span(now, expires_at);
        left > margin(life) && left >= min_ttl
    }

    /// The token's state at `now` for a caller who needs it for `min_ttl`. `spread` gives a number from 0 to 1, one a
    /// process, so that many machines do not renew in the same second; it is asked only where it decides.
    pub fn state(&self, now: OffsetDateTime, min_ttl: Duration, spread: impl FnOnce() -> f64) -> State {
        if !self.is_usable(now, min_ttl) {
            return State::Due;
        }
        let (left, early) = match (self.expires_at, self.lifetime()) {
            (Some(at), Some(life)) => (span(now, at), EARLY.min(life / 2)),
            _ => (UNKNOWN_LIFE.saturating_sub(span(self.obtained_at, now)), Duration::ZERO),
        };
        if left > early || (left > early * 3 / 4 && left > early.mul_f64(1.0 - spread() / 4.0)) {
            State::Fresh
        } else {
            State::Ageing
        }
    }
}

/// The last stretch of a life in which a token is not handed out: 60 s, less for a token that lives short.
fn margin(life: Duration) -> Duration {
    // Whole seconds, as the expiry told to hosts has no fraction.
    Duration::from_secs(MARGIN.min(life / 2).as_secs())
}

/// The time from one moment to a later one; nothing where it is not later.
pub fn span(from: OffsetDateTime, to: OffsetDateTime) -> Duration {
    Duration::try_from(to - from).unwrap_or_default()
}

/// Whether the text is a bearer token of RFC 6750, section 2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" /
/// "/" ) *"="`. Nothing of this alphabet can break out of any format or header.
pub fn is_bearer_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

/// Whether the text can be an account id: one or more of `A-Z a-z 0-9 . _ -`, which can break out of no format either.
pub fn is_account(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests;
