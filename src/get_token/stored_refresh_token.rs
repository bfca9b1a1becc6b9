//! The refresh token where a secret store keeps it, and the cache only its fingerprint.
//!
//! The order of a refresh, all under the lock: get the token, publish that a request begins, send it, put its successor
//! into the store, publish the entry. The store comes before the entry, because a process that is killed between the two
//! then loses nothing: the store has the successor, and the entry tells that its own token may be spent. The other way
//! round the successor would be lost, and the store would have a token that revokes the login when it is sent.

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

/// The refresh token in the store, and whether it is the one with this fingerprint. Fails where the store has none.
pub fn get(item: &StoreItem, expected: &str, call: StoreCall<'_>) -> Result<(Secret, bool)> {
    let secret = item.get(call)?.ok_or_else(|| {
        let problem = format!("the secret store \"{}\" has no refresh token, so the login has ended", item.store);
        Error::new(ErrorKind::Rejected, problem)
    })?;
    let is_expected = fingerprint(&secret) == expected;
    Ok((secret, is_expected))
}

/// Moves the refresh token of the next entry into the store of this name, if it is not there yet. Fails where the store
/// does not take it: a new token is lost then, which the entry tells; one that the cache has had already stays there.
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

/// Names the cause of a failure that a refresh token could have prevented.
pub fn name_loss(result: &mut FetchResult, entry: &Entry) {
    if let (Err(FetchError::New { error, .. }), None, Some(lost)) =
        (&mut result.outcome, &entry.refresh_token, &entry.lost_refresh_token)
    {
        error.message.push_str(&format!("; the refresh token was lost: {}", lost.reason));
    }
}

/// Tells one refresh token from another. They are random, so nobody finds one by trying.
fn fingerprint(secret: &Secret) -> String {
    digest::name(b"refresh token", [secret.expose().as_bytes()])
}
