//! Fetches tokens from a token endpoint: sends the grants that the decisions choose, with the secrets each needs.

use std::cell::OnceCell;
use std::time::Instant;

use super::deadlines::RefreshDeadlines;
use super::decisions::{
    AfterRefresh, Alternatives, NextGrant, Plan, TokenRequest, after_rejection, applies_to, choose_grant,
    failure_source, plan, refresh_failed,
};
use super::fetch_result::{FetchError, FetchResult};
use super::stored_refresh_token;
use crate::cache::Cache;
use crate::cache::entry::{CachedFailure, Entry};
use crate::config::provider::{EndpointConfig, GrantType};
use crate::config::secret_source::SecretSetting;
use crate::config::secret_store::StoreCall;
use crate::error::{Error, Result};
use crate::http::client::Client;
use crate::oauth::rejection::Rejection;
use crate::oauth::request::{Grant, GrantRequest};
use crate::oauth::{IssuedTokens, exchange, fingerprint};
use crate::sys::secret::Secret;
use crate::sys::{clock, printer};
use crate::token::{RefreshToken, RefreshTokenValue};
use crate::transport::Transport;

/// The secrets of a call, each fetched once: it may come from a pipe.
#[derive(Debug, Default)]
pub struct Secrets {
    client_secret: OnceCell<Secret>,
    password: OnceCell<Secret>,
    /// The refresh token that a secret store keeps.
    refresh_token: OnceCell<Secret>,
}

pub struct EndpointProvider<'a> {
    config: &'a EndpointConfig,
    transport: Result<Transport>,
    secrets: &'a Secrets,
    /// The cache of the identity that is refreshed.
    cache: Option<&'a Cache>,
    deadlines: RefreshDeadlines,
}

type Fetched = std::result::Result<IssuedTokens, FetchError>;

impl<'a> EndpointProvider<'a> {
    pub fn new(
        config: &'a EndpointConfig,
        transport: Result<Transport>,
        secrets: &'a Secrets,
        cache: Option<&'a Cache>,
        deadlines: RefreshDeadlines,
    ) -> Self {
        let deadlines = if config.secret_store.is_some() { deadlines.leaving_time_to_store() } else { deadlines };
        Self { config, transport, secrets, cache, deadlines }
    }

    /// The grant that [`Self::fetch`] sends first, or why it sends none.
    pub fn plan<'e>(&self, entry: &'e Entry, request: &TokenRequest) -> std::result::Result<NextGrant<'e>, FetchError> {
        let can_use_own_grant = self.config.can_use_own_grant();
        let fingerprint = |grant| match grant {
            NextGrant::Refresh(_) => self.client_secret().map(|client_secret| fingerprint(client_secret, None)),
            NextGrant::Own => self.own_fingerprint(),
        };
        let grant = match choose_grant(entry, request, can_use_own_grant, clock::now(), fingerprint)? {
            Plan::Send(grant) => grant,
            Plan::FailFromCache(known) => return Err(FetchError::Cached(Box::new(known.clone()))),
        };
        // The last before it is sent, as a person may be asked.
        match grant {
            NextGrant::Refresh(token) => match self.refresh_token(token) {
                Err(LocalError { error, .. }) if can_use_own_grant => {
                    printer::debug(|| format!("{error}; falling back to the profile's own grant"));
                    Ok(NextGrant::Own)
                }
                fetched => Ok(fetched.map(|_| grant)?),
            },
            NextGrant::Own => Ok(grant),
        }
    }

    /// Fetches a token by this grant, and by the profile's own one where the refresh grant fails.
    pub fn fetch(&self, entry: &Entry, grant: NextGrant<'_>, request: &TokenRequest) -> FetchResult {
        match grant {
            NextGrant::Own => self.fetch_by_own_grant(entry, request).into(),
            NextGrant::Refresh(refresh_token) => match self.send_refresh_grant(refresh_token) {
                Ok(issued) => Ok::<_, FetchError>(issued).into(),
                Err(rejection) => self.after_rejection(rejection, entry, refresh_token, request),
            },
        }
    }

    /// Fetches a token without a refresh token.
    pub fn fetch_by_own_grant(&self, entry: &Entry, request: &TokenRequest) -> Fetched {
        let fingerprint = self.own_fingerprint()?;
        let can_use_own_grant = self.config.can_use_own_grant();
        let plan = plan(entry, NextGrant::Own, &fingerprint, request, can_use_own_grant, clock::now());
        if let Plan::FailFromCache(known) = plan {
            return Err(FetchError::Cached(Box::new(known.clone())));
        }
        self.send_own_grant().map_err(|rejection| self.failed(rejection, fingerprint))
    }

    /// Whether another caller's failure is this caller's, too.
    pub fn applies_to(&self, failure: &CachedFailure) -> bool {
        let own_fingerprint = || self.own_fingerprint().map_err(|error| error.error);
        applies_to(failure, |source| self.has_source(source), self.config.runs_commands(), own_fingerprint)
    }

    /// Whether this is the digest of one of the caller's own sources.
    pub fn has_source(&self, digest: &str) -> bool {
        let item = |store| Some(stored_refresh_token::item(store, self.cache?).digest());
        let store = self.config.secret_store.as_deref().and_then(item);
        [self.transport_source(), self.config.client_secret_source(), self.config.password_source()]
            .iter()
            .chain([&self.config.credentials_source()])
            .chain(&store)
            .any(|own| own == digest)
    }

    fn after_rejection(
        &self,
        rejection: Rejection,
        entry: &Entry,
        refresh_token: &RefreshToken,
        request: &TokenRequest,
    ) -> FetchResult {
        let client_fingerprint = match self.client_secret() {
            Ok(client_secret) => fingerprint(client_secret, None),
            Err(error) => return Err(error).into(),
        };
        let alternatives = Alternatives {
            can_use_own_grant: self.config.can_use_own_grant(),
            has_own_refresh_url: self.config.has_own_refresh_url(),
            login_hint: self.config.login_hint(),
        };
        let decision = after_rejection(&rejection, refresh_token, &client_fingerprint, &alternatives);
        if decision.next == AfterRefresh::FallBack {
            printer::debug(|| format!("{}; falling back to the profile's own grant", rejection.error));
        }
        let own_grant = || self.fetch_by_own_grant(entry, request);
        let failed = |rejection| self.failed(rejection, client_fingerprint.clone());
        refresh_failed(rejection, decision, &client_fingerprint, own_grant, failed)
    }

    /// The failure as other callers may share it.
    fn failed(&self, rejection: Rejection, fingerprint: String) -> FetchError {
        let credentials_source = || self.config.credentials_source();
        let source =
            failure_source(&rejection, self.config.runs_commands(), credentials_source, || self.transport_source());
        FetchError::rejected(rejection, fingerprint, source)
    }

    fn send_refresh_grant(&self, refresh_token: &RefreshToken) -> std::result::Result<IssuedTokens, Rejection> {
        let now = Instant::now();
        // Where its own endpoint may hang, time is left for the other one.
        let deadline = if self.config.has_own_refresh_url() && self.config.can_use_own_grant() {
            self.deadlines.first_exchange_end(now)
        } else {
            self.deadlines.exchange_end(now)
        };
        let refresh_token = self.refresh_token(refresh_token).map_err(|error| error.error)?;
        self.send(Grant::Refresh { refresh_token }, deadline)
    }

    fn send_own_grant(&self) -> std::result::Result<IssuedTokens, Rejection> {
        let password = self.password().map_err(|error| error.error)?;
        let grant = match (&self.config.grant, password) {
            (GrantType::Password { username }, Some(password)) => Grant::Password { username, password },
            _ => Grant::ClientCredentials,
        };
        self.send(grant, self.deadlines.exchange_end(Instant::now()))
    }

    fn send(&self, grant: Grant<'_>, deadline: Instant) -> std::result::Result<IssuedTokens, Rejection> {
        let endpoint = match grant {
            Grant::Refresh { .. } => &self.config.refresh_url,
            _ => &self.config.token_url,
        };
        let client_secret = self.client_secret().map_err(|error| error.error)?;
        let client = Client::new(self.transport.as_ref().map_err(Clone::clone)?, endpoint, deadline)?;
        let client_id = self.config.client_id.as_str();
        exchange::send(&GrantRequest { endpoint, grant, client_id, client_secret }, &client, deadline)
    }

    fn transport_source(&self) -> String {
        self.transport.as_ref().map(Transport::digest).unwrap_or_default()
    }

    /// The fingerprint of the own grant's credentials. No command runs where one of them is missing.
    fn own_fingerprint(&self) -> std::result::Result<String, LocalError> {
        match self.config.missing() {
            Some(error) => Err(LocalError { error, source: self.config.credentials_source() }),
            None => Ok(fingerprint(self.client_secret()?, self.password()?)),
        }
    }

    /// The client secret, which every grant needs.
    fn client_secret(&self) -> std::result::Result<&'a Secret, LocalError> {
        let source = || self.config.client_secret_source();
        let setting = self.config.client_secret().map_err(|error| LocalError { error, source: source() })?;
        self.fetched(&self.secrets.client_secret, setting).map_err(|error| LocalError { error, source: source() })
    }

    /// The refresh token itself, got from its store once.
    fn refresh_token<'t>(&self, token: &'t RefreshToken) -> std::result::Result<&'t Secret, LocalError>
    where
        'a: 't,
    {
        let (store, fingerprint) = match &token.value {
            RefreshTokenValue::Plain(secret) => return Ok(secret),
            RefreshTokenValue::Stored { store, fingerprint } => (store, fingerprint),
        };
        if let Some(secret) = self.secrets.refresh_token.get() {
            return Ok(secret);
        }
        let Some(cache) = self.cache else {
            let error = Error::other("a refresh token in a secret store needs the cache");
            return Err(LocalError { error, source: String::new() });
        };
        let item = stored_refresh_token::item(store, cache);
        let failed = |error| LocalError { error, source: item.digest() };
        let call = StoreCall { identity: Some(cache.identity()), deadline: self.deadlines.commands_end };
        let (secret, is_expected) = stored_refresh_token::get(&item, fingerprint, call).map_err(|error| {
            let login = self.config.password().err().and_then(|error| error.hint);
            failed(if error.hint.is_some() { error } else { Error { hint: login, ..error } })
        })?;
        // Another one may be the successor that a killed process could not publish, or an older one. Where nothing else
        // serves, the server is asked.
        if !is_expected && self.config.can_use_own_grant() {
            return Err(failed(Error::temporary(format!("the secret store \"{store}\" has another refresh token"))));
        }
        Ok(self.secrets.refresh_token.get_or_init(|| secret))
    }

    /// The password, if the own grant is the password's. Its command is the last to run.
    fn password(&self) -> std::result::Result<Option<&'a Secret>, LocalError> {
        let source = || self.config.password_source();
        match self.config.grant {
            GrantType::ClientCredentials => Ok(None),
            GrantType::Password { .. } => {
                let setting = self.config.password().map_err(|error| LocalError { error, source: source() })?;
                let secret = self.fetched(&self.secrets.password, setting);
                secret.map(Some).map_err(|error| LocalError { error, source: source() })
            }
        }
    }

    /// The secret, fetched once.
    fn fetched(&self, cell: &'a OnceCell<Secret>, setting: &SecretSetting) -> Result<&'a Secret> {
        if let Some(secret) = cell.get() {
            return Ok(secret);
        }
        let _progress = setting.runs_program().then(|| printer::progress("the command that prints a secret"));
        let secret = setting.fetch(self.cache.map(Cache::identity), self.deadlines.commands_end)?;
        Ok(cell.get_or_init(|| secret))
    }
}

/// An error of the caller's own source, with the source's digest.
struct LocalError {
    error: Error,
    source: String,
}

impl From<LocalError> for FetchError {
    fn from(LocalError { error, source }: LocalError) -> Self {
        Self::local(error, source)
    }
}
