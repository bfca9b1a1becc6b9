//! One refresh: which grant, with which secrets, and what is to be remembered of its result.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::budget::RefreshLimits;
use crate::cache::entry::{Entry, RefreshToken, Remembered};
use crate::failure::{Failure, Kind};
use crate::oauth::http::Client;
use crate::oauth::{Grant, Granted, Refusal, Request, fingerprint};
use crate::secret::{Secret, SecretSetting};
use crate::settings::credentials::{EndpointSettings, GrantType};
use crate::voice::Voice;
use crate::{clock, random};

/// How long rejected credentials are remembered at most.
const REJECTED: Duration = Duration::from_secs(15 * 60);

/// How long a failure is shared that may pass at any moment.
const PASSING: Duration = Duration::from_secs(2);

/// How long who has a usable token leaves the server alone after a failure: this, and up to as much again.
const BACKOFF: Duration = Duration::from_secs(60);

/// How asking for a token ended.
pub enum Ended {
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
    },
    /// The credentials are still those that were rejected, as is remembered; nothing was sent.
    StillRejected(Remembered),
}

/// How a refresh ended.
pub struct Outcome {
    ended: Ended,
    /// The refresh token was rejected.
    forget_refresh_token: bool,
}

impl From<Ended> for Outcome {
    /// The end of a refresh that no refresh token had a part in.
    fn from(ended: Ended) -> Self {
        Self { ended, forget_refresh_token: false }
    }
}

impl Outcome {
    /// What the cache is to hold from now on; a refresh token only if it `keeps_refresh_tokens`.
    pub fn into_entry(self, before: Entry, now: OffsetDateTime, keeps_refresh_tokens: bool) -> Entry {
        let next = Entry {
            revision: random::name(),
            refresh_token: before.refresh_token.filter(|_| !self.forget_refresh_token),
            ..before
        };
        let next = match self.ended {
            Ended::Granted(granted) => Entry {
                token: Some(granted.token),
                // An answer without a refresh token leaves the old one good.
                refresh_token: granted.refresh_token.or(next.refresh_token),
                failure: None,
                rejection: None,
                ..next
            },
            Ended::StillRejected(known) => Entry { failure: Some(known), ..next },
            Ended::Failed { failure, reset, fingerprint } => {
                let failure = remembered(failure, reset, fingerprint, now);
                let rejection = failure.fingerprint.is_some().then(|| failure.clone());
                Entry { failure: Some(failure), rejection: rejection.or(next.rejection), ..next }
            }
        };
        Entry { refresh_token: next.refresh_token.filter(|_| keeps_refresh_tokens), ..next }
    }
}

fn remembered(
    failure: Failure,
    reset: Option<Duration>,
    fingerprint: Option<String>,
    now: OffsetDateTime,
) -> Remembered {
    let until = match failure.kind {
        Kind::Rejected => end(now, REJECTED),
        Kind::RateLimited => end(now, reset.unwrap_or(PASSING)),
        // Whoever waited shares it, so that a person is prompted once; who comes later may have mended the setting.
        Kind::Settings => now,
        _ => end(now, PASSING),
    };
    Remembered { failure, at: now, until, backoff_until: now + BACKOFF.mul_f64(1.0 + random::fraction()), fingerprint }
}

/// The end of a span that begins now. The cache holds whole seconds, and a server's block must not be cut short.
fn end(now: OffsetDateTime, span: Duration) -> OffsetDateTime {
    let end = now + span;
    let whole = end.replace_nanosecond(0).unwrap_or(end);
    if whole < end { whole + Duration::from_secs(1) } else { end }
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
        let now = clock::now();
        let rejection = entry.rejection.as_ref().filter(|known| !force && known.holds(now));
        let alive = entry.refresh_token.as_ref().filter(|token| token.is_alive(now));
        let Some(refresh_token) = alive else {
            return self.obtain_anew(rejection).into();
        };
        let client_secret = match self.client_secret() {
            Ok(client_secret) => client_secret,
            Err(failure) => return failed(failure).into(),
        };
        match self.by_refresh_token(refresh_token, &client_secret) {
            Ok(granted) => Ended::Granted(granted).into(),
            Err(refusal) => self.after_refusal(refusal, client_secret, rejection),
        }
    }

    /// Obtains a token without a refresh token, for an entry that cannot be written.
    pub fn refresh_unsaved(&self, entry: &Entry, force: bool) -> Ended {
        let now = clock::now();
        self.obtain_anew(entry.rejection.as_ref().filter(|known| !force && known.holds(now)))
    }

    /// Whether the failure of somebody else's refresh speaks of this caller's credentials too: theirs may be others.
    /// Where a command prints ours it is taken to, so that many callers do not cause many prompts.
    pub fn concerns_us(&self, remembered: &Remembered) -> bool {
        let is_about_credentials = matches!(remembered.failure.kind, Kind::Rejected | Kind::Settings);
        if !is_about_credentials || self.runs_a_command() {
            return true;
        }
        match self.client_secret().and_then(|client_secret| Ok((client_secret, self.password()?))) {
            Ok((client_secret, password)) => {
                remembered.fingerprint == Some(fingerprint(&client_secret, password.as_ref()))
            }
            Err(failure) => failure == remembered.failure,
        }
    }

    /// Obtains a token by the profile's own grant, unless the credentials are those of the remembered rejection.
    pub fn obtain_anew(&self, rejection: Option<&Remembered>) -> Ended {
        // No command runs for nothing.
        let client_secret = self.settings.missing().map_or_else(|| self.client_secret(), Err);
        match client_secret {
            Ok(client_secret) => self.obtain_by(&client_secret, rejection),
            Err(failure) => failed(failure),
        }
    }

    /// The same with the client secret at hand.
    fn obtain_by(&self, client_secret: &Secret, rejection: Option<&Remembered>) -> Ended {
        let password = match self.password() {
            Ok(password) => password,
            Err(failure) => return failed(failure),
        };
        let mark = fingerprint(client_secret, password.as_ref());
        if let Some(known) = rejection.filter(|known| known.fingerprint.as_ref() == Some(&mark)) {
            return Ended::StillRejected(known.clone());
        }
        let grant = match (&self.settings.grant, &password) {
            (GrantType::Password { username }, Some(password)) => Grant::Password { username, password },
            _ => Grant::ClientCredentials,
        };
        let deadline = self.limits.exchange_ends(Instant::now());
        match self.send(grant, client_secret, deadline) {
            Ok(granted) => Ended::Granted(granted),
            Err(refusal) => Ended::Failed {
                fingerprint: (refusal.failure.kind == Kind::Rejected).then_some(mark),
                failure: refusal.failure,
                reset: refusal.reset,
            },
        }
    }

    /// The refresh grant. It needs no password.
    fn by_refresh_token(&self, refresh_token: &RefreshToken, client_secret: &Secret) -> Result<Granted, Refusal> {
        let now = Instant::now();
        // Where its own endpoint may hang, time is left for the other one.
        let deadline = if self.is_elsewhere() && self.can_obtain_anew() {
            self.limits.first_exchange_ends(now)
        } else {
            self.limits.exchange_ends(now)
        };
        let grant = Grant::Refresh { refresh_token: &refresh_token.value };
        self.send(grant, client_secret, deadline)
    }

    /// The refresh grant failed. A rejected refresh token is forgotten and the profile's own grant tried, once; so is
    /// it where the trouble is with an endpoint that only the refresh grant uses.
    fn after_refusal(&self, refusal: Refusal, client_secret: Secret, rejection: Option<&Remembered>) -> Outcome {
        let is_rejected = refusal.failure.kind == Kind::Rejected;
        let is_endpoint_at_fault = refusal.failure.kind == Kind::Temporary && self.is_elsewhere();
        if !(is_rejected || is_endpoint_at_fault) || !self.can_obtain_anew() {
            let mut failure = refusal.failure;
            if let Some(hint) = self.settings.login_hint().filter(|_| is_rejected) {
                failure = failure.hint(hint);
            }
            let ended = Ended::Failed { failure, reset: refusal.reset, fingerprint: None };
            return Outcome { ended, forget_refresh_token: is_rejected };
        }
        self.voice.detail(|| format!("{}; falling back to the profile's own grant", refusal.failure));
        Outcome { ended: self.obtain_by(&client_secret, rejection), forget_refresh_token: is_rejected }
    }

    /// Whether the profile's own grant has all that it needs.
    fn can_obtain_anew(&self) -> bool {
        self.settings.grant == GrantType::ClientCredentials || self.settings.password.is_some()
    }

    /// Whether the refresh grant has an endpoint of its own.
    fn is_elsewhere(&self) -> bool {
        self.settings.token_url != self.settings.refresh_url
    }

    /// Whether a command prints one of the secrets.
    fn runs_a_command(&self) -> bool {
        let secrets = [self.settings.client_secret().ok(), self.settings.password.as_ref()];
        secrets.into_iter().flatten().any(|source| source.is_command())
    }

    /// The client secret, which every grant needs.
    fn client_secret(&self) -> Result<Secret, Failure> {
        self.fetch(self.settings.client_secret()?)
    }

    /// The password, if the grant is the password's. Its command is the last to run.
    fn password(&self) -> Result<Option<Secret>, Failure> {
        match self.settings.grant {
            GrantType::Password { .. } => self.fetch(self.settings.password()?).map(Some),
            GrantType::ClientCredentials => Ok(None),
        }
    }

    fn fetch(&self, source: &SecretSetting) -> Result<Secret, Failure> {
        let _waiting = source.is_command().then(|| self.voice.waiting("the command that prints a secret"));
        source.fetch(self.settings.cache().as_ref(), self.limits.commands_end)
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
pub fn failed(failure: Failure) -> Ended {
    Ended::Failed { failure, reset: None, fingerprint: None }
}
