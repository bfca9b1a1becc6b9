//! The provider of the tokens, as the use case sees it: each kind has a cache of its own, and fetches in its own way.

use super::command_provider;
use super::deadlines::RefreshDeadlines;
use super::decisions::{self, NextGrant, TokenRequest};
use super::endpoint_provider::{EndpointProvider, Secrets};
use super::fetch_result::{FetchError, FetchResult};
use super::{static_provider, stored_refresh_token};
use crate::cache::Cache;
use crate::cache::entry::{CachedFailure, Entry};
use crate::config::Config;
use crate::config::provider::{EndpointConfig, TokenProvider};
use crate::config::secret_store::StoreCall;
use crate::sys::printer;
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

    /// The fingerprint of the SAML assertion that may be sent after this grant has begun.
    pub fn assertion_at_stake(&self, grant: NextGrant<'_>) -> Option<String> {
        match &self.config.provider {
            TokenProvider::Endpoint(endpoint) => self.endpoint(endpoint).assertion_at_stake(grant),
            _ => None,
        }
    }

    /// Fetches a token as planned; with `has_usable_token` the one in hand would serve, too.
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

    /// Fetches a token that nobody else will see: without a refresh token, whose successor would be lost.
    pub fn fetch_unshared(&self, entry: &Entry, request: &TokenRequest) -> FetchResult {
        match &self.config.provider {
            TokenProvider::Endpoint(endpoint) => self.endpoint(endpoint).fetch_by_own_grant(entry, request),
            _ => self.fetch(entry, NextGrant::Own, request, false),
        }
    }

    /// Moves the next entry's refresh token into the secret store: that of the profile, or of the token before.
    pub fn store_refresh_token(&self, next: &mut Entry, before: Option<&RefreshToken>) {
        let (TokenProvider::Endpoint(endpoint), Some(cache)) = (&self.config.provider, self.cache) else { return };
        // Another profile of the identity keeps it in a store: then this one does not put it into the cache.
        let present = before.and_then(|token| token.value.store());
        if let Some(store) = endpoint.secret_store.as_deref().or(present) {
            let call = StoreCall { identity: Some(cache.identity()), deadline: self.deadlines.commands_end };
            if let Err(error) = stored_refresh_token::put(next, before, store, cache, call) {
                printer::note(&error.message);
            }
        }
    }

    /// Whether another caller's failure is this caller's, too.
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

/// Whether every token lives as long as the one before.
pub fn has_fixed_lifetime(provider: &TokenProvider) -> bool {
    !matches!(provider, TokenProvider::Command(_))
}

/// Whether the cache may hold a refresh token.
pub fn keeps_refresh_token(provider: &TokenProvider) -> bool {
    matches!(provider, TokenProvider::Endpoint(endpoint) if endpoint.store_refresh_token)
}

/// The hint where nothing but the refresh token, or a person, can obtain a token.
pub fn login_hint(config: &Config) -> Option<String> {
    if let TokenProvider::Endpoint(endpoint) = &config.provider { endpoint.login_hint() } else { None }
}

/// Whether a new token can be obtained without a refresh token.
pub fn can_use_own_grant(provider: &TokenProvider) -> bool {
    !matches!(provider, TokenProvider::Endpoint(endpoint) if !endpoint.can_use_own_grant())
}

/// Whether no token can be obtained without a cache: where nothing but the entry's refresh token serves, or where an
/// assertion might be sent twice.
pub fn needs_cache(provider: &TokenProvider, entry: &Entry) -> bool {
    let TokenProvider::Endpoint(endpoint) = provider else { return false };
    endpoint.has_one_assertion() || decisions::needs_refresh_token(entry, can_use_own_grant(provider))
}
