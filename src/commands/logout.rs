//! `logout`: removes cached tokens under the lock, so that a refresh in progress cannot restore them, and erases the
//! secrets in secret stores. Cached rate limits and rejections stay.

use std::collections::BTreeSet;
use std::io;
use std::time::Instant;

use crate::cache::entry::Entry;
use crate::cache::{Cache, CacheLock, LockOutcome};
use crate::cli::Options;
use crate::config::flags::Flags;
use crate::config::profile_values::Profile;
use crate::config::secret_store::{StoreCall, StoreItem};
use crate::config::sources::Sources;
use crate::config::{self, Config, edit, file, profile};
use crate::error::{Error, Result};
use crate::get_token::deadlines::Deadlines;
use crate::get_token::{provider, stored_refresh_token};
use crate::sys::{drafts, printer};

/// Removes the tokens of the profile, or those of every identity in the cache. Fails unless it is certain that no
/// call returns them any more.
pub fn run(all: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let flags = &options.flags;
    if all {
        // `--all` must work even if a profile is invalid, so none is resolved.
        let sources = Sources { flags: flags.clone(), profile: Default::default() };
        let deadline = Deadlines { started, limits: config::limits(&sources)? }.call_end();
        let (profiles, unreadable) = profiles(flags);
        let stored = Stored::of(&profiles);
        let forgotten = forget_directory(options, &stored, deadline);
        let erased = stored.erase_secrets(deadline);
        let drafts = profile::path(flags).map_or(Ok(()), |path| edit::remove_abandoned_drafts(&path.value));
        let forgotten = forgotten?;
        erased?;
        unreadable.map_or(Ok(()), Err)?;
        drafts?;
        if printer::is_chatty() {
            printer::note(&described(&forgotten, &profiles, flags));
        }
        return Ok(());
    }
    let mut config = Config::resolve(flags)?;
    config.cache_dir = config::certain_cache_dir(flags)?.map(|dir| dir.value);
    let caches: Vec<_> = provider::cache(&config).into_iter().collect();
    let deadline = Deadlines { started, limits: config.limits }.call_end();
    let stored = Stored::of([config.profile()]);
    let forgotten = forget_all(&caches, &stored, deadline);
    let forgotten = stored.erase_secrets(deadline).and(forgotten)?;
    printer::note(if forgotten.is_empty() { NOTHING } else { "the cached tokens are forgotten" });
    Ok(())
}

const NOTHING: &str = "no token was cached";

/// Lists the profiles whose tokens were removed, and counts the identities without a profile.
fn described(forgotten: &[String], profiles: &[Profile], flags: &Flags) -> String {
    if forgotten.is_empty() {
        return NOTHING.to_owned();
    }
    let (mut owners, mut known) = (Vec::new(), BTreeSet::new());
    for Profile { name, .. } in profiles {
        let config = Config::resolve(&flags.with_profile(name));
        let identity = config.ok().and_then(|config| Some(provider::cache(&config)?.identity().to_owned()));
        if let Some(identity) = identity.filter(|identity| forgotten.contains(identity)) {
            known.insert(identity);
            owners.push(format!("profile {name}"));
        }
    }
    match forgotten.len() - known.len() {
        0 => {}
        1 => owners.push("1 identity without a profile".to_owned()),
        count => owners.push(format!("{count} identities without a profile")),
    }
    format!("forgot the cached tokens of {}", owners.join(", "))
}

/// All valid profiles. An invalid one does not prevent the removal of tokens, but is an error if it may name secrets
/// in a store.
fn profiles(flags: &Flags) -> (Vec<Profile>, Option<Error>) {
    let Some(path) = profile::path(flags).map(|path| path.value) else {
        return (Vec::new(), None);
    };
    let (mut profiles, mut unreadable) = (Vec::new(), None);
    match file::read(&path, || profile::read_deadline(flags)) {
        Ok(config) => {
            for profile in config.unwrap_or_default().profiles.into_values() {
                match profile {
                    Ok(profile) => profiles.push(profile),
                    Err(error) => unreadable = Some(error),
                }
            }
        }
        Err(error) => unreadable = Some(error),
    }
    (profiles, unreadable.filter(|_| file::may_name_stores(&path)))
}

/// The secrets of profiles in secret stores.
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

    /// Erases all secrets, then fails with the first error.
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

/// Removes the tokens of every identity in the cache that belongs to this user.
fn forget_directory(options: &Options, stored: &Stored, deadline: Instant) -> Result<Vec<String>> {
    let Some(dir) = config::certain_cache_dir(&options.flags)?.map(|dir| dir.value) else {
        return Ok(Vec::new());
    };
    // A login that was killed while it tried the directory leaves one. It is empty, so it may stay.
    drafts::remove_abandoned(&dir).ok();
    forget_all(&Cache::all_own(&dir)?, stored, deadline)
}

/// Removes the tokens that are not locked first, then waits for the locked ones, so that one lock does not delay the
/// others. A refresh in progress publishes first. Returns the identities that had tokens; fails with the first error
/// after all others are removed.
fn forget_all<'c>(caches: &'c [Cache], stored: &Stored, deadline: Instant) -> Result<Vec<String>> {
    let (mut results, mut held) = (Vec::new(), Vec::new());
    for cache in caches {
        match cache.is_own() {
            Ok(false) => results.push((cache, stored.erase_refresh_token(cache, deadline).map(|()| false))),
            Err(error) => results.push((cache, Err(error))),
            Ok(true) => match cache.try_lock() {
                LockOutcome::Held => held.push(cache),
                outcome => results.push((cache, forget(cache, outcome, stored, deadline))),
            },
        }
    }
    let forget_held = |cache: &'c Cache| (cache, forget(cache, cache.lock_until(deadline), stored, deadline));
    results.extend(held.into_iter().map(forget_held));
    let had_tokens = |(cache, result): (&Cache, Result<bool>)| match result {
        Ok(had_tokens) => had_tokens.then(|| Ok(cache.identity().to_owned())),
        Err(error) => Some(Err(error)),
    };
    results.into_iter().filter_map(had_tokens).collect()
}

/// Removes one identity's tokens; returns whether there were any. Erases them in the stores first, because the entry
/// names one.
fn forget(cache: &Cache, outcome: LockOutcome<CacheLock<'_>>, stored: &Stored, deadline: Instant) -> Result<bool> {
    // If this user cannot create the lock, no process of this user can publish either, so a missing entry stays
    // missing.
    if let LockOutcome::Unavailable(error) = &outcome
        && matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        && matches!(cache.has_own_entry(), Ok(false))
    {
        return stored.erase_refresh_token(cache, deadline).map(|()| false);
    }
    let lock = cache.require(outcome)?;
    let Err(error) = stored.erase_refresh_token(cache, deadline) else {
        return lock.forget_tokens();
    };
    let entry = lock.read();
    if entry.refresh_token.as_ref().is_none_or(|token| token.value.store().is_none()) {
        lock.forget_tokens()?;
        return Err(error);
    }
    // The profile may not name the store any more, so the entry keeps its name for the next logout.
    if let Err(error) = lock.replace_or_remove(&Entry { token: None, ..entry }) {
        return Err(Error::other(format!("cannot remove the token from {}: {error}", cache.path().display())));
    }
    Err(error)
}
