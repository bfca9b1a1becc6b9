//! The cache of one identity at one moment.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::cache::Cache;
use crate::cache::entry::{CachedFailure, Entry};
use crate::cache::read_error::ReadError;
use crate::error::{Error, ErrorKind};
use crate::get_token::decisions::from_cache;
use crate::sys::color::Color;
use crate::sys::lock_holder::LockHolder;
use crate::token::{AccessToken, Freshness, RefreshToken, rfc3339, span};

#[derive(Serialize)]
pub struct CacheState {
    pub token: TokenState,
    pub refresh_token: TokenState,
    /// Whether the refresh token has not expired.
    #[serde(skip)]
    pub can_refresh: bool,
    /// The remaining lifetime of a refresh token that expires soon.
    #[serde(skip)]
    pub ends_soon: Option<Duration>,
    /// The last refresh token, if its secret store did not store it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_refresh_token: Option<Loss>,
    /// How the last refresh failed.
    pub failure: Option<PastFailure>,
    pub lock: LockState,
    pub cache_file: CacheFile,
    /// The error if the entry cannot be read at the moment: it may have tokens.
    #[serde(skip)]
    pub unreadable: Option<Error>,
}

#[derive(Serialize)]
pub struct TokenState {
    pub state: &'static str,
    #[serde(skip)]
    pub color: Color,
    /// The expiry, if it is known. That of an access token is a little early, as in the output formats.
    pub expiry: Option<String>,
    /// When it expires.
    #[serde(with = "time::serde::timestamp::option")]
    pub expires_at: Option<OffsetDateTime>,
    pub seconds_left: Option<u64>,
    /// The secret store that has it instead of the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

#[derive(Serialize)]
pub struct Loss {
    pub reason: String,
    pub seconds_ago: u64,
}

/// The state of a missing token.
pub const NO_TOKEN: &str = "none";

#[derive(Serialize)]
pub struct PastFailure {
    pub message: String,
    pub seconds_ago: u64,
    /// How long it still prevents requests; `None` if it does not any more.
    pub seconds_left: Option<u64>,
    /// What lifts it before that.
    pub lifted_by: &'static str,
    /// The error, if it prevents requests until the user acts.
    #[serde(skip)]
    pub rejection: Option<Error>,
    /// The fingerprint of the rejected credentials; `None` if the login has ended.
    #[serde(skip)]
    pub fingerprint: Option<String>,
}

#[derive(Serialize)]
pub struct LockState {
    pub path: String,
    /// Whether a process holds it; `None` if unknown.
    pub held: Option<bool>,
    /// The process that holds it, if the system can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Why it is unknown.
    pub trouble: Option<String>,
}

#[derive(Serialize)]
pub struct Holder {
    pub pid: u32,
    /// The program that started it.
    pub program: Option<String>,
    /// How long it has been running.
    pub seconds: u64,
    #[serde(skip)]
    pub text: String,
}

impl From<LockHolder> for Holder {
    fn from(holder: LockHolder) -> Self {
        let text = holder.to_string();
        Self { pid: holder.pid, program: holder.program, seconds: holder.age.as_secs(), text }
    }
}

#[derive(Serialize)]
pub struct CacheFile {
    pub path: String,
    /// Why it cannot be read, for example because it does not exist.
    pub trouble: Option<String>,
}

impl CacheState {
    pub fn read(cache: &Cache, now: OffsetDateTime) -> Self {
        let (entry, trouble) = match cache.try_read() {
            Ok(entry) => (entry, None),
            Err(error) => (Entry::default(), Some(error)),
        };
        let is_locked = cache.is_locked();
        Self {
            token: TokenState::of_access(entry.token.as_ref(), now),
            refresh_token: TokenState::of_refresh(entry.refresh_token.as_ref(), now),
            can_refresh: entry.refresh_token.as_ref().is_some_and(|token| token.is_alive(now)),
            ends_soon: entry.refresh_token.as_ref().and_then(|token| token.ends_soon(now)),
            lost_refresh_token: entry
                .lost_refresh_token
                .map(|lost| Loss { seconds_ago: span(lost.at, now).as_secs(), reason: lost.reason }),
            failure: entry.failure.map(|failure| PastFailure::new(failure, now)),
            lock: LockState {
                path: cache.lock_path().display().to_string(),
                holder: is_locked
                    .as_ref()
                    .is_ok_and(|held| *held)
                    .then(|| cache.lock_holder())
                    .flatten()
                    .map(Holder::from),
                held: is_locked.as_ref().ok().copied(),
                trouble: is_locked.err().map(|error| error.to_string()),
            },
            cache_file: CacheFile {
                path: cache.path().display().to_string(),
                trouble: trouble.as_ref().map(ToString::to_string),
            },
            unreadable: match &trouble {
                Some(ReadError::Io(error)) => Some(cache.unreadable(error)),
                _ => None,
            },
        }
    }
}

impl TokenState {
    /// Whether the token can be handed out.
    pub fn is_usable(&self) -> bool {
        matches!(self.state, "fresh" | "ageing")
    }

    /// The state of an access token, without the random spread of this process.
    pub fn of_access(token: Option<&AccessToken>, now: OffsetDateTime) -> Self {
        let (state, color) = match token.map(|token| token.freshness(now, Duration::ZERO, || 0.0)) {
            None => (NO_TOKEN, Color::Red),
            Some(Freshness::Fresh) => ("fresh", Color::Green),
            Some(Freshness::Aging) => ("ageing", Color::Yellow),
            Some(Freshness::Due) => ("due", Color::Red),
        };
        let expiry = token.and_then(AccessToken::advertised_expiry).and_then(rfc3339);
        Self { expiry, ..Self::new(state, color, token.and_then(|token| token.expires_at), now) }
    }

    fn of_refresh(token: Option<&RefreshToken>, now: OffsetDateTime) -> Self {
        let (state, color) = match token.map(|token| token.is_alive(now)) {
            None => (NO_TOKEN, Color::Red),
            Some(true) => ("alive", Color::Green),
            Some(false) => ("dead", Color::Red),
        };
        let store = token.and_then(|token| token.value.store().map(str::to_owned));
        Self { store, ..Self::new(state, color, token.and_then(|token| token.expires_at), now) }
    }

    fn new(state: &'static str, color: Color, expires_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Self {
        let (expiry, seconds_left) = (expires_at.and_then(rfc3339), expires_at.map(|at| span(now, at).as_secs()));
        Self { state, color, expiry, expires_at, seconds_left, store: None }
    }
}

impl PastFailure {
    fn new(failure: CachedFailure, now: OffsetDateTime) -> Self {
        Self {
            seconds_ago: span(failure.at, now).as_secs(),
            seconds_left: failure.holds(now).then(|| span(now, failure.until).as_secs()),
            lifted_by: match failure.error.kind {
                ErrorKind::Rejected if failure.fingerprint.is_some() => "changed credentials or --force-refresh",
                ErrorKind::Rejected => "`spotinst-cred login`",
                ErrorKind::RateLimited => "nothing: asking earlier prolongs the block",
                _ => "--force-refresh",
            },
            rejection: (failure.error.kind == ErrorKind::Rejected && failure.holds(now))
                .then(|| from_cache(&failure, now)),
            fingerprint: failure.fingerprint,
            message: failure.error.message,
        }
    }
}
