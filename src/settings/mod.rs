//! The settings of one call, each value resolved on its own: flag, else environment, else profile, else default.

pub mod credentials;
pub mod env;
pub mod file;
mod missing;
pub mod origin;
pub mod profile;
mod sdk;
mod value;

use std::time::{Duration, Instant};

use credentials::{Credentials, EndpointSettings};
use file::Profile;
use origin::{Given, Origin};
use profile::Selected;

use crate::budget::Budget;
use crate::cli::Options;
use crate::failure::{Failure, one_line};
use crate::format::Format;
use crate::secret::SecretSetting;

/// The default of `--timeout`.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Everything that a call for a token needs to know.
#[derive(Debug)]
pub struct Settings {
    /// Where the token comes from.
    pub source: TokenSource,
    /// The account that goes with the token.
    pub account: Option<String>,
    /// The least life that the token must have.
    pub min_ttl: Duration,
    /// The time limits.
    pub budget: Budget,
}

/// Where the token comes from.
#[derive(Debug)]
pub enum TokenSource {
    /// A permanent token: printed as it is.
    Permanent(SecretSetting),
    /// A token endpoint.
    Endpoint(Box<EndpointSettings>),
}

impl Settings {
    /// Resolves the settings of a call that began at `started`.
    ///
    /// # Errors
    /// A value does not parse, a file cannot be read, the profile is unknown, or a value is missing that every call
    /// needs.
    pub fn resolve(options: &Options, started: Instant) -> Result<Self, Failure> {
        let selected = profile::select(options)?;
        let (source, account) = source(options, &selected)?;
        Ok(Self {
            source,
            account,
            min_ttl: match flag(&options.min_ttl, "--min-ttl") {
                Some(given) => value::duration("least life", &given)?,
                None => Duration::ZERO,
            },
            budget: budget(options, &selected.profile, started)?,
        })
    }
}

/// The format of `--format`, `SPOTINST_CRED_FORMAT`, or the token alone.
///
/// # Errors
/// The variable names none.
pub fn format(flag: Option<Format>) -> Result<Given<Format>, Failure> {
    if let Some(value) = flag {
        return Ok(Given { value, origin: Origin::Flag("--format") });
    }
    let Some(given) = env::text(env::FORMAT)? else {
        return Ok(Given::default(Format::Token));
    };
    let Some(format) = Format::named(&given.value) else {
        let problem = format!("the format from {} is unknown: \"{}\"", given.origin, one_line(&given.value));
        return Err(Failure::settings(problem).hint(format!("known are {}", Format::names())));
    };
    Ok(given.map(|_| format))
}

/// A value of the command line.
fn flag(value: &Option<String>, name: &'static str) -> Option<Given<String>> {
    value.clone().map(|value| Given { value, origin: Origin::Flag(name) })
}

/// Where the token comes from, and the account that goes with it.
fn source(options: &Options, selected: &Selected) -> Result<(TokenSource, Option<String>), Failure> {
    let profile = &selected.profile;
    let account = env::text(env::ACCOUNT)?.or_else(|| profile.account.clone());
    let account = account.as_ref().map(value::account).transpose()?;
    if let Some(token) = &profile.token {
        return Ok((permanent(profile, token)?, account));
    }
    let credentials = Credentials::resolve(profile)?;
    if credentials.is_empty()
        && selected.place.profiles.is_empty()
        && let Some(found) = sdk::read()?
    {
        let theirs = found.account.as_ref().map(value::account).transpose()?;
        return Ok((TokenSource::Permanent(found.token), account.or(theirs)));
    }
    if credentials.is_empty()
        && let Some(failure) = selected.place.unchosen()
    {
        return Err(failure);
    }
    let endpoint = credentials.endpoint(options, selected)?;
    Ok((TokenSource::Endpoint(Box::new(endpoint)), account))
}

/// A profile that holds a permanent token holds nothing else to get one by: it could not be told which is meant.
fn permanent(profile: &Profile, token: &SecretSetting) -> Result<TokenSource, Failure> {
    let secrets = [&profile.password, &profile.client_secret].into_iter().flatten().map(|setting| &setting.origin);
    let texts =
        [&profile.username, &profile.client_id, &profile.grant].into_iter().flatten().map(|given| &given.origin);
    let Some(other) = secrets.chain(texts).next() else {
        return Ok(TokenSource::Permanent(token.clone()));
    };
    let problem =
        format!("the profile has both a permanent token ({}) and the credentials of a grant ({other})", token.origin);
    Err(Failure::settings(problem).hint("keep one of the two, or make two profiles of them"))
}

fn budget(options: &Options, profile: &Profile, started: Instant) -> Result<Budget, Failure> {
    let exchange = match flag(&options.timeout, "--timeout") {
        Some(given) => Some(given),
        None => env::text(env::TIMEOUT)?,
    };
    let limit = |what, given: Option<&Given<String>>| given.map(|given| value::time_limit(what, given)).transpose();
    Ok(Budget {
        started,
        exchange: limit("time limit", exchange.as_ref())?.unwrap_or(TIMEOUT),
        commands: limit("command_timeout", profile.command_timeout.as_ref())?,
    })
}
