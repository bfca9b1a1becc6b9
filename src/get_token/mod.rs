//! Gets a token: read the cache, lock, read again, fetch, publish.

mod command_provider;
pub mod deadlines;
pub mod decisions;
pub mod endpoint_provider;
pub mod fetch_result;
pub mod next_entry;
pub mod provider;
pub mod static_provider;
pub mod stored_refresh_token;

#[cfg(test)]
mod model;

use std::io;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::cache::entry::{CachedFailure, Entry};
use crate::cache::{BeginError, Cache, CacheLock, LockOutcome, PendingEntry, ReadError};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::settings;
use crate::sys::{clock, printer, random};
use crate::text::duration;
use crate::token::AccessToken;
use deadlines::Deadlines;
use decisions::grants::NextGrant;
use decisions::{Action, TokenRequest, Traits, from_cache};
use endpoint_provider::Secrets;
use fetch_result::{FetchError, FetchResult};
use next_entry::{Publication, attempt, next_entry};
use provider::Fetcher;
use stored_refresh_token::name_loss;

/// The maximum number of restarts. A lock file that is removed this often is removed on purpose.
const MAX_RESTARTS: u32 = 8;

/// Gets a token from the cache, from another process that is refreshing it, or from the provider.
pub fn get_token(config: &Config, request: TokenRequest, deadlines: Deadlines) -> Result<AccessToken> {
    let cache = provider::cache(config);
    let call = Call { config, cache: cache.as_ref(), request, deadlines, secrets: Secrets::default() };
    let Some(cache) = &cache else {
        printer::debug(|| "no cache is used".to_owned());
        if provider::needs_cache(&config.provider, &Entry::default()) {
            let key = settings::SAML_ASSERTION.command_key();
            return Err(Error::config("no cache is used, which remembers that the SAML assertion was sent")
                .hint(format!("leave --no-cache out, or get a new assertion each time by `{key}`")));
        }
        return call.fetch_unshared(&Entry::default());
    };
    let mut restarts = 0;
    loop {
        match call.get_from(cache) {
            Err(Interruption::LockLost) if restarts < MAX_RESTARTS => restarts += 1,
            Err(Interruption::LockLost) => return Err(cache.held_error()),
            Err(Interruption::Uncacheable(error, entry)) => return call.fetch_uncacheable(cache, &error, &entry),
            Err(Interruption::Unreadable(error, before)) => return call.without_login(cache, &error, &before),
            Ok(result) => return result,
        }
    }
}

/// Why a call cannot simply use the cache.
enum Interruption {
    /// The lock file was removed: start again.
    LockLost,
    /// Nothing can be cached, so other callers are not blocked any longer.
    Uncacheable(io::Error, Box<Entry>),
    /// The entry of a login cannot be read at the moment. A new entry would lose its refresh token.
    Unreadable(io::Error, Box<Entry>),
}

type Interruptible<T> = std::result::Result<T, Interruption>;

/// The state of one call.
struct Call<'a> {
    config: &'a Config,
    cache: Option<&'a Cache>,
    request: TokenRequest,
    deadlines: Deadlines,
    secrets: Secrets,
}

impl Call<'_> {
    fn get_from(&self, cache: &Cache) -> Interruptible<Result<AccessToken>> {
        let read = cache.try_read();
        // An unreadable entry may contain the same token, so it is unknown whether a later token is new.
        let is_known = !matches!(read, Err(ReadError::Io(_)));
        let before = read.unwrap_or_default();
        let known = is_known.then_some(&before);
        match self.look(&before) {
            Action::Serve(token) => {
                printer::debug(|| format!("token from {}", cache.path().display()));
                Ok(Ok(token))
            }
            Action::RefreshEarly(token) => match cache.try_lock() {
                LockOutcome::Acquired(lock) => self.refresh(lock, known),
                LockOutcome::Held => Ok(Ok(token)),
                LockOutcome::Unavailable(error) => {
                    note_uncacheable(cache, &error);
                    Ok(Ok(token))
                }
            },
            Action::Fail(error) => Ok(Err(error)),
            Action::Refresh => match cache.lock_until(self.deadlines.call_end()) {
                LockOutcome::Acquired(lock) => self.refresh_in_time(cache, lock, known),
                // Do not fetch while another process does, but use a result that it has published in the meantime.
                LockOutcome::Held => {
                    let result = self.use_concurrent_result(known, &cache.read());
                    Ok(result.unwrap_or_else(|| Err(cache.held_error())))
                }
                LockOutcome::Unavailable(error) => Err(Interruption::Uncacheable(error, Box::new(before))),
            },
        }
    }

    /// After a wait: if too little time remains for an exchange, fail as if the wait had timed out.
    fn refresh_in_time(
        &self,
        cache: &Cache,
        lock: CacheLock<'_>,
        before: Option<&Entry>,
    ) -> Interruptible<Result<AccessToken>> {
        if self.deadlines.leave_time_for_exchange(Instant::now()) {
            return self.refresh(lock, before);
        }
        let result = self.use_concurrent_result(before, &lock.read());
        Ok(result.unwrap_or_else(|| Err(cache.held_error())))
    }

    /// With the lock: read again, because its last holder may have refreshed; otherwise fetch and publish.
    fn refresh(&self, lock: CacheLock<'_>, before: Option<&Entry>) -> Interruptible<Result<AccessToken>> {
        let entry = match lock.try_read() {
            Ok(entry) => entry,
            Err(_) if provider::can_use_own_grant(&self.config.provider) => Entry::default(),
            Err(error) => return Err(Interruption::Unreadable(error, Box::new(before.cloned().unwrap_or_default()))),
        };
        if let Some(result) = self.use_concurrent_result(before, &entry) {
            return Ok(result);
        }
        match lock.reserve() {
            Ok(pending) => self.fetch_and_publish(pending, entry),
            Err(error) => Err(Interruption::Uncacheable(error, Box::new(entry))),
        }
    }

    fn fetch_and_publish(&self, pending: PendingEntry<'_>, entry: Entry) -> Interruptible<Result<AccessToken>> {
        let (started, fetcher, exchange) = (Instant::now(), self.fetcher(), self.time_left());
        let has_usable_token = self.usable_token(&entry).is_some();
        let (pending, mut result) = match fetcher.plan(&entry, &self.request) {
            Ok(grant) => {
                let pending = begin(pending, &entry, grant, fetcher.assertion_at_stake(grant))?;
                (pending, fetcher.fetch(&entry, grant, &self.request, has_usable_token))
            }
            Err(error) => (pending, FetchResult::from(Err(error))),
        };
        let publication = Publication {
            revision: random::name(),
            now: clock::now(),
            spread: random::fraction(),
            exchange,
            keeps_refresh_token: provider::keeps_refresh_token(&self.config.provider),
        };
        name_loss(&mut result, &entry);
        let (now, began_with, before) = (publication.now, entry.revision.clone(), entry.refresh_token.clone());
        let mut next = next_entry(entry, result, publication);
        self.fetcher().store_refresh_token(&mut next, before.as_ref());
        if let Err(error) = pending.publish(&next, &began_with) {
            printer::note(&format!("the token could not be saved: {error}"));
        }
        self.announce_end_of_login(&next, now);
        Ok(decisions::refresh_result(&next, &self.request, &self.traits(), now, started.elapsed()))
    }

    /// On a terminal, warns that a login expires soon that only the user can renew. Cache hits do not warn.
    fn announce_end_of_login(&self, entry: &Entry, now: OffsetDateTime) {
        if let (Some(left), Some(hint)) =
            (entry.refresh_token.as_ref().and_then(|token| token.ends_soon(now)), provider::login_hint(self.config))
        {
            printer::note(&format!("the login expires in {}; to renew it, {hint}", duration(left)));
        }
    }

    /// Gets a token without caching it: the usable one, or a new one. Does not use a refresh token.
    fn fetch_uncacheable(&self, cache: &Cache, error: &io::Error, entry: &Entry) -> Result<AccessToken> {
        note_uncacheable(cache, error);
        if let Some(token) = self.usable_token(entry) {
            return Ok(token);
        }
        if provider::needs_cache(&self.config.provider, entry) {
            let problem = format!("cannot write {}, which stores the login: {error}", cache.path().display());
            return Err(
                Error::other(problem).hint("check its permissions and the free disk space; you are still logged in")
            );
        }
        self.fetch_unshared(entry)
    }

    /// The token that was read before, if the entry of a login cannot be read.
    fn without_login(&self, cache: &Cache, error: &io::Error, before: &Entry) -> Result<AccessToken> {
        self.usable_token(before).ok_or_else(|| cache.unreadable(error))
    }

    fn fetch_unshared(&self, entry: &Entry) -> Result<AccessToken> {
        let started = Instant::now();
        match self.fetcher().fetch_unshared(entry, &self.request).outcome {
            Ok(issued) => decisions::checked(issued.access, &self.request, &self.traits(), started.elapsed()),
            Err(FetchError::New { error, .. }) => Err(error),
            Err(FetchError::Cached(failure)) => Err(from_cache(&failure, clock::now())),
        }
    }

    fn look(&self, entry: &Entry) -> Action {
        let has_source = |digest: &str| self.fetcher().has_source(digest);
        decisions::look(entry, &self.request, &self.traits(), clock::now(), random::fraction, has_source)
    }

    fn use_concurrent_result(&self, before: Option<&Entry>, entry: &Entry) -> Option<Result<AccessToken>> {
        let applies = |failure: &CachedFailure| self.fetcher().applies_to(failure);
        let result =
            decisions::use_concurrent_result(before, entry, &self.request, &self.traits(), clock::now(), applies);
        if let Some(Ok(_)) = result {
            printer::debug(|| "token refreshed by another process".to_owned());
        }
        result
    }

    /// The entry's token, if it meets this request.
    fn usable_token(&self, entry: &Entry) -> Option<AccessToken> {
        decisions::usable_token(entry, &self.request, clock::now()).cloned()
    }

    fn traits(&self) -> Traits {
        let has_fixed_lifetime = provider::has_fixed_lifetime(&self.config.provider);
        Traits { has_fixed_lifetime, exchange: self.time_left() }
    }

    /// The time for an exchange that begins now.
    fn time_left(&self) -> Duration {
        self.deadlines.time_left(Instant::now())
    }

    /// The provider, with the deadlines of a refresh that begins now.
    fn fetcher(&self) -> Fetcher<'_> {
        let deadlines = self.deadlines.refresh_at(Instant::now());
        Fetcher { config: self.config, secrets: &self.secrets, cache: self.cache, deadlines }
    }
}

/// Records in the cache that a request begins, before it is sent.
fn begin<'a>(
    pending: PendingEntry<'a>,
    entry: &Entry,
    grant: NextGrant<'_>,
    assertion: Option<String>,
) -> Interruptible<PendingEntry<'a>> {
    let attempt = assertion.into_iter().fold(attempt(entry, grant), Entry::with_sent_assertion);
    pending.begin(&attempt).map_err(|error| match error {
        BeginError::LockLost => Interruption::LockLost,
        BeginError::Io(error) => Interruption::Uncacheable(error, Box::new(entry.clone())),
    })
}

fn note_uncacheable(cache: &Cache, error: &io::Error) {
    printer::note(&format!("the token cannot be cached in {}: {error}", cache.path().display()));
}
