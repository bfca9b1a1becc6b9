//! One refresh: which grant, with which secrets, and what is to be remembered of its result.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::budget::RefreshLimits;
use crate::cache::Cache;
use crate::cache::entry::{CachedFailure, Entry};
use crate::config::credentials::{EndpointSettings, GrantType};
use crate::error::{Error, ErrorKind};
use crate::http::client::Client;
use crate::oauth::{About, Grant, Granted, Refusal, Request, fingerprint};
use crate::secret_source::SecretSetting;
use crate::sys::clock;
use crate::sys::printer;
use crate::sys::random;
use crate::sys::secret::Secret;
use crate::token::RefreshToken;

/// How long rejected credentials are remembered at most.
const REJECTED: Duration = Duration::from_secs(15 * 60);

/// How long a failure is shared that may pass at any moment.
const PASSING: Duration = Duration::from_secs(2);

/// How long who has a usable token leaves the server alone after a failure: this, and up to as much again.
const BACKOFF: Duration = Duration::from_secs(60);

/// So many wrong credentials of one identity are told apart: more would be an attack, or a search for the right ones.
const MOST_REJECTIONS: usize = 16;

/// How asking for a token ended.
pub enum Ended {
    /// With a token.
    Granted(Granted),
    /// With a failure to be remembered.
    Failed {
        /// What to tell.
        failure: Error,
        /// How long the server asks to be left alone.
        reset: Option<Duration>,
        /// Marks the credentials that were rejected.
        fingerprint: Option<String>,
    },
    /// The credentials are still those that were rejected, as is remembered; nothing was sent.
    StillRejected(CachedFailure),
}

/// How a refresh ended.
pub struct Outcome {
    ended: Ended,
    /// The refresh token was rejected.
    forget_refresh_token: bool,
    /// The time that an exchange had.
    limit: Duration,
}

impl Outcome {
    /// The end of a refresh that had exchanges of `limit`, and that no refresh token had a part in.
    pub fn new(ended: Ended, limit: Duration) -> Self {
        Self { ended, forget_refresh_token: false, limit }
    }

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
                rejections: Vec::new(),
                ..next
            },
            Ended::StillRejected(known) => Entry { failure: Some(known), ..next },
            Ended::Failed { failure, reset, fingerprint } => {
                let failure = remembered(failure, reset, fingerprint, self.limit, now);
                let rejections = with(next.rejections, &failure, now);
                Entry { failure: Some(failure), rejections, ..next }
            }
        };
        Entry { refresh_token: next.refresh_token.filter(|_| keeps_refresh_tokens), ..next }
    }
}

/// The rejections, the new one first if it is one. Those that do not hold any more are let go.
fn with(mut known: Vec<CachedFailure>, failure: &CachedFailure, now: OffsetDateTime) -> Vec<CachedFailure> {
    known.retain(|one| one.holds(now) && one.fingerprint != failure.fingerprint);
    if failure.fingerprint.is_some() {
        known.insert(0, failure.clone());
    }
    known.truncate(MOST_REJECTIONS);
    known
}

fn remembered(
    failure: Error,
    reset: Option<Duration>,
    fingerprint: Option<String>,
    limit: Duration,
    now: OffsetDateTime,
) -> CachedFailure {
    let until = match failure.kind {
        ErrorKind::Rejected => end(now, REJECTED),
        ErrorKind::RateLimited => end(now, reset.unwrap_or(PASSING)),
        // Whoever waited shares it, so that a person is prompted once; who comes later may have mended the setting.
        ErrorKind::Config => now,
        _ => end(now, PASSING),
    };
    CachedFailure {
        error: failure,
        at: now,
        until,
        backoff_until: after(now, BACKOFF.mul_f64(1.0 + random::fraction())),
        fingerprint,
        timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The moment that much later, or the present one where the calendar ends.
fn after(now: OffsetDateTime, span: Duration) -> OffsetDateTime {
    time::Duration::try_from(span).ok().and_then(|span| now.checked_add(span)).unwrap_or(now)
}

/// The end of a span that begins now. The cache holds whole seconds, and a server's block must not be cut short.
fn end(now: OffsetDateTime, span: Duration) -> OffsetDateTime {
    let end = after(now, span);
    let whole = end.replace_nanosecond(0).unwrap_or(end);
    if whole < end { after(whole, Duration::from_secs(1)) } else { end }
}

/// Gets tokens for one identity.
pub struct Refresher<'a> {
    settings: &'a EndpointSettings,
    limits: RefreshLimits,
}

impl<'a> Refresher<'a> {
    /// For these settings, within these limits.
    pub fn new(settings: &'a EndpointSettings, limits: RefreshLimits) -> Self {
        Self { settings, limits }
    }

    /// Renews the entry's token: by its refresh token while that lives, else anew. `force` disregards that the
    /// credentials were rejected before.
    pub fn refresh(&self, entry: &Entry, force: bool) -> Outcome {
        let rejections = if force { &[] } else { entry.rejections.as_slice() };
        let alive = entry.refresh_token.as_ref().filter(|token| token.is_alive(clock::now()));
        let Some(refresh_token) = alive else {
            return self.ended(self.obtain_anew(rejections));
        };
        let client_secret = match self.client_secret() {
            Ok(client_secret) => client_secret,
            Err(failure) => return self.ended(failed(failure)),
        };
        if let Some(known) = rejected(rejections, &fingerprint(&client_secret, None)) {
            return self.ended(Ended::StillRejected(known.clone()));
        }
        match self.by_refresh_token(refresh_token, &client_secret) {
            Ok(granted) => self.ended(Ended::Granted(granted)),
            Err(refusal) => self.after_refusal(refusal, refresh_token, &client_secret, rejections),
        }
    }

    /// The end of a refresh that leaves the refresh token as it is.
    fn ended(&self, ended: Ended) -> Outcome {
        Outcome::new(ended, self.limits.exchange())
    }

    /// Obtains a token without a refresh token, for an entry that cannot be written.
    pub fn refresh_unsaved(&self, entry: &Entry, force: bool) -> Ended {
        self.obtain_anew(if force { &[] } else { entry.rejections.as_slice() })
    }

    /// Whether the failure of somebody else's refresh speaks of this caller's credentials too: theirs may be others.
    /// Where a command prints ours it is taken to, so that many callers do not cause many prompts.
    pub fn concerns_us(&self, remembered: &CachedFailure) -> bool {
        let is_about_credentials = matches!(remembered.error.kind, ErrorKind::Rejected | ErrorKind::Config);
        if !is_about_credentials || self.runs_a_command() {
            return true;
        }
        match self.client_secret().and_then(|client_secret| Ok((client_secret, self.password()?))) {
            Ok((client_secret, password)) => {
                remembered.fingerprint == Some(fingerprint(&client_secret, password.as_ref()))
            }
            Err(failure) => failure == remembered.error,
        }
    }

    /// Obtains a token by the profile's own grant, unless the credentials are among the rejected ones.
    pub fn obtain_anew(&self, rejections: &[CachedFailure]) -> Ended {
        // No command runs for nothing.
        let client_secret = self.settings.missing().map_or_else(|| self.client_secret(), Err);
        match client_secret {
            Ok(client_secret) => self.obtain_by(&client_secret, rejections),
            Err(failure) => failed(failure),
        }
    }

    /// The same with the client secret at hand.
    fn obtain_by(&self, client_secret: &Secret, rejections: &[CachedFailure]) -> Ended {
        let password = match self.password() {
            Ok(password) => password,
            Err(failure) => return failed(failure),
        };
        let mark = fingerprint(client_secret, password.as_ref());
        if let Some(known) = rejected(rejections, &mark) {
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
                fingerprint: (refusal.failure.kind == ErrorKind::Rejected).then_some(mark),
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

    /// The refresh grant failed. The profile's own grant is tried, once, where the refresh token was rejected, or where
    /// the trouble is with an endpoint that only the refresh grant uses.
    fn after_refusal(
        &self,
        refusal: Refusal,
        refresh_token: &RefreshToken,
        client_secret: &Secret,
        rejections: &[CachedFailure],
    ) -> Outcome {
        let is_rejected = refusal.failure.kind == ErrorKind::Rejected;
        let is_endpoint_at_fault = refusal.failure.kind == ErrorKind::Temporary && self.is_elsewhere();
        let mark = fingerprint(client_secret, None);
        // Where the password serves as well, a refresh token of doubtful use is not worth a request each time.
        let is_doubtful = refusal.about == About::Nothing && self.can_obtain_anew();
        let forget_refresh_token = is_rejected && (is_doubtful || is_about(refusal.about, refresh_token, &mark));
        let limit = self.limits.exchange();
        if !(is_rejected || is_endpoint_at_fault) || !self.can_obtain_anew() {
            let ended = if is_rejected { self.over(refusal, forget_refresh_token, mark) } else { refusal.into() };
            return Outcome { ended, forget_refresh_token, limit };
        }
        printer::debug(|| format!("{}; falling back to the profile's own grant", refusal.failure));
        Outcome { ended: self.obtain_by(client_secret, rejections), forget_refresh_token, limit }
    }

    /// A rejected refresh grant that nothing else can stand in for.
    fn over(&self, refusal: Refusal, is_forgotten: bool, mark: String) -> Ended {
        let failure = refusal.failure;
        match (refusal.about, self.settings.login_hint()) {
            // Not in the service's words: what stands in its place may be gone in a moment.
            (About::Nothing, _) => {
                failed(failure.kind(ErrorKind::Temporary).hint(crate::http::client::TOKEN_ENDPOINT.hint))
            }
            (_, Some(hint)) if is_forgotten => failed(failure.hint(hint)),
            (_, None) if is_forgotten => failed(failure),
            // The client secret is another one than the refresh token was granted to: it is the one to blame.
            _ => {
                let failure = failure.hint("check the client secret: the refresh token was granted to another one");
                Ended::Failed { failure, reset: None, fingerprint: Some(mark) }
            }
        }
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
    fn client_secret(&self) -> Result<Secret, Error> {
        self.fetch(self.settings.client_secret()?)
    }

    /// The password, if the grant is the password's. Its command is the last to run.
    fn password(&self) -> Result<Option<Secret>, Error> {
        match self.settings.grant {
            GrantType::Password { .. } => self.fetch(self.settings.password()?).map(Some),
            GrantType::ClientCredentials => Ok(None),
        }
    }

    fn fetch(&self, source: &SecretSetting) -> Result<Secret, Error> {
        let _waiting = source.is_command().then(|| printer::progress("the command that prints a secret"));
        source.fetch(self.settings.cache().as_ref().map(Cache::identity), self.limits.commands_end)
    }

    fn send(&self, grant: Grant<'_>, client_secret: &Secret, deadline: Instant) -> Result<Granted, Refusal> {
        let endpoint = match grant {
            Grant::Refresh { .. } => &self.settings.refresh_url,
            _ => &self.settings.token_url,
        };
        let client = Client::new(&self.settings.transport, endpoint).map_err(Refusal::from)?;
        let request = Request { endpoint, grant, client_id: &self.settings.client_id, client_secret };
        request.send(&client, deadline)
    }
}

/// The rejection that is remembered of the credentials with this mark, if it still holds.
fn rejected<'a>(rejections: &'a [CachedFailure], mark: &str) -> Option<&'a CachedFailure> {
    let now = clock::now();
    rejections.iter().find(|known| known.fingerprint.as_deref() == Some(mark) && known.holds(now))
}

/// Whether a rejection means the refresh token, for all that is known. One caller's wrong client secret, or a gateway
/// on the way, must not end the login of all others.
fn is_about(about: About, refresh_token: &RefreshToken, mark: &str) -> bool {
    match about {
        About::Grant => true,
        About::Either => refresh_token.client_fingerprint.as_deref().is_none_or(|granted_to| granted_to == mark),
        About::Client | About::Nothing => false,
    }
}

impl From<Refusal> for Ended {
    /// A refusal that says nothing of credentials.
    fn from(refusal: Refusal) -> Self {
        Ended::Failed { failure: refusal.failure, reset: refusal.reset, fingerprint: None }
    }
}

/// A failure that came before any request.
pub fn failed(failure: Error) -> Ended {
    Ended::Failed { failure, reset: None, fingerprint: None }
}

#[cfg(test)]
mod tests;
