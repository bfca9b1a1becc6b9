//! One refresh: which grant, with which secrets, and what is to be remembered of its result.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::budget::RefreshLimits;
use crate::cache::entry::{Entry, RefreshToken, Remembered};
use crate::failure::{Failure, Kind};
use crate::oauth::http::Client;
use crate::oauth::{Grant, Granted, Refusal, Request, fingerprint};
use crate::secret::Secret;
use crate::settings::credentials::{EndpointSettings, GrantType};
use crate::voice::Voice;
use crate::{clock, random};

/// How long rejected credentials are remembered at most.
const REJECTED: Duration = Duration::from_secs(15 * 60);

/// How long a failure is shared that may pass at any moment.
const PASSING: Duration = Duration::from_secs(2);

/// How long who has a usable token leaves the server alone after a failure: this, and up to as much again.
const BACKOFF: Duration = Duration::from_secs(60);

/// How a refresh ended.
pub enum Outcome {
    /// With a token.
    Granted(Granted),
    /// With a failure to be remembered.
    Failed {
        /// What to tell.
        failure: Failure,
        /// How long the server asks to be left alone.
        reset: Option<Duration>,
        /// Marks the credentials that were rejected.
        fingerprint: Option<String>,
        /// The refresh token was rejected and must be forgotten.
        forget_refresh_token: bool,
    },
    /// The credentials are still those that were rejected; nothing was sent.
    StillRejected {
        /// What was told then.
        failure: Failure,
    },
}

impl Outcome {
    /// What the cache is to hold from now on.
    pub fn into_entry(self, before: Entry, now: OffsetDateTime) -> Entry {
        let revision = random::name();
        match self {
            Outcome::Granted(granted) => Entry {
                revision,
                token: Some(granted.token),
                // An answer without a refresh token leaves the old one good.
                refresh_token: granted.refresh_token.or(before.refresh_token),
                failure: None,
            },
            Outcome::StillRejected { .. } => Entry { revision, ..before },
            Outcome::Failed { failure, reset, fingerprint, forget_refresh_token } => Entry {
                revision,
                token: before.token,
                refresh_token: before.refresh_token.filter(|_| !forget_refresh_token),
                failure: Some(remembered(failure, reset, fingerprint, now)),
            },
        }
    }
}

fn remembered(
    failure: Failure,
    reset: Option<Duration>,
    fingerprint: Option<String>,
    now: OffsetDateTime,
) -> Remembered {
    let span = match failure.kind {
        Kind::Rejected => REJECTED,
        Kind::RateLimited => reset.unwrap_or(PASSING),
        // Whoever waited shares it, so that a person is prompted once; who comes later may have mended the setting.
        Kind::Settings => Duration::ZERO,
        _ => PASSING,
    };
    Remembered {
        failure,
        at: now,
        until: now + span,
        backoff_until: now + BACKOFF.mul_f64(1.0 + random::fraction()),
        fingerprint,
    }
}

/// Gets tokens for one identity.
pub struct Refresher<'a> {
    settings: &'a EndpointSettings,
    limits: RefreshLimits,
    voice: Voice,
}

impl<'a> Refresher<'a> {
    /// For these settings, within these limits.
    pub fn new(settings: &'a EndpointSettings, limits: RefreshLimits, voice: Voice) -> Self {
        Self { settings, limits, voice }
    }

    /// Renews the entry's token: by its refresh token while that lives, else anew. `force` disregards that the
    /// credentials were rejected before.
    pub fn refresh(&self, entry: &Entry, force: bool) -> Outcome {
        let alive = entry.refresh_token.as_ref().filter(|token| token.is_alive(clock::now()));
        let Some(refresh_token) = alive else {
            let now = clock::now();
            let rejected = entry.failure.as_ref();
            return self.obtain_anew(
                rejected.filter(|known| !force && known.failure.kind == Kind::Rejected && known.holds(now)),
            );
        };
        match self.by_refresh_token(refresh_token) {
            Ok(granted) => Outcome::Granted(granted),
            Err(refusal) => self.after_refusal(refusal),
        }
    }

    /// Obtains a token by the profile's own grant, unless the credentials are those of the remembered rejection.
    pub fn obtain_anew(&self, rejected: Option<&Remembered>) -> Outcome {
        let (client_secret, password) = match self.secrets() {
            Ok(secrets) => secrets,
            Err(failure) => return failed(failure),
        };
        let mark = fingerprint(&client_secret, password.as_ref());
        if let Some(known) = rejected.filter(|known| known.fingerprint.as_ref() == Some(&mark)) {
            return Outcome::StillRejected { failure: known.failure.clone() };
        }
        let grant = match (&self.settings.grant, &password) {
            (GrantType::Password { username }, Some(password)) => Grant::Password { username, password },
            _ => Grant::ClientCredentials,
        };
        let deadline = self.limits.exchange_ends(Instant::now());
        match self.send(grant, &client_secret, deadline) {
            Ok(granted) => Outcome::Granted(granted),
            Err(refusal) => Outcome::Failed {
                fingerprint: (refusal.failure.kind == Kind::Rejected).then_some(mark),
                failure: refusal.failure,
                reset: refusal.reset,
                forget_refresh_token: false,
            },
        }
    }

    /// The refresh grant. It needs no password.
    fn by_refresh_token(&self, refresh_token: &RefreshToken) -> Result<Granted, Refusal> {
        let client_secret = self.settings.client_secret().and_then(|source| source.fetch(self.limits.commands_end));
        let client_secret = client_secret.map_err(|failure| Refusal { failure, reset: None })?;
        let now = Instant::now();
        let deadline =
            if self.can_obtain_anew() { self.limits.first_exchange_ends(now) } else { self.limits.exchange_ends(now) };
        let grant = Grant::Refresh { refresh_token: &refresh_token.value };
        self.send(grant, &client_secret, deadline)
    }

    /// The refresh grant failed. A rejected refresh token is forgotten and the profile's own grant tried, once; so is
    /// it where the trouble is with an endpoint that only the refresh grant uses.
    fn after_refusal(&self, refusal: Refusal) -> Outcome {
        let is_rejected = refusal.failure.kind == Kind::Rejected;
        let is_elsewhere =
            refusal.failure.kind == Kind::Temporary && self.settings.token_url != self.settings.refresh_url;
        if !(is_rejected || is_elsewhere) || !self.can_obtain_anew() {
            let mut failure = refusal.failure;
            if let Some(hint) = self.settings.login_hint().filter(|_| is_rejected) {
                failure = failure.hint(hint);
            }
            return Outcome::Failed {
                failure,
                reset: refusal.reset,
                fingerprint: None,
                forget_refresh_token: is_rejected,
            };
        }
        self.voice.detail(|| format!("{}; falling back to the profile's own grant", refusal.failure));
        let mut outcome = self.obtain_anew(None);
        if let Outcome::Failed { forget_refresh_token, .. } = &mut outcome {
            *forget_refresh_token = is_rejected;
        }
        outcome
    }

    /// Whether the profile's own grant has all that it needs.
    fn can_obtain_anew(&self) -> bool {
        self.settings.grant == GrantType::ClientCredentials || self.settings.password.is_some()
    }

    /// The client secret, and for the password grant the password: the password's command last.
    fn secrets(&self) -> Result<(Secret, Option<Secret>), Failure> {
        let client_secret = self.settings.client_secret()?;
        let password = match self.settings.grant {
            GrantType::Password { .. } => Some(self.settings.password()?),
            GrantType::ClientCredentials => None,
        };
        let _waiting = [Some(client_secret), password]
            .into_iter()
            .flatten()
            .any(|source| source.is_command())
            .then(|| self.voice.waiting("the command that prints a secret"));
        let client_secret = client_secret.fetch(self.limits.commands_end)?;
        let password = password.map(|source| source.fetch(self.limits.commands_end)).transpose()?;
        Ok((client_secret, password))
    }

    fn send(&self, grant: Grant<'_>, client_secret: &Secret, deadline: Instant) -> Result<Granted, Refusal> {
        let endpoint = match grant {
            Grant::Refresh { .. } => &self.settings.refresh_url,
            _ => &self.settings.token_url,
        };
        let client = Client::new(&self.settings.route, endpoint).map_err(|failure| Refusal { failure, reset: None })?;
        let request = Request { endpoint, grant, client_id: &self.settings.client_id, client_secret };
        request.send(&client, deadline, self.voice)
    }
}

/// A failure that came before any request.
fn failed(failure: Failure) -> Outcome {
    Outcome::Failed { failure, reset: None, fingerprint: None, forget_refresh_token: false }
}
