//! Verifies the answers with a real grant, and caches the tokens.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cache::entry::Entry;
use crate::cache::{BeginError, Cache};
use crate::config::provider::EndpointConfig;
use crate::config::secret_store::{StoreCall, StoreItem};
use crate::error::{Error, ErrorKind, Result};
use crate::get_token::deadlines::Deadlines;
use crate::get_token::decisions::grants::NextGrant;
use crate::get_token::decisions::{TokenRequest, rate_limit};
use crate::get_token::endpoint_provider::{EndpointProvider, Secrets};
use crate::get_token::fetch_result::FetchError;
use crate::get_token::next_entry::{Publication, next_entry};
use crate::get_token::stored_refresh_token;
use crate::settings;
use crate::sys::{clock, output_file, random};
use crate::token::{AccessToken, span};
use crate::transport::Transport;

pub struct Login {
    pub token: AccessToken,
    /// The lifetime of the refresh token. The outer `None`: no refresh token; the inner one: its lifetime is unknown.
    pub refresh_lifetime: Option<Option<Duration>>,
    /// An earlier refresh token in a secret store that is no longer used.
    pub left_refresh_token: Option<StoreItem>,
}

/// The directory that stores the login. Fails if there is none or it cannot be written, before any question is asked.
pub fn check_cache_dir(dir: Option<PathBuf>) -> Result<PathBuf> {
    let Some(dir) = dir else {
        let flag = settings::CACHE_DIR.flag();
        return Err(Error::config("there is no cache directory to store the login in")
            .hint(format!("set HOME, or name a directory with {flag}")));
    };
    output_file::check_dir(&dir).map_err(|error| unkept(&dir, &error))?;
    Ok(dir)
}

fn unkept(place: &Path, error: &io::Error) -> Error {
    let flag = settings::CACHE_DIR.flag();
    Error::other(format!("the login cannot be stored in {}: {error}", place.display()))
        .hint(format!("check the directory's permissions and the room on the disk, or name another one with {flag}"))
}

/// Sends the profile's grant, even if a token is cached, and caches the new tokens. Makes one attempt: a rejected
/// secret is not retried. Also fails if the cache cannot be written, because the login would be lost.
pub fn log_in(
    endpoint: EndpointConfig,
    transport: Result<Transport>,
    cache_dir: PathBuf,
    deadlines: Deadlines,
) -> Result<Login> {
    let cache = Cache::new(cache_dir, &endpoint.identity());
    let unkept = |error| unkept(&cache.path(), &error);
    let lock = cache.require(cache.lock_until(deadlines.call_end()))?;
    let read = lock.try_read();
    let unread = read.as_ref().err().map(|error| cache.unreadable(error));
    let before = read.unwrap_or_default();
    if let Some(error) = rate_limit(&before, clock::now()) {
        return Err(error);
    }
    // Reserve the disk space before the request, so that its result cannot be lost.
    let pending = lock.reserve().map_err(unkept)?;
    let refresh = deadlines.refresh_at(Instant::now());
    let secrets = Secrets::default();
    let provider = EndpointProvider::new(&endpoint, transport, &secrets, Some(&cache), refresh);
    let request = TokenRequest { min_ttl: Duration::ZERO, force: true };
    let assertion = provider.assertion_at_stake(NextGrant::Own);
    if let (Some(_), Some(error)) = (&assertion, &unread) {
        // Recording the assertion would replace the entry, and lose its tokens.
        return Err(error.clone());
    }
    let attempt = assertion.map(|own| before.clone().with_sent_assertion(own));
    let pending = match &attempt {
        Some(attempt) => pending.begin(attempt).map_err(|error| match error {
            BeginError::LockLost => cache.held_error(),
            BeginError::Io(error) => unkept(error),
        })?,
        None => pending,
    };
    let began_with = before.revision.clone();
    let result = provider.fetch_by_own_grant(&before, &request);
    if let Err(FetchError::New { error, .. }) = &result.outcome
        && (error.kind != ErrorKind::RateLimited || unread.is_some())
    {
        // A mistyped password says nothing about other callers' credentials, so the failure is not cached. Only a
        // sent assertion is recorded, so that it is not sent twice. An entry that cannot be read at the moment may
        // have tokens, and is replaced only by new ones.
        if attempt.is_some() {
            let next = result.sent_assertion.into_iter().fold(before, Entry::with_sent_assertion);
            pending.publish(&next, &began_with).map_err(unkept)?;
        }
        return Err(error.clone());
    }
    let publication = Publication {
        revision: random::name(),
        now: clock::now(),
        spread: random::fraction(),
        exchange: refresh.exchange,
        keeps_refresh_token: endpoint.store_refresh_token,
    };
    let token_before = before.refresh_token.clone();
    let mut next = next_entry(before, result, publication);
    let store = endpoint.secret_store.as_deref();
    let call =
        StoreCall { identity: Some(cache.identity()), deadline: deadlines.refresh_at(Instant::now()).commands_end };
    let stored =
        store.map_or(Ok(()), |store| stored_refresh_token::put(&mut next, token_before.as_ref(), store, &cache, call));
    pending.publish(&next, &began_with).map_err(unkept)?;
    stored?;
    let store_before =
        token_before.as_ref().and_then(|token| token.value.store()).filter(|before| Some(*before) != store);
    let left_refresh_token = store_before.map(|store| stored_refresh_token::item(store, &cache));
    match (next.failure, next.token) {
        (None, Some(token)) => {
            let lifetime = |at| span(token.obtained_at, at);
            let refresh_lifetime = next.refresh_token.map(|refresh| refresh.expires_at.map(lifetime));
            Ok(Login { token, refresh_lifetime, left_refresh_token })
        }
        (Some(failure), _) => Err(failure.error),
        (None, None) => Err(Error::other("the login returned neither a token nor an error")),
    }
}
