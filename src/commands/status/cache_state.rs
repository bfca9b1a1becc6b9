//! The cache of one identity at one moment.

use std::path::PathBuf;
use std::time::Duration;

use time::OffsetDateTime;

use crate::cache::entry::{CachedFailure, Entry};
use crate::cache::{Cache, ReadError};
use crate::error::ErrorKind;
use crate::token::{AccessToken, Freshness, span};

pub struct CacheState {
    pub path: PathBuf,
    /// What is wrong with the cache file; also that there is none.
    pub trouble: Option<String>,
    pub lock_path: PathBuf,
    /// Whether somebody holds the lock, or why that is unknown.
    pub is_locked: Result<bool, String>,
    pub token: TokenState,
    pub refresh_token: TokenState,
    /// How the last refresh failed.
    pub failure: Option<PastFailure>,
}

#[derive(Clone, Copy)]
pub struct TokenState {
    pub stage: Stage,
    /// Where it is known.
    pub expires_at: Option<OffsetDateTime>,
    /// What is left of its lifetime, in whole seconds.
    pub left: Option<Duration>,
}

/// How far a token has come in its lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// There is no token.
    None,
    /// A usable access token.
    Fresh,
    /// A usable access token that is worth a refresh.
    Aging,
    /// An access token that is no longer handed out.
    Due,
    /// A usable refresh token.
    Alive,
    /// A refresh token that has expired.
    Dead,
}

/// A failed refresh that is cached.
pub struct PastFailure {
    pub message: String,
    /// In whole seconds.
    pub age: Duration,
    /// How long it still keeps calls from asking again; nothing where it does no longer.
    pub left: Option<Duration>,
    /// What ends it before that.
    pub lifted_by: &'static str,
}

impl CacheState {
    pub fn read(cache: &Cache, now: OffsetDateTime) -> Self {
        let (entry, trouble) = match cache.try_read() {
            Ok(entry) => (entry, None),
            Err(error) => (Entry::default(), Some(error)),
        };
        let refresh_token = entry.refresh_token.as_ref();
        let refresh_stage = match refresh_token {
            None => Stage::None,
            Some(token) if token.is_alive(now) => Stage::Alive,
            Some(_) => Stage::Dead,
        };
        let expires_at = entry.token.as_ref().and_then(|token| token.expires_at);
        Self {
            path: cache.path(),
            trouble: trouble.as_ref().map(ReadError::to_string),
            lock_path: cache.lock_path(),
            is_locked: cache.is_locked().map_err(|error| error.to_string()),
            token: TokenState::new(access_stage(entry.token.as_ref(), now), expires_at, now),
            refresh_token: TokenState::new(refresh_stage, refresh_token.and_then(|token| token.expires_at), now),
            failure: entry.failure.as_ref().map(|failure| PastFailure::new(failure, now)),
        }
    }
}

/// The stage of an access token, without this process's own spread.
fn access_stage(token: Option<&AccessToken>, now: OffsetDateTime) -> Stage {
    match token.map(|token| token.freshness(now, Duration::ZERO, || 0.0)) {
        None => Stage::None,
        Some(Freshness::Fresh) => Stage::Fresh,
        Some(Freshness::Aging) => Stage::Aging,
        Some(Freshness::Due) => Stage::Due,
    }
}

impl Stage {
    /// What a report calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fresh => "fresh",
            Self::Aging => "ageing",
            Self::Due => "due",
            Self::Alive => "alive",
            Self::Dead => "dead",
        }
    }
}

impl TokenState {
    fn new(stage: Stage, expires_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Self {
        Self { stage, expires_at, left: expires_at.map(|at| whole_seconds(span(now, at))) }
    }
}

impl PastFailure {
    fn new(failure: &CachedFailure, now: OffsetDateTime) -> Self {
        Self {
            message: failure.error.message.clone(),
            age: whole_seconds(span(failure.at, now)),
            left: failure.holds(now).then(|| whole_seconds(span(now, failure.until))),
            lifted_by: match failure.error.kind {
                ErrorKind::Rejected => "changed credentials, `spotinst-cred login` or --force-refresh",
                ErrorKind::RateLimited => "nothing: asking earlier prolongs the block",
                _ => "--force-refresh",
            },
        }
    }
}

fn whole_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}
