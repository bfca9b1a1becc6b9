//! The commands, one file each, and what they share: a token by the settings, and a stdout that may be closed.

pub mod completions;
pub mod exec;
pub mod get;
pub mod invalidate;
pub mod login;
pub mod logout;
pub mod print;
pub mod profiles;
pub mod status;

use std::fmt;
use std::io::{self, Write};

use crate::cli::Options;
use crate::config::{Settings, TokenSource};
use crate::error::Error;
use crate::format::Credential;
use crate::granter::Granter;
use crate::obtain::{Wish, obtain};
use crate::secret_source::SecretSetting;
use crate::sys::clock;
use crate::token::{AccessToken, is_bearer_token};

/// The token, from wherever the settings say.
///
/// # Errors
/// None is to be had.
pub fn token(options: &Options, settings: &Settings) -> Result<AccessToken, Error> {
    let granter = match &settings.source {
        TokenSource::Permanent(source) => return permanent(source, settings),
        TokenSource::Endpoint(settings) => Granter::Endpoint(settings),
        TokenSource::Command(settings) => Granter::Command(settings),
    };
    let wish = Wish { min_ttl: settings.min_ttl, force: options.force_refresh };
    obtain(granter, wish, &settings.budget)
}

/// The token and what goes with it: the configured account, else the one that came with the token.
pub fn answer<'a>(token: &'a AccessToken, settings: &'a Settings) -> Credential<'a> {
    let account = settings.account.as_deref().or(token.account.as_deref());
    Credential { token, account, now: clock::now() }
}

/// A permanent token, as it is.
fn permanent(source: &SecretSetting, settings: &Settings) -> Result<AccessToken, Error> {
    let limits = settings.budget.refresh_at(settings.budget.started);
    let value = source.fetch(None, limits.commands_end)?;
    if is_bearer_token(value.expose()) {
        return Ok(AccessToken::permanent(value, clock::now()));
    }
    let problem = format!("the token from {} has characters that RFC 6750 does not allow in a token", source.source);
    Err(Error::config(problem).hint("it must be the token alone: letters, digits and -._~+/="))
}

/// Writes the one document to stdout, whole or not at all as far as that is in our hands.
///
/// # Errors
/// Nobody reads it, or its device is full.
pub fn write(document: &[u8]) -> Result<(), OutputClosed> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(document).and_then(|()| stdout.flush()).map_err(|_| OutputClosed)
}

/// Nobody reads our stdout, or its device is full: a failure without a word.
#[derive(Debug)]
pub struct OutputClosed;

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stdout cannot be written")
    }
}

impl std::error::Error for OutputClosed {}
