//! The token provider as a call uses it. Each kind has its own cache and its own way to fetch.

use super::command_provider;
use super::deadlines::RefreshDeadlines;
use super::decisions::TokenRequest;
use super::decisions::grants::{self, NextGrant};
use super::endpoint_provider::{EndpointProvider, Secrets};
use super::fetch_result::{FetchError, FetchResult};
use super::{static_provider, stored_refresh_token};
use crate::cache::Cache;
use crate::cache::entry::{CachedFailure, Entry};
use crate::config::Config;
use crate::config::provider::{EndpointConfig, TokenProvider};
use crate::config::secret_source::SecretSetting;
use crate::config::secret_store::StoreCall;
use crate::oauth::fingerprint;
use crate::sys::printer;
use crate::sys::secret::Secret;
use crate::token::RefreshToken;

/// The cache of the provider's tokens, if there is one.
pub fn cache(config: &Config) -> Option<Cache> {
    let dir = config.cache_dir.as_ref()?;
    Some(Cache::new(dir.clone(), &config.provider.identity()?))
}

/// A provider with the deadlines of one refresh.
pub struct Fetcher<'a> {
    pub config: &'a Config,
    pub secrets: &'a Secrets,
    /// The cache of the identity.
    pub cache: Option<&'a Cache>,
    pub deadlines: RefreshDeadlines,
}

impl Fetcher<'_> {
    /// What to send first, or why nothing is sent.
    pub fn plan<'e>(&self, entry: &'e Entry, request: &TokenRequest) -> std::result::Result<NextGrant<'e>, FetchError> {
        match &self.config.provider {
            TokenProvider::Endpoint(endpoint) => self.endpoint(endpoint).plan(entry, request),
            _ => Ok(NextGrant::Own),
        }
    }

    /// The fingerprint of the SAML assertion that this grant may send.
    pub fn assertion_at_stake(&self, grant: NextGrant<'_>) -> Option<String> {
        match &self.config.provider {
            TokenProvider::Endpoint(endpoint) => self.endpoint(endpoint).assertion_at_stake(grant),
            _ => None,
        }
    }

    /// Fetches a token as planned. With `has_usable_token`, the old token would meet the request, too.
    pub fn fetch(
        &self,
        entry: &Entry,
        grant: NextGrant<'_>,
        request: &TokenRequest,
        has_usable_token: bool,
    ) -> FetchResult {
        match &self.config.provider {
            TokenProvider::Static(token) => static_provider::fetch(token, request, self.deadlines).into(),
            TokenProvider::Endpoint(endpoint) => self.endpoint(endpoint).fetch(entry, grant, request),
            TokenProvider::Command(command) => {
                let identity = self.cache.map(Cache::identity);
                command_provider::fetch(command, identity, has_usable_token, self.deadlines).into()
            }
        }
    }

    /// Fetches a token that is not cached. Does not use a refresh token, because its successor would be lost.
    pub fn fetch_unshared(&self, entry: &Entry, request: &TokenRequest) -> FetchResult {
        match &self.config.provider {
            TokenProvider::Endpoint(endpoint) => self.endpoint(endpoint).fetch_by_own_grant(entry, request),
            _ => self.fetch(entry, NextGrant::Own, request, false),
        }
    }

    /// Moves the next entry's refresh token into a secret store: the profile's, or the one that has the previous token.
    pub fn store_refresh_token(&self, next: &mut Entry, before: Option<&RefreshToken>) {
        let (TokenProvider::Endpoint(endpoint), Some(cache)) = (&self.config.provider, self.cache) else { return };
        // If another profile of this identity uses a store, this one does not write the token to the cache.
        let present = before.and_then(|token| token.value.store());
        if let Some(store) = endpoint.secret_store.as_deref().or(present) {
            let call = StoreCall { identity: Some(cache.identity()), deadline: self.deadlines.commands_end };
            if let Err(error) = stored_refresh_token::put(next, before, store, cache, call) {
                printer::note(&error.message);
            }
        }
    }

    /// Whether another caller's failure also applies to this caller.
    pub fn applies_to(&self, failure: &CachedFailure) -> bool {
        match &self.config.provider {
            TokenProvider::Endpoint(endpoint) => self.endpoint(endpoint).applies_to(failure),
            _ => true,
        }
    }

    /// Whether this is the digest of one of the caller's own sources.
    pub fn has_source(&self, digest: &str) -> bool {
        match &self.config.provider {
            TokenProvider::Endpoint(endpoint) => self.endpoint(endpoint).has_source(digest),
            _ => true,
        }
    }

    fn endpoint<'b>(&'b self, config: &'b EndpointConfig) -> EndpointProvider<'b> {
        EndpointProvider::new(config, self.config.transport(), self.secrets, self.cache, self.deadlines)
    }
}

/// Whether all tokens have the same lifetime.
pub fn has_fixed_lifetime(provider: &TokenProvider) -> bool {
    !matches!(provider, TokenProvider::Command(_))
}

/// Whether the cache may contain a refresh token.
pub fn keeps_refresh_token(provider: &TokenProvider) -> bool {
    matches!(provider, TokenProvider::Endpoint(endpoint) if endpoint.store_refresh_token)
}

/// Whether this caller's credentials are known to differ from those of a cached rejection. No command runs and no file
/// is read for it.
pub fn has_other_credentials(provider: &TokenProvider, rejected: &str) -> bool {
    let TokenProvider::Endpoint(endpoint) = provider else { return false };
    fingerprints(endpoint).is_some_and(|own| !own.iter().any(|own| own == rejected))
}

/// The fingerprints of the refresh grant and of the own grant; `None` if a secret is not a value.
fn fingerprints(endpoint: &EndpointConfig) -> Option<[String; 2]> {
    // An assertion is sent without the client secret, and not as it was given.
    if endpoint.is_saml() {
        return None;
    }
    let no_client = Secret::default();
    let client_secret = endpoint.client_secret().ok()?.map_or(Some(&no_client), SecretSetting::value)?;
    let password = match endpoint.grant_secret() {
        Ok(Some(setting)) => Some(setting.value()?),
        // Client credentials, or a login that is kept by its refresh token.
        _ => None,
    };
    Some([None, password].map(|password| fingerprint(client_secret, password)))
}

/// The hint if only a refresh token or a new login can obtain a token.
pub fn login_hint(config: &Config) -> Option<String> {
    if let TokenProvider::Endpoint(endpoint) = &config.provider { endpoint.login_hint() } else { None }
}

/// Whether a new token can be obtained without a refresh token.
pub fn can_use_own_grant(provider: &TokenProvider) -> bool {
    !matches!(provider, TokenProvider::Endpoint(endpoint) if !endpoint.can_use_own_grant())
}

/// Whether a token can only be obtained with a cache: if only the entry's refresh token can obtain one, or if an
/// assertion might be sent twice.
pub fn needs_cache(provider: &TokenProvider, entry: &Entry) -> bool {
    let TokenProvider::Endpoint(endpoint) = provider else { return false };
    endpoint.has_one_assertion() || grants::needs_refresh_token(entry, can_use_own_grant(provider))
}
