//! A permanent token from the configuration, which is printed unchanged.

use std::time::Duration;

use time::OffsetDateTime;

use super::deadlines::RefreshDeadlines;
use super::decisions::TokenRequest;
use crate::config::secret_source::SecretSetting;
use crate::error::{Error, ErrorKind, Result};
use crate::oauth::IssuedTokens;
use crate::settings;
use crate::sys::clock;
use crate::sys::secret::Secret;
use crate::text::duration;
use crate::token::{AccessToken, is_bearer_token, span};

/// Fetches the token. Fails with [`ErrorKind::Rejected`] if it has expired, or expires too early for the request.
pub fn fetch(token: &SecretSetting, request: &TokenRequest, deadlines: RefreshDeadlines) -> Result<IssuedTokens> {
    let value = token.fetch(None, deadlines.commands_end)?;
    checked(token, value, request.min_ttl).map(|access| IssuedTokens { access, refresh: None })
}

/// Checks whether the token with this value can be printed.
pub fn checked(token: &SecretSetting, value: Secret, min_ttl: Duration) -> Result<AccessToken> {
    if !is_bearer_token(value.expose()) {
        let problem = format!("the token from {} has characters that RFC 6750 does not allow in a token", token.source);
        return Err(Error::config(problem).hint("it must be the token alone: letters, digits and -._~+/="));
    }
    let now = clock::now();
    let access = AccessToken::given(value, now);
    match shortfall(&access, min_ttl, now) {
        None => Ok(access),
        Some(what) => Err(Error::new(ErrorKind::Rejected, format!("the token from {} {what}", token.source)).hint(
            "run `spotinst-cred login`, whose tokens are renewed, or `spotinst-cred login --with-token` for a permanent \
             one",
        )),
    }
}

/// Why the token cannot be printed. This program cannot get another one.
fn shortfall(token: &AccessToken, min_ttl: Duration, now: OffsetDateTime) -> Option<String> {
    let (expires_at, longest) = (token.expires_at?, token.longest_min_ttl()?);
    if expires_at <= now {
        Some(format!("expired {} ago", duration(span(expires_at, now))))
    } else if !token.is_usable(now, Duration::ZERO) {
        Some(format!("expires in {}", duration(span(now, expires_at))))
    } else if !token.is_usable(now, min_ttl) || min_ttl > longest {
        let (left, flag, asked) = (duration(span(now, expires_at)), settings::MIN_TTL.flag(), duration(min_ttl));
        Some(format!("expires in {left}, and {flag} asks for {asked}"))
    } else {
        None
    }
}
