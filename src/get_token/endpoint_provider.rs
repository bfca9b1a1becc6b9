//! Fetches tokens from a token endpoint: sends the grants that the decisions choose, and fetches the secrets that each
//! needs.

use std::cell::OnceCell;
use std::time::Instant;

use super::deadlines::RefreshDeadlines;
use super::decisions::grants::{
    AfterRefresh, Alternatives, NextGrant, Plan, after_failure, choose_grant, plan, refresh_failed,
};
use super::decisions::{TokenRequest, applies_to, failure_source};
use super::fetch_result::{FetchError, FetchResult};
use super::stored_refresh_token;
use crate::cache::Cache;
use crate::cache::entry::{CachedFailure, Entry};
use crate::config::grant::GrantType;
use crate::config::provider::EndpointConfig;
use crate::config::secret_source::SecretSetting;
use crate::config::secret_store::StoreCall;
use crate::error::{Error, Result};
use crate::http::client::Client;
use crate::oauth::grant_failure::{Delivery, GrantFailure};
use crate::oauth::request::{Grant, GrantRequest};
use crate::oauth::{IssuedTokens, exchange, fingerprint, saml};
use crate::sys::secret::Secret;
use crate::sys::{clock, printer};
use crate::token::{RefreshToken, RefreshTokenValue};
use crate::transport::Transport;

/// The secrets of a call. Each is fetched only once, because it may come from a pipe.
#[derive(Debug, Default)]
pub struct Secrets {
    client_secret: OnceCell<Secret>,
    /// The password, or the assertion as XML.
    grant_secret: OnceCell<Secret>,
    /// The refresh token from a secret store.
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
        let can_use_own_grant = self.can_use_own_grant(entry);
        let fingerprint = |grant| match grant {
            NextGrant::Refresh(_) => self.client_fingerprint(),
            NextGrant::Own => self.own_fingerprint(),
        };
        let grant = match choose_grant(entry, request, can_use_own_grant, clock::now(), fingerprint)? {
            Plan::Send(grant) => grant,
            Plan::FailFromCache(known) => return Err(FetchError::Cached(Box::new(known.clone()))),
        };
        // Fetched last, because the store may prompt the user.
        match grant {
            NextGrant::Refresh(token) => match self.refresh_token(token) {
                Err(LocalError { error, .. }) if can_use_own_grant => {
                    printer::debug(|| format!("{error}; falling back to the profile's own grant"));
                    Ok(NextGrant::Own)
                }
                fetched => Ok(fetched.map(|_| grant)?),
            },
            NextGrant::Own => self.check_unsent(entry).map(|()| grant),
        }
    }

    /// Fetches a token by this grant. If a refresh grant fails, falls back to the profile's own grant.
    pub fn fetch(&self, entry: &Entry, grant: NextGrant<'_>, request: &TokenRequest) -> FetchResult {
        match grant {
            NextGrant::Own => self.fetch_by_own_grant(entry, request),
            NextGrant::Refresh(refresh_token) => match self.send_refresh_grant(refresh_token) {
                Ok(issued) => Ok::<_, FetchError>(issued).into(),
                Err(failure) => self.after_failure(failure, entry, refresh_token, request),
            },
        }
    }

    /// Fetches a token by the profile's own grant.
    pub fn fetch_by_own_grant(&self, entry: &Entry, request: &TokenRequest) -> FetchResult {
        let fingerprint = match self.plan_own_grant(entry, request) {
            Ok(fingerprint) => fingerprint,
            Err(error) => return Err(error).into(),
        };
        let sent = self.send_own_grant();
        let is_sent = sent.as_ref().map_or_else(|failure| failure.delivery != Delivery::NotSent, |_| true);
        let sent_assertion = (self.config.is_saml() && is_sent).then(|| fingerprint.clone());
        let result = FetchResult::from(sent.map_err(|failure| self.failed(failure, fingerprint)));
        FetchResult { sent_assertion, ..result }
    }

    /// The fingerprint of the SAML assertion that this grant may send, if it is known without running a command.
    pub fn assertion_at_stake(&self, grant: NextGrant<'_>) -> Option<String> {
        let is_known = self.config.has_one_assertion() || (self.config.is_saml() && grant == NextGrant::Own);
        if is_known { self.own_fingerprint().ok() } else { None }
    }

    /// The fingerprint of the credentials of the own grant, or why they are not sent.
    fn plan_own_grant(&self, entry: &Entry, request: &TokenRequest) -> std::result::Result<String, FetchError> {
        let fingerprint = self.own_fingerprint()?;
        let can_use_own_grant = self.config.can_use_own_grant();
        match plan(entry, NextGrant::Own, &fingerprint, request, can_use_own_grant, clock::now()) {
            Plan::FailFromCache(known) => Err(FetchError::Cached(Box::new(known.clone()))),
            Plan::Send(_) => self.check_unsent(entry).map(|()| fingerprint),
        }
    }

    /// Fails if the own grant would send an assertion a second time.
    fn check_unsent(&self, entry: &Entry) -> std::result::Result<(), FetchError> {
        let fingerprint = if self.config.is_saml() { self.own_fingerprint()? } else { return Ok(()) };
        match self.config.sent_twice() {
            Some(error) if entry.sent_assertions.contains(&fingerprint) => {
                Err(FetchError::New { error, retry_after: None, fingerprint: Some(fingerprint), source: None })
            }
            _ => Ok(()),
        }
    }

    /// Whether the own grant can obtain a token. A missing or already sent assertion cannot.
    fn can_use_own_grant(&self, entry: &Entry) -> bool {
        let is_unsent = || self.own_fingerprint().is_ok_and(|own| !entry.sent_assertions.contains(&own));
        self.config.can_use_own_grant() && (!self.config.has_one_assertion() || is_unsent())
    }

    /// Whether another caller's failure also applies to this caller.
    pub fn applies_to(&self, failure: &CachedFailure) -> bool {
        let own_fingerprint = || self.own_fingerprint().map_err(|error| error.error);
        applies_to(failure, |source| self.has_source(source), self.config.runs_commands(), own_fingerprint)
    }

    /// Whether this is the digest of one of the caller's own sources.
    pub fn has_source(&self, digest: &str) -> bool {
        let item = |store| Some(stored_refresh_token::item(store, self.cache?).digest());
        let store = self.config.secret_store.as_deref().and_then(item);
        [self.transport_source(), self.config.client_secret_source(), self.config.grant_secret_source()]
            .iter()
            .chain([&self.config.credentials_source()])
            .chain(&store)
            .any(|own| own == digest)
    }

    fn after_failure(
        &self,
        failure: GrantFailure,
        entry: &Entry,
        refresh_token: &RefreshToken,
        request: &TokenRequest,
    ) -> FetchResult {
        let client_fingerprint = match self.client_fingerprint() {
            Ok(fingerprint) => fingerprint,
            Err(error) => return Err(error).into(),
        };
        let alternatives = Alternatives {
            can_use_own_grant: self.can_use_own_grant(entry),
            has_own_refresh_url: self.config.has_own_refresh_url(),
            login_hint: self.config.login_hint(),
        };
        let decision = after_failure(&failure, refresh_token, &client_fingerprint, &alternatives);
        if decision.next == AfterRefresh::FallBack {
            printer::debug(|| format!("{}; falling back to the profile's own grant", failure.error));
        }
        let mut sent_assertion = None;
        let own_grant = || {
            let result = self.fetch_by_own_grant(entry, request);
            sent_assertion = result.sent_assertion;
            result.outcome
        };
        let failed = |failure| self.failed(failure, client_fingerprint.clone());
        let result = refresh_failed(failure, decision, &client_fingerprint, own_grant, failed);
        FetchResult { sent_assertion, ..result }
    }

    /// Converts the failure for the cache, where other callers find it.
    fn failed(&self, failure: GrantFailure, fingerprint: String) -> FetchError {
        let credentials_source = || self.config.credentials_source();
        let source =
            failure_source(&failure, self.config.runs_commands(), credentials_source, || self.transport_source());
        FetchError::rejected(failure, fingerprint, source)
    }

    fn send_refresh_grant(&self, refresh_token: &RefreshToken) -> std::result::Result<IssuedTokens, GrantFailure> {
        let now = Instant::now();
        // A separate refresh endpoint may hang, so some time is left for the token endpoint.
        let deadline = if self.config.has_own_refresh_url() && self.config.can_use_own_grant() {
            self.deadlines.first_exchange_end(now)
        } else {
            self.deadlines.exchange_end(now)
        };
        let refresh_token = self.refresh_token(refresh_token).map_err(|error| error.error)?;
        self.send(Grant::Refresh { refresh_token }, deadline)
    }

    fn send_own_grant(&self) -> std::result::Result<IssuedTokens, GrantFailure> {
        let secret = self.grant_secret().map_err(|error| error.error)?;
        let grant = match (&self.config.grant, secret) {
            (GrantType::Password { username }, Some(password)) => Grant::Password { username, password },
            (GrantType::Saml { .. }, Some(assertion)) => Grant::Saml { assertion },
            _ => Grant::ClientCredentials,
        };
        self.send(grant, self.deadlines.exchange_end(Instant::now()))
    }

    fn send(&self, grant: Grant<'_>, deadline: Instant) -> std::result::Result<IssuedTokens, GrantFailure> {
        let endpoint = match (&grant, &self.config.grant) {
            (Grant::Refresh { .. }, _) => &self.config.refresh_url,
            (Grant::Saml { .. }, GrantType::Saml { organization_id, .. }) => {
                &self.config.token_url.with_query("organizationId", organization_id)
            }
            _ => &self.config.token_url,
        };
        let client_secret = self.client_secret().map_err(|error| error.error)?;
        let client = Client::new(self.transport.as_ref().map_err(Clone::clone)?, endpoint, deadline)?;
        let client_id = self.config.client_id.as_deref();
        exchange::send(&GrantRequest { endpoint, grant, client_id, client_secret }, &client, deadline)
    }

    fn transport_source(&self) -> String {
        self.transport.as_ref().map(Transport::digest).unwrap_or_default()
    }

    /// The fingerprint of the own grant's credentials. If one of them is missing, no command runs.
    fn own_fingerprint(&self) -> std::result::Result<String, LocalError> {
        if let Some(error) = self.config.missing() {
            return Err(LocalError { error, source: self.config.credentials_source() });
        }
        let (is_saml, no_client) = (self.config.is_saml(), Secret::default());
        // The client's credentials are not sent with an assertion.
        let client_secret = if is_saml { &no_client } else { self.client_secret()?.unwrap_or(&no_client) };
        Ok(fingerprint(client_secret, self.grant_secret()?))
    }

    fn client_fingerprint(&self) -> std::result::Result<String, LocalError> {
        Ok(fingerprint(self.client_secret()?.unwrap_or(&Secret::default()), None))
    }

    /// The client secret, which every grant needs except the refresh grant of a SAML login.
    fn client_secret(&self) -> std::result::Result<Option<&'a Secret>, LocalError> {
        let fetched = |setting| self.fetched(&self.secrets.client_secret, setting, Ok);
        let secret = self.config.client_secret().and_then(|setting| setting.map(fetched).transpose());
        secret.map_err(|error| LocalError { error, source: self.config.client_secret_source() })
    }

    /// The refresh token itself, read from its store once.
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
        let deadline = if self.config.can_use_own_grant() {
            self.deadlines.dispensable_command_end(Instant::now())
        } else {
            self.deadlines.commands_end
        };
        let call = StoreCall { identity: Some(cache.identity()), deadline };
        let (secret, is_expected) = stored_refresh_token::get(&item, fingerprint, call).map_err(|error| {
            let login = self.config.grant_secret().err().and_then(|error| error.hint);
            failed(if error.hint.is_some() { error } else { Error { hint: login, ..error } })
        })?;
        // A different token may be a successor that a killed process could not publish, or an older one. Without an
        // alternative it is sent anyway.
        if !is_expected && self.config.can_use_own_grant() && !self.config.has_one_assertion() {
            return Err(failed(Error::temporary(format!("the secret store \"{store}\" has another refresh token"))));
        }
        Ok(self.secrets.refresh_token.get_or_init(|| secret))
    }

    /// The own grant's secret, if it has one. Its command runs last.
    fn grant_secret(&self) -> std::result::Result<Option<&'a Secret>, LocalError> {
        let fetched = |setting: &SecretSetting| {
            self.fetched(&self.secrets.grant_secret, setting, |secret| match self.config.is_saml() {
                true => saml::xml(&secret).ok_or_else(|| setting.no_assertion()),
                false => Ok(secret),
            })
        };
        let secret = self.config.grant_secret().and_then(|setting| setting.map(fetched).transpose());
        secret.map_err(|error| LocalError { error, source: self.config.grant_secret_source() })
    }

    /// Fetches a secret, once.
    fn fetched(
        &self,
        cell: &'a OnceCell<Secret>,
        setting: &SecretSetting,
        read: impl FnOnce(Secret) -> Result<Secret>,
    ) -> Result<&'a Secret> {
        if let Some(secret) = cell.get() {
            return Ok(secret);
        }
        let _progress = setting.runs_program().then(|| printer::progress("the command that prints a secret"));
        let secret = read(setting.fetch(self.cache.map(Cache::identity), self.deadlines.commands_end)?)?;
        Ok(cell.get_or_init(|| secret))
    }
}

/// An error of one of the caller's own sources, with the source's digest.
struct LocalError {
    error: Error,
    source: String,
}

impl From<LocalError> for FetchError {
    fn from(LocalError { error, source }: LocalError) -> Self {
        Self::local(error, source)
    }
}
