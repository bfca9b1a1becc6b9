//! The parts of the real code that a process calls: its request, its credentials, and the decisions about them.

use std::time::{Duration, Instant};

use super::entries::{number_of, plain};
use super::server;
use super::state::{Credentials, Kind, Profile, Reply};
use super::wrong::Wrong;
use crate::cache::entry::fixtures::{at, secret};
use crate::cache::entry::{CachedFailure, Entry};
use crate::config::Limits;
use crate::error::{Error, ErrorKind, Result};
use crate::get_token::deadlines::Deadlines;
use crate::get_token::decisions::grants::{
    AfterRefresh, Alternatives, NextGrant, Plan, after_failure, choose_grant, plan, refresh_failed,
};
use crate::get_token::decisions::{self, Action, TokenRequest, Traits, failure_source};
use crate::get_token::fetch_result::{FetchError, FetchResult};
use crate::oauth::grant_failure::GrantFailure;
use crate::oauth::{IssuedTokens, fingerprint};
use crate::sys::secret::Secret;
use crate::token::{AccessToken, RefreshToken};
use crate::url::Endpoint;

pub const EXCHANGE: Duration = Duration::from_secs(8);

/// The `--min-ttl` of [`Kind::MinTtl`], in seconds.
pub const MIN_TTL: i32 = 7000;

pub struct Caller {
    pub kind: Kind,
    pub profile: Profile,
    pub request: TokenRequest,
    pub client_secret: Secret,
    pub client_fingerprint: String,
    /// The credentials, or the error of the caller's own source with its digest.
    pub own_fingerprint: std::result::Result<String, (Error, String)>,
    pub can_use_own_grant: bool,
    pub endpoint: Endpoint,
    /// Its proxy blocks all requests.
    pub has_broken_proxy: bool,
    deadlines: Deadlines,
    transport_source: String,
    credentials_source: String,
}

/// A request that a fetch wants to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    Refresh(u8),
    Own,
}

impl Request {
    /// The refresh grant with this token.
    pub fn of(token: &RefreshToken) -> Self {
        Self::Refresh(number_of(plain(&token.value)))
    }
}

type Fetched = std::result::Result<IssuedTokens, FetchError>;

impl Caller {
    pub fn new(kind: Kind, profile: Profile) -> Self {
        let is_wrong = matches!(kind, Kind::WrongPassword | Kind::ForcedWrongPassword);
        let client_secret = secret(if kind == Kind::WrongSecret { "client-wrong" } else { "client-right" });
        let password = secret(if is_wrong { "password-wrong" } else { "password-right" });
        let has_broken_proxy = kind == Kind::Broken && matches!(profile, Profile::Login | Profile::OwnRefreshUrl);
        // The user types the password at each login.
        let has_password = profile != Profile::Login || kind == Kind::Login;
        let credentials_source = if kind == Kind::Command { "command" } else { "given" }.to_owned();
        let own_fingerprint = match kind {
            _ if !has_password => {
                Err((Error::new(ErrorKind::Rejected, "the login is over"), credentials_source.clone()))
            }
            Kind::Broken if !has_broken_proxy => Err((Error::config("broken: its command fails"), "broken".to_owned())),
            _ => Ok(fingerprint(&client_secret, Some(&password))),
        };
        let min_ttl = if kind == Kind::MinTtl { Duration::from_secs(MIN_TTL as u64) } else { Duration::ZERO };
        let force = matches!(kind, Kind::Forced | Kind::ForcedWrongPassword | Kind::Login);
        Self {
            kind,
            profile,
            request: TokenRequest { min_ttl, force },
            client_fingerprint: fingerprint(&client_secret, None),
            client_secret,
            endpoint: Endpoint::parse("https://id.example/token").unwrap(),
            own_fingerprint,
            can_use_own_grant: has_password,
            has_broken_proxy,
            deadlines: Deadlines { started: Instant::now(), limits: Limits { exchange: EXCHANGE, commands: None } },
            transport_source: if has_broken_proxy { "broken" } else { "direct" }.to_owned(),
            credentials_source,
        }
    }

    /// The credentials of a request.
    pub fn credentials(&self, request: Request) -> Credentials {
        match (self.kind, request) {
            (Kind::WrongSecret, Request::Refresh(_)) => Credentials::WrongSecretWithRefreshToken,
            (Kind::WrongSecret, Request::Own) => Credentials::WrongSecret,
            (Kind::WrongPassword | Kind::ForcedWrongPassword, Request::Own) => Credentials::WrongPassword,
            _ => Credentials::Right,
        }
    }

    pub fn keeps_refresh_token(&self) -> bool {
        self.profile != Profile::NoRefreshToken
    }

    /// When this process computes the remaining time: at its start, or at the end of its wait.
    fn instant(&self, is_late: bool) -> Instant {
        self.deadlines.started + if is_late { Duration::from_millis(8_900) } else { Duration::ZERO }
    }

    pub fn time_left(&self, is_late: bool) -> Duration {
        self.deadlines.time_left(self.instant(is_late))
    }

    pub fn has_time_for_exchange(&self, is_late: bool) -> bool {
        self.deadlines.leave_time_for_exchange(self.instant(is_late))
    }

    fn traits(&self, is_late: bool) -> Traits {
        Traits { has_fixed_lifetime: true, exchange: self.time_left(is_late) }
    }

    fn has_source(&self, digest: &str) -> bool {
        let password = if self.kind == Kind::Broken && !self.has_broken_proxy { "broken" } else { "its password" };
        [self.transport_source.as_str(), self.credentials_source.as_str(), password].contains(&digest)
    }

    pub fn look(&self, entry: &Entry, now: i32) -> Action {
        let has_source = |digest: &str| self.has_source(digest);
        decisions::look(entry, &self.request, &self.traits(false), at(now.into()), || 0.0, has_source)
    }

    pub fn use_concurrent_result(
        &self,
        before: Option<&Entry>,
        entry: &Entry,
        now: i32,
        is_late: bool,
        wrong: Option<Wrong>,
    ) -> Option<Result<AccessToken>> {
        let applies = |failure: &CachedFailure| {
            if wrong == Some(Wrong::SharesLocalFailures) && failure.source.is_some() {
                return true;
            }
            let own = || self.own_fingerprint.clone().map_err(|(error, _)| error);
            decisions::applies_to(failure, |digest| self.has_source(digest), self.kind == Kind::Command, own)
        };
        decisions::use_concurrent_result(before, entry, &self.request, &self.traits(is_late), at(now.into()), applies)
    }

    pub fn usable_token<'e>(&self, entry: &'e Entry, now: i32) -> Option<&'e AccessToken> {
        decisions::usable_token(entry, &self.request, at(now.into()))
    }

    pub fn refresh_result(&self, next: &Entry, now: i32, is_late: bool, age: Duration) -> Result<AccessToken> {
        decisions::refresh_result(next, &self.request, &self.traits(is_late), at(now.into()), age)
    }

    pub fn checked(&self, token: AccessToken, is_late: bool, age: Duration) -> Result<AccessToken> {
        decisions::checked(token, &self.request, &self.traits(is_late), age)
    }

    /// The grant to send first, as in `EndpointProvider::plan`.
    pub fn plan<'e>(&self, entry: &'e Entry, now: i32) -> std::result::Result<NextGrant<'e>, FetchError> {
        let fingerprint = |grant| match grant {
            NextGrant::Refresh(_) => Ok(self.client_fingerprint.clone()),
            NextGrant::Own => self.own_fingerprint.clone().map_err(|(error, source)| FetchError::local(error, source)),
        };
        match choose_grant(entry, &self.request, self.can_use_own_grant, at(now.into()), fingerprint)? {
            Plan::Send(grant) => Ok(grant),
            Plan::FailFromCache(known) => Err(FetchError::Cached(Box::new(known.clone()))),
        }
    }

    /// A fetch, as in `EndpointProvider::fetch`. Returns nothing if it needs a reply that has not arrived. Calls `send`
    /// for each request.
    pub fn fetch(
        &self,
        entry: &Entry,
        grant: NextGrant<'_>,
        now: i32,
        send: &mut impl FnMut(Request) -> Option<(Reply, i32)>,
    ) -> Option<FetchResult> {
        let NextGrant::Refresh(token) = grant else {
            return self.fetch_by_own_grant(entry, now, send).map(FetchResult::from);
        };
        let request = Request::of(token);
        let (reply, asked_at) = send(request)?;
        let failure = match server::judge(self, request, reply, asked_at) {
            Ok(issued) => return Some(Ok::<_, FetchError>(issued).into()),
            Err(failure) => failure,
        };
        let alternatives = Alternatives {
            can_use_own_grant: self.can_use_own_grant,
            has_own_refresh_url: self.profile == Profile::OwnRefreshUrl,
            login_hint: (self.profile == Profile::Login).then(|| "log in".to_owned()),
        };
        let decision = after_failure(&failure, token, &self.client_fingerprint, &alternatives);
        let own_grant = match decision.next {
            AfterRefresh::FallBack => Some(self.fetch_by_own_grant(entry, now, send)?),
            AfterRefresh::Fail(_) => None,
        };
        let failed = |failure| self.failed(failure, self.client_fingerprint.clone());
        Some(refresh_failed(failure, decision, &self.client_fingerprint, || own_grant.unwrap(), failed))
    }

    /// As in `EndpointProvider::fetch_by_own_grant`.
    pub fn fetch_by_own_grant(
        &self,
        entry: &Entry,
        now: i32,
        send: &mut impl FnMut(Request) -> Option<(Reply, i32)>,
    ) -> Option<Fetched> {
        let fingerprint = match &self.own_fingerprint {
            Ok(fingerprint) => fingerprint,
            Err((error, source)) => return Some(Err(FetchError::local(error.clone(), source.clone()))),
        };
        let now = at(now.into());
        if let Plan::FailFromCache(known) =
            plan(entry, NextGrant::Own, fingerprint, &self.request, self.can_use_own_grant, now)
        {
            return Some(Err(FetchError::Cached(Box::new(known.clone()))));
        }
        let (reply, asked_at) = send(Request::Own)?;
        let issued = server::judge(self, Request::Own, reply, asked_at);
        Some(issued.map_err(|failure| self.failed(failure, fingerprint.clone())))
    }

    fn failed(&self, failure: GrantFailure, fingerprint: String) -> FetchError {
        let credentials = || self.credentials_source.clone();
        let source =
            failure_source(&failure, self.kind == Kind::Command, credentials, || self.transport_source.clone());
        FetchError::rejected(failure, fingerprint, source)
    }
}
