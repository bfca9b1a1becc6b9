//! Fetches tokens from a token endpoint: sends the grants that the decisions choose, with the secrets each needs.

use std::cell::OnceCell;
use std::time::Instant;

use super::deadlines::RefreshDeadlines;
use super::decisions::{
    AfterRefresh, AfterRejection, Alternatives, NextGrant, Plan, after_rejection, applies_to, first_grant, plan,
};
use super::fetch_result::{FetchError, FetchResult};
use crate::cache::entry::{CachedFailure, Entry};
use crate::config::provider::{EndpointConfig, GrantType};
use crate::config::secret_source::SecretSetting;
use crate::error::Result;
use crate::http::client::Client;
use crate::oauth::rejection::Rejection;
use crate::oauth::request::{Grant, GrantRequest};
use crate::oauth::{IssuedTokens, exchange, fingerprint};
use crate::sys::secret::Secret;
use crate::sys::{clock, printer};
use crate::token::RefreshToken;
use crate::transport::Transport;

pub struct EndpointProvider<'a> {
    config: &'a EndpointConfig,
    transport: Result<Transport>,
    /// The name of the identity that is refreshed.
    identity: Option<&'a str>,
    deadlines: RefreshDeadlines,
    client_secret: OnceCell<Secret>,
    password: OnceCell<Secret>,
}

impl<'a> EndpointProvider<'a> {
    pub fn new(
        config: &'a EndpointConfig,
        transport: Result<Transport>,
        identity: Option<&'a str>,
        deadlines: RefreshDeadlines,
    ) -> Self {
        let (client_secret, password) = (OnceCell::new(), OnceCell::new());
        Self { config, transport, identity, deadlines, client_secret, password }
    }

    /// Fetches a token: by the refresh token while that lives, else by the profile's own grant. `force` disregards cached
    /// rejections.
    pub fn fetch(&self, entry: &Entry, force: bool) -> FetchResult {
        match first_grant(entry, clock::now()) {
            NextGrant::Refresh(refresh_token) => self.refresh(entry, refresh_token, force),
            NextGrant::Own => self.fetch_by_own_grant(entry, force).into(),
        }
    }

    /// Fetches a token without a refresh token.
    pub fn fetch_by_own_grant(&self, entry: &Entry, force: bool) -> std::result::Result<IssuedTokens, FetchError> {
        let fingerprint = self.own_fingerprint()?;
        if let Plan::FailFromCache(known) = plan(entry, NextGrant::Own, &fingerprint, force, clock::now()) {
            return Err(FetchError::Cached(Box::new(known.clone())));
        }
        self.send_own_grant().map_err(|rejection| FetchError::rejected(rejection, fingerprint))
    }

    /// Whether another caller's failure is this caller's, too.
    pub fn applies_to(&self, failure: &CachedFailure) -> bool {
        applies_to(failure, self.config.runs_commands(), || self.own_fingerprint())
    }

    fn refresh(&self, entry: &Entry, refresh_token: &RefreshToken, force: bool) -> FetchResult {
        let client_fingerprint = match self.client_secret() {
            Ok(client_secret) => fingerprint(client_secret, None),
            Err(error) => return Err(error).into(),
        };
        let grant = NextGrant::Refresh(refresh_token);
        if let Plan::FailFromCache(known) = plan(entry, grant, &client_fingerprint, force, clock::now()) {
            return Err(FetchError::Cached(Box::new(known.clone()))).into();
        }
        match self.send_refresh_grant(refresh_token) {
            Ok(issued) => Ok::<_, FetchError>(issued).into(),
            Err(rejection) => self.after_rejection(rejection, entry, refresh_token, client_fingerprint, force),
        }
    }

    fn after_rejection(
        &self,
        rejection: Rejection,
        entry: &Entry,
        refresh_token: &RefreshToken,
        client_fingerprint: String,
        force: bool,
    ) -> FetchResult {
        let alternatives = Alternatives {
            can_use_own_grant: self.config.can_use_own_grant(),
            has_own_refresh_url: self.config.has_own_refresh_url(),
            login_hint: self.config.login_hint(),
        };
        let AfterRejection { forget_refresh_token, next } =
            after_rejection(&rejection, refresh_token, &client_fingerprint, &alternatives);
        let outcome = match next {
            AfterRefresh::FallBack => {
                printer::debug(|| format!("{}; falling back to the profile's own grant", rejection.error));
                self.fetch_by_own_grant(entry, force)
            }
            AfterRefresh::Fail { error, is_about_client } => {
                let fingerprint = is_about_client.then_some(client_fingerprint);
                Err(FetchError::New { error, retry_after: rejection.retry_after, fingerprint })
            }
        };
        FetchResult { outcome, forget_refresh_token }
    }

    fn send_refresh_grant(&self, refresh_token: &RefreshToken) -> std::result::Result<IssuedTokens, Rejection> {
        let now = Instant::now();
        // Where its own endpoint may hang, time is left for the other one.
        let deadline = if self.config.has_own_refresh_url() && self.config.can_use_own_grant() {
            self.deadlines.first_exchange_end(now)
        } else {
            self.deadlines.exchange_end(now)
        };
        self.send(Grant::Refresh { refresh_token: &refresh_token.value }, deadline)
    }

    fn send_own_grant(&self) -> std::result::Result<IssuedTokens, Rejection> {
        let grant = match (&self.config.grant, self.password()?) {
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
        let client = Client::new(self.transport.as_ref().map_err(Clone::clone)?, endpoint)?;
        let (client_id, client_secret) = (self.config.client_id.as_str(), self.client_secret()?);
        exchange::send(&GrantRequest { endpoint, grant, client_id, client_secret }, &client, deadline)
    }

    /// The fingerprint of the own grant's credentials. No command runs where one of them is missing.
    fn own_fingerprint(&self) -> Result<String> {
        match self.config.missing() {
            Some(error) => Err(error),
            None => Ok(fingerprint(self.client_secret()?, self.password()?)),
        }
    }

    /// The client secret, which every grant needs.
    fn client_secret(&self) -> Result<&Secret> {
        self.fetched(&self.client_secret, self.config.client_secret()?)
    }

    /// The password, if the own grant is the password's. Its command is the last to run.
    fn password(&self) -> Result<Option<&Secret>> {
        match self.config.grant {
            GrantType::Password { .. } => self.fetched(&self.password, self.config.password()?).map(Some),
            GrantType::ClientCredentials => Ok(None),
        }
    }

    /// The secret, fetched once.
    fn fetched<'s>(&self, cell: &'s OnceCell<Secret>, setting: &SecretSetting) -> Result<&'s Secret> {
        if let Some(secret) = cell.get() {
            return Ok(secret);
        }
        let _progress = setting.is_command().then(|| printer::progress("the command that prints a secret"));
        let secret = setting.fetch(self.identity, self.deadlines.commands_end)?;
        Ok(cell.get_or_init(|| secret))
    }
}
