//! The grants: requests to a token endpoint, and the meaning of its answers (RFC 6749, and the service's own shapes).

pub mod api;
pub mod error_message;
pub mod redaction;
pub mod response;

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use ring::hmac;
use time::OffsetDateTime;

use crate::http::client::{Client, Field, Response, TOKEN_ENDPOINT};
use crate::token::{RefreshToken, jwt_expiry, later, whole_second};
use response::Answer;

use crate::error::{Error, ErrorKind};
use crate::sys::clock;
use crate::sys::printer;
use crate::sys::random;
use crate::sys::secret::Secret;
use crate::text::hex;
use crate::text::one_line;
use crate::token::AccessToken;
use crate::url::Endpoint;

/// How often a request that reached no verdict is repeated.
const RETRIES: u32 = 2;

/// The longest pause before the first repetition; it doubles for the second. The pause is random up to this.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How long a 429 is respected that does not say how long.
const UNTOLD_RESET: Duration = Duration::from_secs(60);

/// How long a 429 is respected at most.
const LONGEST_RESET: Duration = Duration::from_secs(60 * 60);

/// What a server granted.
#[derive(Debug)]
pub struct Granted {
    /// The access token.
    pub token: AccessToken,
    /// The refresh token, if one came with it.
    pub refresh_token: Option<RefreshToken>,
}

/// Why a server granted nothing.
#[derive(Debug)]
pub struct Refusal {
    /// What to tell; its kind is the class.
    pub failure: Error,
    /// How long the server asks to be left alone.
    pub reset: Option<Duration>,
    /// What a rejection is about.
    pub about: About,
}

impl From<Error> for Refusal {
    /// A failure that is no word of the service.
    fn from(failure: Error) -> Self {
        Self { failure, reset: None, about: About::Nothing }
    }
}

/// What a server's refusal is about, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The grant's own secret: `invalid_grant` (RFC 6749, section 5.2).
    Grant,
    /// The client: `invalid_client`, `unauthorized_client`.
    Client,
    /// One of them, or both.
    Either,
    /// Nothing that the service is known to say: a gateway may have answered in its place.
    Nothing,
}

/// The secrets of one request.
#[derive(Debug)]
pub enum Grant<'a> {
    /// RFC 6749, section 4.3.
    Password { username: &'a str, password: &'a Secret },
    /// RFC 6749, section 6.
    Refresh { refresh_token: &'a Secret },
    /// RFC 6749, section 4.4.
    ClientCredentials,
}

impl Grant<'_> {
    /// The value of `grant_type`.
    pub fn name(&self) -> &'static str {
        match self {
            Grant::Password { .. } => "password",
            Grant::Refresh { .. } => "refresh_token",
            Grant::ClientCredentials => "client_credentials",
        }
    }
}

/// One token request: RFC 6749's form fields, the client's credentials among them, as the service wants them.
#[derive(Debug)]
pub struct Request<'a> {
    /// Where it goes.
    pub endpoint: &'a Endpoint,
    /// The grant and its own secrets.
    pub grant: Grant<'a>,
    /// `client_id`
    pub client_id: &'a str,
    /// `client_secret`
    pub client_secret: &'a Secret,
}

impl Request<'_> {
    /// Sends the request until there is a verdict, or `deadline` comes.
    ///
    /// # Errors
    /// The server refused, or none of the attempts reached a verdict.
    pub fn send(&self, client: &Client, deadline: Instant) -> Result<Granted, Refusal> {
        let _waiting = printer::progress(self.endpoint.to_string());
        let mut pause = FIRST_PAUSE;
        for _ in 0..RETRIES {
            match self.attempt(client, deadline) {
                Err(Attempt::Passing(refusal)) => {
                    let wait = pause.mul_f64(random::fraction());
                    if Instant::now() + wait >= deadline {
                        return Err(refusal);
                    }
                    printer::debug(|| format!("{}; trying again in {} ms", refusal.failure, wait.as_millis()));
                    std::thread::sleep(wait);
                    pause *= 2;
                }
                ended => return ended.map_err(Attempt::into_refusal),
            }
        }
        self.attempt(client, deadline).map_err(Attempt::into_refusal)
    }

    /// One exchange.
    fn attempt(&self, client: &Client, deadline: Instant) -> Result<Granted, Attempt> {
        let requested_at = whole_second(clock::now());
        let started = Instant::now();
        printer::debug(|| format!("asking {} (grant_type={})", self.endpoint, self.grant.name()));
        let response = client
            .post(self.endpoint, &self.form(), deadline)
            .map_err(|none| Attempt::new(none.error, none.is_retryable))?;
        printer::debug(|| {
            let took = started.elapsed().as_millis();
            format!("HTTP {} after {took} ms", response.status)
        });
        let answer = response.body.as_deref().map(|body| Answer::parse(body)).unwrap_or_default();
        match response.status {
            200..=299 => self.success(&response, answer, requested_at),
            status => Err(self.failure(status, &response, &answer)),
        }
    }

    /// The form's fields. Encoding them is `ureq`'s part: old clients that pasted raw values broke on `&`, `+`, `%`.
    fn form(&self) -> Vec<Field<'_>> {
        let mut form = match &self.grant {
            Grant::Password { username, password } => vec![("username", *username), ("password", password.expose())],
            Grant::Refresh { refresh_token } => vec![("refresh_token", refresh_token.expose())],
            Grant::ClientCredentials => Vec::new(),
        };
        form.push(("grant_type", self.grant.name()));
        form.push(("client_id", self.client_id));
        form.push(("client_secret", self.client_secret.expose()));
        form
    }

    /// The meaning of a 2xx: a token, unless the body says otherwise.
    fn success(&self, response: &Response, answer: Answer, requested_at: OffsetDateTime) -> Result<Granted, Attempt> {
        if let Err(failure) = &response.body {
            return Err(Attempt::new(failure.clone(), false));
        }
        if answer.error.is_some() {
            return Err(self.refused(response.status, response, &answer));
        }
        let garbage = |what: &str| Err(self.garbage(response, &answer, what));
        let Some(value) = answer.access_token.clone() else {
            return garbage(if answer.malformed_token {
                "holds an access token with characters that RFC 6750 does not allow"
            } else {
                "holds no access token"
            });
        };
        if answer.token_type.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return garbage("holds a token that is no bearer token");
        }
        let expires_at = match answer.expires_in {
            Some(seconds) => Some(later(requested_at, Duration::from_secs(seconds))),
            None => jwt_expiry(value.expose()),
        };
        if expires_at.is_some_and(|at| at <= requested_at) {
            return garbage("holds a token that is already dead (is this machine's clock right?)");
        }
        let refresh_expires_in = answer.refresh_expires_in;
        Ok(Granted {
            token: AccessToken { value, obtained_at: requested_at, expires_at, account: None },
            refresh_token: answer.refresh_token.map(|value| RefreshToken {
                value,
                expires_at: refresh_expires_in.map(|seconds| later(requested_at, Duration::from_secs(seconds))),
                client_fingerprint: Some(fingerprint(self.client_secret, None)),
            }),
        })
    }

    /// The meaning of any other status.
    fn failure(&self, status: u16, response: &Response, answer: &Answer) -> Attempt {
        match status {
            429 => self.rate_limited(response, answer),
            400 | 401 | 403 if !error_message::is_markup(response) => self.refused(status, response, answer),
            300..=399 => {
                // What follows the path may be a secret, of ours or of a session.
                let to = response.location.as_deref().and_then(|url| url.split(['?', '#']).next()).unwrap_or("nowhere");
                let to = one_line(&self.redacted(to.to_owned()));
                self.garbage(response, answer, &format!("is a redirect to {to}, which is not followed with secrets"))
            }
            407 => {
                let message = format!("the proxy on the way to {} asks for a password (407)", self.endpoint);
                let hint = "put user name and password into the proxy's URL";
                Attempt::new(Error::temporary(message).hint(hint), false)
            }
            500..=599 => {
                let message = format!("{} has trouble: {}", self.endpoint, self.said(response, answer));
                Attempt::new(Error::temporary(message).hint("try again later"), true)
            }
            _ => self.garbage(response, answer, "is not one of a token endpoint"),
        }
    }

    /// The server gave its verdict. Only a code that speaks of its own trouble makes it a passing one.
    fn refused(&self, status: u16, response: &Response, answer: &Answer) -> Attempt {
        let code = answer.error.as_ref().and_then(|error| error.code.as_deref()).unwrap_or("");
        let own_trouble = ["temporarily_unavailable", "server_error", "InternalError", "ServiceUnavailable"];
        if own_trouble.iter().any(|known| code.eq_ignore_ascii_case(known)) {
            return self.failure(500.max(status), response, answer);
        }
        let message =
            format!("{} refused the {} grant: {}", self.endpoint, self.grant.name(), self.said(response, answer));
        let hint = match self.grant {
            Grant::Password { .. } => "check user name, password, client id and client secret",
            Grant::Refresh { .. } => "the refresh token is of no use any more",
            Grant::ClientCredentials => "check client id and client secret",
        };
        let about = match code {
            "invalid_grant" => About::Grant,
            "invalid_client" | "unauthorized_client" => About::Client,
            _ if answer.is_json => About::Either,
            _ => About::Nothing,
        };
        Attempt::Final(Refusal { failure: Error::new(ErrorKind::Rejected, message).hint(hint), reset: None, about })
    }

    /// The server asked for patience. Asking again while it blocks prolongs the block.
    fn rate_limited(&self, response: &Response, answer: &Answer) -> Attempt {
        let reset = response.retry_after.unwrap_or(UNTOLD_RESET).clamp(Duration::from_secs(1), LONGEST_RESET);
        let asked = reset.as_secs();
        let message =
            format!("{} wants no more requests for {asked} s: {}", self.endpoint, self.said(response, answer));
        Attempt::Final(Refusal {
            failure: Error::new(ErrorKind::RateLimited, message).hint("wait; asking again earlier prolongs the block"),
            reset: Some(reset),
            about: About::Nothing,
        })
    }

    /// Something answered, but not as a token endpoint does.
    fn garbage(&self, response: &Response, answer: &Answer, what: &str) -> Attempt {
        let message = format!("the answer of {} {what}: {}", self.endpoint, self.said(response, answer));
        Attempt::new(Error::temporary(message).hint(TOKEN_ENDPOINT.hint), false)
    }

    /// What the server said, on one line, without our secrets.
    fn said(&self, response: &Response, answer: &Answer) -> String {
        one_line(&self.redacted(error_message::error_message(response, answer)))
    }

    /// The text without our secrets, should the server repeat one.
    fn redacted(&self, text: String) -> String {
        let is_secret = |name| matches!(name, "password" | "refresh_token" | "client_secret");
        let mut secrets = self.form();
        secrets.retain(|(name, _)| is_secret(*name));
        // The longest first: where one holds another, taking out the shorter one would leave the rest of it.
        secrets.sort_by_key(|(_, secret)| Reverse(secret.len()));
        secrets.into_iter().fold(text, |text, (_, secret)| redaction::without(text, secret))
    }
}

/// How one attempt ended that brought no token.
enum Attempt {
    /// No verdict: it may be tried again at once.
    Passing(Refusal),
    /// No sense in trying again now.
    Final(Refusal),
}

impl Attempt {
    fn new(failure: Error, is_passing: bool) -> Self {
        let refusal = Refusal::from(failure);
        if is_passing { Self::Passing(refusal) } else { Self::Final(refusal) }
    }

    fn into_refusal(self) -> Refusal {
        match self {
            Self::Passing(refusal) | Self::Final(refusal) => refusal,
        }
    }
}

/// A mark of the credentials that tells whether they changed, and nothing else. It is keyed with the client secret,
/// which is never in the cache, so the cache alone lets nobody try passwords against it.
pub fn fingerprint(client_secret: &Secret, password: Option<&Secret>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, client_secret.expose().as_bytes());
    let mark = hmac::sign(&key, password.map_or("", |secret| secret.expose()).as_bytes());
    hex(mark.as_ref())
}
