//! The use case: read the cache, lock, read again, fetch, publish.

mod command_provider;
pub mod deadlines;
pub mod decisions;
pub mod endpoint_provider;
pub mod fetch_result;
pub mod next_entry;
pub mod provider;

use std::io;
use std::time::Instant;

use crate::cache::entry::{CachedFailure, Entry};
use crate::cache::{Cache, CacheLock, LockOutcome, PendingEntry};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::sys::{clock, printer, random};
use crate::token::{AccessToken, Freshness};
use deadlines::Deadlines;
use decisions::{Action, TokenRequest, Traits, from_cache};
use fetch_result::FetchError;
use next_entry::{Publication, next_entry};
use provider::Fetcher;

/// The token: from the cache, from another process that is refreshing it, or from the provider.
pub fn get_token(config: &Config, request: TokenRequest, deadlines: Deadlines) -> Result<AccessToken> {
    let cache = provider::cache(config);
    let identity = cache.as_ref().map(Cache::identity);
    let call = Call { config, identity, request, deadlines };
    let Some(cache) = &cache else {
        printer::debug(|| "no cache is used".to_owned());
        return call.fetch_unshared(&Entry::default());
    };
    let before = cache.read();
    match call.look(&before) {
        Action::Serve(token) => {
            printer::debug(|| format!("token from {}", cache.path().display()));
            Ok(token)
        }
        Action::RefreshEarly(token) => match cache.try_lock() {
            LockOutcome::Acquired(lock) => call.refresh(cache, lock, &before),
            LockOutcome::Held => Ok(token),
            LockOutcome::Unavailable(error) => {
                note_unshared(cache, &error);
                Ok(token)
            }
        },
        Action::Fail(error) => Err(error),
        Action::Refresh => match cache.lock_until(deadlines.call_end()) {
            LockOutcome::Acquired(lock) => call.refresh(cache, lock, &before),
            // Never fetch beside a live holder; use what was published meanwhile.
            LockOutcome::Held => {
                call.use_concurrent_result(&before, &cache.read()).unwrap_or_else(|| Err(cache.held_error()))
            }
            LockOutcome::Unavailable(error) => {
                note_unshared(cache, &error);
                call.fetch_unshared(&before)
            }
        },
    }
}

/// The state of one call.
struct Call<'a> {
    config: &'a Config,
    identity: Option<&'a str>,
    request: TokenRequest,
    deadlines: Deadlines,
}

impl Call<'_> {
    /// With the lock: read again, as its last holder may have done the work; else fetch and publish.
    fn refresh(&self, cache: &Cache, lock: CacheLock<'_>, before: &Entry) -> Result<AccessToken> {
        let entry = lock.read();
        if let Some(result) = self.use_concurrent_result(before, &entry) {
            return result;
        }
        match lock.reserve() {
            Ok(pending) => self.fetch_and_publish(pending, entry),
            Err(error) => {
                note_unshared(cache, &error);
                self.usable_token(&entry).map_or_else(|| self.fetch_unshared(&entry), Ok)
            }
        }
    }

    fn fetch_and_publish(&self, pending: PendingEntry<'_>, entry: Entry) -> Result<AccessToken> {
        let has_usable_token = self.usable_token(&entry).is_some();
        let fetcher = self.fetcher();
        let result = fetcher.fetch(&entry, self.request.force, has_usable_token);
        let publication = Publication {
            revision: random::name(),
            now: clock::now(),
            spread: random::fraction(),
            exchange: fetcher.deadlines.exchange,
            keeps_refresh_token: provider::keeps_refresh_token(&self.config.provider),
        };
        let now = publication.now;
        let next = next_entry(entry, result, publication);
        if let Err(error) = pending.publish(&next) {
            printer::note(&format!("the token could not be saved: {error}"));
        }
        match (&next.failure, &next.token) {
            (None, Some(token)) => self.checked(token.clone()),
            // While the token in hand is usable, nothing is said of the failure.
            (Some(failure), _) => self.usable_token(&next).map_or_else(|| Err(from_cache(failure, now)), Ok),
            (None, None) => Err(Error::other("a refresh brought neither token nor failure")),
        }
    }

    /// Fetches a token for this caller alone: nothing can be cached.
    fn fetch_unshared(&self, entry: &Entry) -> Result<AccessToken> {
        match self.fetcher().fetch_unshared(entry, self.request.force).outcome {
            Ok(issued) => self.checked(issued.access),
            Err(FetchError::New { error, .. }) => Err(error),
            Err(FetchError::Cached(failure)) => Err(from_cache(&failure, clock::now())),
        }
    }

    fn look(&self, entry: &Entry) -> Action {
        decisions::look(entry, &self.request, &self.traits(), clock::now(), random::fraction)
    }

    fn use_concurrent_result(&self, before: &Entry, entry: &Entry) -> Option<Result<AccessToken>> {
        let applies = |failure: &CachedFailure| self.fetcher().applies_to(failure);
        let result =
            decisions::use_concurrent_result(before, entry, &self.request, &self.traits(), clock::now(), applies);
        if let Some(Ok(_)) = result {
            printer::debug(|| "token from another process, which has just renewed it".to_owned());
        }
        result
    }

    /// The entry's token, if it serves this call.
    fn usable_token(&self, entry: &Entry) -> Option<AccessToken> {
        let freshness = decisions::freshness(entry, &self.request, clock::now(), || 0.0);
        entry.token.clone().filter(|_| freshness != Freshness::Due)
    }

    /// A new token, if it meets the request.
    fn checked(&self, token: AccessToken) -> Result<AccessToken> {
        match decisions::unmet_min_ttl(&token, &self.request, &self.traits()) {
            Some(error) => Err(error),
            None => Ok(token),
        }
    }

    fn traits(&self) -> Traits {
        let has_fixed_lifetime = provider::has_fixed_lifetime(&self.config.provider);
        Traits { has_fixed_lifetime, exchange: self.config.limits.exchange }
    }

    /// The provider, with the time that is left for a refresh that begins now.
    fn fetcher(&self) -> Fetcher<'_> {
        let deadlines = self.deadlines.refresh_at(Instant::now());
        Fetcher { config: self.config, identity: self.identity, deadlines }
    }
}

fn note_unshared(cache: &Cache, error: &io::Error) {
    printer::note(&format!("the token cannot be cached in {}: {error}", cache.path().display()));
}
