//! The use case, in the order that is the contract: read, lock, read again, refresh, publish or remember the failure.

use std::io;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::budget::{Budget, RefreshLimits};
use crate::cache::entry::{CachedFailure, Entry};
use crate::cache::{Cache, CacheLock, LockOutcome, PendingEntry};
use crate::error::{Error, ErrorKind};
use crate::granter::Granter;
use crate::refresh::Ended;
use crate::sys::clock;
use crate::sys::printer;
use crate::sys::random;
use crate::token::{AccessToken, Freshness, span};

/// What the caller wants of the token.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The least life that the token must have.
    pub min_ttl: Duration,
    /// A token from before this call will not do.
    pub force: bool,
}

/// The token: from the cache, from whoever refreshes it at this moment, or from the server.
///
/// # Errors
/// There is none to be had; the failure's kind says why.
pub fn obtain(granter: Granter<'_>, wish: Wish, budget: &Budget) -> Result<AccessToken, Error> {
    let call = Call { granter, wish, budget };
    let Some(cache) = granter.cache() else {
        printer::debug(|| "no cache is used".to_owned());
        return call.alone(&Entry::default());
    };
    let before = cache.read();
    match call.look(&before) {
        Look::Serve(token) => {
            printer::debug(|| format!("token from {}", cache.path().display()));
            Ok(token)
        }
        Look::Spare(token) => call.renew_early(&cache, &before, token),
        Look::Fail(failure) => Err(failure),
        Look::Refresh => call.renew(&cache, &before),
    }
}

impl Wish {
    /// The state of the entry's token for this caller.
    fn state(self, entry: &Entry, now: OffsetDateTime) -> Freshness {
        let state = |token: &AccessToken| token.freshness(now, self.min_ttl, random::fraction);
        if self.force { Freshness::Due } else { entry.token.as_ref().map_or(Freshness::Due, state) }
    }
}

/// What an entry means for a call.
enum Look {
    /// The token in hand, and nothing else to do.
    Serve(AccessToken),
    /// The token in hand, and a try to renew it.
    Spare(AccessToken),
    /// A refresh has failed lately, or cannot help.
    Fail(Error),
    /// A new token is needed.
    Refresh,
}

/// One call: what it knows beside the cache.
struct Call<'a> {
    granter: Granter<'a>,
    wish: Wish,
    budget: &'a Budget,
}

impl Call<'_> {
    /// What to do about the entry as it was read without a lock.
    fn look(&self, entry: &Entry) -> Look {
        let now = clock::now();
        match (self.wish.state(entry, now), &entry.token) {
            (Freshness::Fresh, Some(token)) => Look::Serve(token.clone()),
            (Freshness::Aging, Some(token)) if backs_off(entry, now) => Look::Serve(token.clone()),
            (Freshness::Aging, Some(token)) => Look::Spare(token.clone()),
            _ => match self.known_failure(entry, now) {
                Some(failure) => Look::Fail(failure),
                None => Look::Refresh,
            },
        }
    }

    /// The failure that needs no request to be known.
    fn known_failure(&self, entry: &Entry, now: OffsetDateTime) -> Option<Error> {
        let usable = entry.token.as_ref().filter(|token| !self.wish.force && token.is_usable(now, Duration::ZERO));
        let alike = usable.filter(|_| self.granter.grants_alike());
        if let Some(failure) = alike.and_then(|token| self.beyond(token)) {
            return Some(failure);
        }
        let remembered = entry.failure.as_ref().filter(|known| known.holds(now) && !self.has_more_time(known))?;
        match remembered.error.kind {
            // Only who has the secrets can tell whether they are still the rejected ones, and only one at a time
            // should ask for them: under the lock.
            ErrorKind::Rejected => None,
            ErrorKind::RateLimited => Some(told_again(remembered, now)),
            _ => (!self.wish.force).then(|| told_again(remembered, now)),
        }
    }

    /// The token in hand is good for a while: renew it if that takes no waiting for anybody.
    fn renew_early(&self, cache: &Cache, before: &Entry, in_hand: AccessToken) -> Result<AccessToken, Error> {
        match cache.try_lock() {
            LockOutcome::Acquired(lock) => self.refresh(cache, lock, before),
            LockOutcome::Held => Ok(in_hand),
            LockOutcome::Unavailable(error) => {
                self.say_unshared(cache, &error);
                Ok(in_hand)
            }
        }
    }

    /// There is no token to hand out: wait for whoever is getting one, or get one.
    fn renew(&self, cache: &Cache, before: &Entry) -> Result<AccessToken, Error> {
        match cache.lock_until(self.budget.call_ends()) {
            LockOutcome::Acquired(lock) => self.refresh(cache, lock, before),
            LockOutcome::Held => self.give_up(cache, before),
            LockOutcome::Unavailable(error) => {
                self.say_unshared(cache, &error);
                self.alone(before)
            }
        }
    }

    /// The lock was not had in time. Never refresh beside a live holder; serve what has come meanwhile.
    fn give_up(&self, cache: &Cache, before: &Entry) -> Result<AccessToken, Error> {
        if let Some(ended) = self.adopt(before, &cache.read()) {
            return ended;
        }
        Err(cache.held_error())
    }

    /// With the lock in hand: look again, as whoever held it before may have done the work.
    fn refresh(&self, cache: &Cache, lock: CacheLock<'_>, before: &Entry) -> Result<AccessToken, Error> {
        let entry = lock.read();
        if let Some(ended) = self.adopt(before, &entry) {
            return ended;
        }
        match lock.reserve() {
            Ok(draft) => self.refresh_and_publish(draft, entry),
            Err(error) => {
                self.say_unshared(cache, &error);
                self.serve_or(&entry, |call| call.alone(&entry))
            }
        }
    }

    /// What somebody else's refresh, ended since `before` was read, means for this call; nothing if there was none,
    /// or if its result does not serve.
    fn adopt(&self, before: &Entry, entry: &Entry) -> Option<Result<AccessToken, Error>> {
        if entry.revision == before.revision {
            return None;
        }
        let now = clock::now();
        // A token that came while this call waited is as good as forced.
        let wish = Wish { force: false, ..self.wish };
        if let Some(token) = entry.token.as_ref().filter(|token| token.is_usable(now, wish.min_ttl)) {
            let is_new = entry.failure.is_none();
            if is_new || !self.wish.force {
                printer::debug(|| "token from another process, which has just renewed it".to_owned());
                return Some(Ok(token.clone()));
            }
        }
        match &entry.failure {
            Some(remembered) if self.shares(before, remembered) => Some(Err(told_again(remembered, now))),
            Some(_) => None,
            None => entry.token.as_ref().and_then(|token| self.beyond(token)).map(Err),
        }
    }

    /// Whether somebody else's failure, new since `before` was read, is this call's too.
    fn shares(&self, before: &Entry, remembered: &CachedFailure) -> bool {
        // Where the rejection is one known before, nobody asked the server, which is what a forced call wants.
        let is_asked = !before.rejections.contains(remembered);
        (is_asked || !self.wish.force)
            && !self.has_more_time(remembered)
            && self.granter.concerns_us(remembered, self.limits())
    }

    /// Whether a failure that may be one of time came of less time than this call has: it says nothing to it then.
    fn has_more_time(&self, remembered: &CachedFailure) -> bool {
        let is_passing = remembered.error.kind == ErrorKind::Temporary;
        is_passing && u128::from(remembered.timeout_ms) < self.budget.exchange.as_millis()
    }

    /// Asks the server, and shares what comes of it.
    fn refresh_and_publish(&self, draft: PendingEntry<'_>, entry: Entry) -> Result<AccessToken, Error> {
        let is_spare = self.wish.state(&entry, clock::now()) != Freshness::Due;
        let outcome = self.granter.refresh(&entry, self.wish.force, is_spare, self.limits());
        let now = clock::now();
        let next = outcome.into_entry(entry, now, self.granter.keeps_refresh_tokens());
        let failure = next.failure.as_ref().map(|remembered| told_again(remembered, now));
        let published = draft.publish(&next);
        if let Err(error) = published {
            printer::note(&format!("the token could not be saved: {error}"));
        }
        match failure {
            None => match next.token {
                Some(token) => self.check(token),
                None => Err(Error::other("a refresh brought neither token nor failure")),
            },
            Some(failure) => self.serve_or(&next, |_| Err(failure)),
        }
    }

    /// A token fresh from the server, if it can meet the wish.
    fn check(&self, token: AccessToken) -> Result<AccessToken, Error> {
        match self.beyond(&token) {
            Some(failure) => Err(failure),
            None => Ok(token),
        }
    }

    /// The failure of a wish that a token new from this granter does not meet. An endpoint's next one will not either;
    /// a command's may.
    fn beyond(&self, token: &AccessToken) -> Option<Error> {
        let Wish { min_ttl, .. } = self.wish;
        let longest = token.longest_min_ttl().filter(|longest| min_ttl > *longest)?;
        let (asked, life) = (humantime::format_duration(min_ttl), humantime::format_duration(token.lifetime()?));
        let hint = format!("ask for {} at most", humantime::format_duration(longest));
        Some(if self.granter.grants_alike() {
            let problem = format!("--min-ttl {asked} cannot be met: the server grants tokens of {life}");
            Error::config(problem).hint(hint)
        } else {
            let problem = format!("--min-ttl {asked} is not met: the token command gave a token with {life} left");
            Error::temporary(problem).hint(format!("{hint}, or try again later"))
        })
    }

    /// The entry's token while it serves, without a word about anything that went wrong; else the other.
    fn serve_or(
        &self,
        entry: &Entry,
        other: impl FnOnce(&Self) -> Result<AccessToken, Error>,
    ) -> Result<AccessToken, Error> {
        match (self.wish.state(entry, clock::now()), &entry.token) {
            (Freshness::Fresh | Freshness::Aging, Some(token)) => Ok(token.clone()),
            _ => other(self),
        }
    }

    /// Asks the server for this caller alone. The cache cannot be written, so no refresh token is spent.
    fn alone(&self, entry: &Entry) -> Result<AccessToken, Error> {
        match self.granter.refresh_unsaved(entry, self.wish.force, self.limits()) {
            Ended::Granted(granted) => self.check(granted.token),
            Ended::Failed { failure, .. } => Err(failure),
            Ended::StillRejected(known) => Err(told_again(&known, clock::now())),
        }
    }

    /// The time that is left for a refresh that begins now.
    fn limits(&self) -> RefreshLimits {
        self.budget.refresh_at(Instant::now())
    }

    fn say_unshared(&self, cache: &Cache, error: &io::Error) {
        printer::note(&format!("the token cannot be cached in {}: {error}", cache.path().display()));
    }
}

fn backs_off(entry: &Entry, now: OffsetDateTime) -> bool {
    entry.failure.as_ref().is_some_and(|remembered| remembered.backs_off(now))
}

/// A remembered failure as it is told to another caller: with its age, and when it ends where that is known.
pub fn told_again(remembered: &CachedFailure, now: OffsetDateTime) -> Error {
    let mut failure = remembered.error.clone();
    let age = span(remembered.at, now).as_secs();
    if failure.kind == ErrorKind::RateLimited {
        let left = span(now, remembered.until).as_secs_f64().ceil();
        failure.message.push_str(&format!("; {left} s left"));
    } else if age > 0 {
        failure.message.push_str(&format!(" ({age} s ago, not asked again)"));
    }
    failure
}
