//! How the cached token is at one moment.

use std::path::PathBuf;
use std::time::Duration;

use time::OffsetDateTime;

use crate::cache::entry::{CachedFailure, Entry};
use crate::cache::{Cache, ReadError};
use crate::error::ErrorKind;
use crate::token::{self, AccessToken, span};

/// The cache of one identity at one moment.
pub struct State {
    /// The cache file.
    pub path: PathBuf,
    /// What is wrong with the cache file; also that it is not there.
    pub trouble: Option<String>,
    /// The lock file.
    pub lock_path: PathBuf,
    /// Whether somebody holds the lock, or why that cannot be told.
    pub is_locked: Result<bool, String>,
    /// The access token.
    pub token: Life,
    /// The refresh token.
    pub refresh_token: Life,
    /// How the last refresh failed.
    pub failure: Option<PastFailure>,
}

/// How a token is.
#[derive(Clone, Copy)]
pub struct Life {
    /// How far it has come.
    pub stage: Stage,
    /// When it dies, where that is known.
    pub expires_at: Option<OffsetDateTime>,
    /// What is left of its life, in whole seconds.
    pub left: Option<Duration>,
}

/// How far a token has come in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// There is no token.
    None,
    /// An access token that serves.
    Fresh,
    /// An access token that serves and is worth a refresh.
    Ageing,
    /// An access token that serves no more.
    Due,
    /// A refresh token that serves.
    Alive,
    /// A refresh token that serves no more.
    Dead,
}

/// A failed refresh that is remembered.
pub struct PastFailure {
    /// What was told.
    pub message: String,
    /// How long ago, in whole seconds.
    pub age: Duration,
    /// How long it still keeps calls from asking again; nothing where it does not any more.
    pub left: Option<Duration>,
    /// What lifts it before that.
    pub lifted_by: &'static str,
}

impl State {
    /// Looks at the cache.
    pub fn read(cache: &Cache, now: OffsetDateTime) -> Self {
        let (entry, trouble) = match cache.try_read() {
            Ok(entry) => (entry, None),
            Err(doubt) => (Entry::default(), Some(doubt)),
        };
        let refresh_token = entry.refresh_token.as_ref();
        let refresh_stage = match refresh_token {
            None => Stage::None,
            Some(token) if token.is_alive(now) => Stage::Alive,
            Some(_) => Stage::Dead,
        };
        Self {
            path: cache.path(),
            trouble: trouble.as_ref().map(ReadError::to_string),
            lock_path: cache.lock_path(),
            is_locked: cache.is_locked().map_err(|error| error.to_string()),
            token: Life::new(access_stage(entry.token.as_ref(), now), entry.token.and_then(|t| t.expires_at), now),
            refresh_token: Life::new(refresh_stage, refresh_token.and_then(|token| token.expires_at), now),
            failure: entry.failure.as_ref().map(|remembered| PastFailure::new(remembered, now)),
        }
    }
}

/// The stage of an access token, without this process's own spread.
fn access_stage(token: Option<&AccessToken>, now: OffsetDateTime) -> Stage {
    match token.map(|token| token.freshness(now, Duration::ZERO, || 0.0)) {
        None => Stage::None,
        Some(token::Freshness::Fresh) => Stage::Fresh,
        Some(token::Freshness::Aging) => Stage::Ageing,
        Some(token::Freshness::Due) => Stage::Due,
    }
}

impl Stage {
    /// What it is called in a report.
    pub fn name(self) -> &'static str {
        match self {
            Stage::None => "none",
            Stage::Fresh => "fresh",
            Stage::Ageing => "ageing",
            Stage::Due => "due",
            Stage::Alive => "alive",
            Stage::Dead => "dead",
        }
    }
}

impl Life {
    fn new(stage: Stage, expires_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Self {
        Self { stage, expires_at, left: expires_at.map(|at| whole_seconds(span(now, at))) }
    }
}

impl PastFailure {
    fn new(remembered: &CachedFailure, now: OffsetDateTime) -> Self {
        let failure = &remembered.error;
        Self {
            message: failure.message.clone(),
            age: whole_seconds(span(remembered.at, now)),
            left: remembered.holds(now).then(|| whole_seconds(span(now, remembered.until))),
            lifted_by: match failure.kind {
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
