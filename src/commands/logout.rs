//! `logout`: forgets cached tokens, under the lock, so that a refresh in progress cannot bring them back, and erases what
//! secret stores keep. Rate limits and rejections are no tokens: they stay.

use std::collections::BTreeSet;
use std::io;
use std::time::Instant;

use crate::cache::{Cache, CacheLock, LockOutcome};
use crate::cli::Options;
use crate::config::profile_values::Profile;
use crate::config::secret_store::{StoreCall, StoreItem};
use crate::config::sources::Sources;
use crate::config::{self, Config, edit, file, profile};
use crate::error::Result;
use crate::get_token::deadlines::Deadlines;
use crate::get_token::{provider, stored_refresh_token};
use crate::sys::printer;

/// Forgets the tokens of the profile, or those of every identity in the cache. Fails unless they are certainly not handed
/// out any more.
pub fn run(all: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let flags = &options.flags;
    let forgotten = if all {
        // What the profiles say does not matter here, not even whether they can be read.
        let sources = Sources { flags: flags.clone(), profile: Default::default() };
        let deadline = Deadlines { started, limits: config::limits(&sources)? }.call_end();
        let profiles = profiles(options);
        let stored = Stored::of(profiles.iter().flatten());
        let forgotten = forget_directory(options, &stored, deadline);
        let erased = stored.erase_secrets(deadline);
        let drafts = profile::path(flags).map_or(Ok(()), |path| edit::remove_abandoned_drafts(&path.value));
        let forgotten = forgotten?;
        erased?;
        profiles?;
        drafts?;
        forgotten
    } else {
        let mut config = Config::resolve(flags)?;
        config.cache_dir = config::certain_cache_dir(flags)?.map(|dir| dir.value);
        let caches: Vec<_> = provider::cache(&config).into_iter().collect();
        let deadline = Deadlines { started, limits: config.limits }.call_end();
        let stored = Stored::of([config.profile()]);
        let forgotten = forget_all(&caches, &stored, deadline);
        stored.erase_secrets(deadline).and(forgotten)?
    };
    printer::note(match forgotten {
        0 => "no token was cached",
        1 => "the cached tokens are forgotten",
        _ => "the cached tokens of all identities are forgotten",
    });
    Ok(())
}

/// All profiles. What no call can read does not keep a token from being forgotten, but it may name secrets to erase.
fn profiles(options: &Options) -> Result<Vec<Profile>> {
    let Some(path) = profile::path(&options.flags).map(|path| path.value) else {
        return Ok(Vec::new());
    };
    match file::read(&path, || profile::read_deadline(&options.flags)) {
        Ok(config) => Ok(config.unwrap_or_default().profiles.into_values().collect()),
        Err(error) if file::may_name_stores(&path) => Err(error),
        Err(_) => Ok(Vec::new()),
    }
}

/// What profiles keep in secret stores.
struct Stored {
    /// The stores of refresh tokens.
    stores: BTreeSet<String>,
    /// Client secrets and permanent tokens.
    secrets: Vec<StoreItem>,
}

impl Stored {
    fn of<'p>(profiles: impl IntoIterator<Item = &'p Profile>) -> Self {
        let mut stored = Self { stores: BTreeSet::new(), secrets: Vec::new() };
        for profile in profiles {
            stored.stores.extend(profile.secret_store().map(str::to_owned));
            stored.secrets.extend(profile.stored_secrets().cloned());
        }
        stored
    }

    /// Erases the secrets; fails with the first error when all others are erased.
    fn erase_secrets(&self, deadline: Instant) -> Result<()> {
        let erase = |secret: &StoreItem| secret.erase(StoreCall { identity: None, deadline });
        self.secrets.iter().map(erase).fold(Ok(()), Result::and)
    }

    /// Erases the refresh token of an identity from all stores that may have it.
    fn erase_refresh_token(&self, cache: &Cache, deadline: Instant) -> Result<()> {
        let mut stores = self.stores.clone();
        stores.extend(cache.read().refresh_token.and_then(|token| token.value.store().map(str::to_owned)));
        let call = StoreCall { identity: Some(cache.identity()), deadline };
        stores.iter().map(|store| stored_refresh_token::item(store, cache).erase(call)).fold(Ok(()), Result::and)
    }
}

/// Forgets the tokens of every identity in the cache that is this user's.
fn forget_directory(options: &Options, stored: &Stored, deadline: Instant) -> Result<usize> {
    let Some(dir) = config::certain_cache_dir(&options.flags)?.map(|dir| dir.value) else {
        return Ok(0);
    };
    forget_all(&Cache::all_own(&dir)?, stored, deadline)
}

/// Forgets what nobody holds at once, then waits for the rest: one holder keeps no other token in the cache. A refresh in
/// progress publishes first. Returns how many tokens there were; fails with the first error when all others are forgotten.
fn forget_all(caches: &[Cache], stored: &Stored, deadline: Instant) -> Result<usize> {
    let (mut results, mut held) = (Vec::new(), Vec::new());
    for cache in caches {
        match cache.is_own() {
            Ok(false) => results.push(stored.erase_refresh_token(cache, deadline).map(|()| false)),
            Err(error) => results.push(Err(error)),
            Ok(true) => match cache.try_lock() {
                LockOutcome::Held => held.push(cache),
                outcome => results.push(forget(cache, outcome, stored, deadline)),
            },
        }
    }
    results.extend(held.into_iter().map(|cache| forget(cache, cache.lock_until(deadline), stored, deadline)));
    results.into_iter().try_fold(0, |forgotten, had_tokens| Ok(forgotten + usize::from(had_tokens?)))
}

/// Forgets one identity's tokens; returns whether there were any. The stores come first, as the entry names one.
fn forget(cache: &Cache, outcome: LockOutcome<CacheLock<'_>>, stored: &Stored, deadline: Instant) -> Result<bool> {
    // Where nobody of this user can lock, nobody can publish either: what is not there does not come.
    if let LockOutcome::Unavailable(error) = &outcome
        && matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        && matches!(cache.has_own_entry(), Ok(false))
    {
        return stored.erase_refresh_token(cache, deadline).map(|()| false);
    }
    let lock = cache.require(outcome)?;
    let erased = stored.erase_refresh_token(cache, deadline);
    let had_tokens = lock.forget_tokens()?;
    erased.map(|()| had_tokens)
}
