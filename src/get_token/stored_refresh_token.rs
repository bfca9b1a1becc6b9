//! A refresh token in a secret store; the cache only has its fingerprint.
//!
//! The order of a refresh, under the lock: read the token from the store, publish that a request begins, send it, write
//! the successor to the store, publish the entry. The store is written before the entry, so that nothing is lost if the
//! process is killed between the two: the store has the successor, and the entry says that its own token may be used
//! up. In the other order the successor would be lost, and the store would have a used token, which revokes the login
//! when it is sent.

use super::fetch_result::{FetchError, FetchResult};
use crate::cache::Cache;
use crate::cache::entry::{Entry, LostRefreshToken};
use crate::config::secret_store::{StoreCall, StoreItem};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::secret::Secret;
use crate::sys::{clock, digest};
use crate::token::{RefreshToken, RefreshTokenValue};

/// The refresh token of this cache's identity in the store of this name.
pub fn item(store: &str, cache: &Cache) -> StoreItem {
    StoreItem::refresh_token(store, cache.dir().to_owned(), cache.identity())
}

/// Reads the refresh token from the store, and tells whether it has this fingerprint. Fails if the store has none.
pub fn get(item: &StoreItem, expected: &str, call: StoreCall<'_>) -> Result<(Secret, bool)> {
    let secret = item.get(call)?.ok_or_else(|| {
        let problem = format!("the secret store \"{}\" has no refresh token, so the login has ended", item.store);
        Error::new(ErrorKind::Rejected, problem)
    })?;
    let is_expected = fingerprint(&secret) == expected;
    Ok((secret, is_expected))
}

/// Moves the refresh token of the next entry into the store of this name, if it is not there yet. If the store fails, a
/// new token is lost, and the entry says so; a token that was in the cache before stays there.
pub fn put(
    next: &mut Entry,
    before: Option<&RefreshToken>,
    store: &str,
    cache: &Cache,
    call: StoreCall<'_>,
) -> Result<()> {
    let Some(token) = &mut next.refresh_token else { return Ok(()) };
    let RefreshTokenValue::Plain(secret) = &token.value else { return Ok(()) };
    let is_new = before.is_none_or(|before| before.value != token.value);
    if !is_new && next.failure.is_some() {
        return Ok(());
    }
    match item(store, cache).put(secret, call) {
        Ok(()) => {
            token.value = RefreshTokenValue::Stored { store: store.to_owned(), fingerprint: fingerprint(secret) };
            Ok(())
        }
        Err(error) => {
            if is_new {
                next.refresh_token = None;
                next.lost_refresh_token = Some(LostRefreshToken { reason: error.message.clone(), at: clock::now() });
            }
            Err(error)
        }
    }
}

/// Adds the cause to a failure that a lost refresh token would have prevented.
pub fn name_loss(result: &mut FetchResult, entry: &Entry) {
    if let (Err(FetchError::New { error, .. }), None, Some(lost)) =
        (&mut result.outcome, &entry.refresh_token, &entry.lost_refresh_token)
    {
        error.message.push_str(&format!("; the refresh token was lost: {}", lost.reason));
    }
}

/// A fingerprint to compare refresh tokens. They are random, so the fingerprint cannot be reversed by guessing.
fn fingerprint(secret: &Secret) -> String {
    digest::name(b"refresh token", [secret.expose().as_bytes()])
}
