//! The settings of one call, each value resolved on its own: flag, else environment, else profile, else default.

pub mod credentials;
pub mod edit;
pub mod file;
mod missing;
pub mod overview;
pub mod profile;
mod sdk;
pub mod token_command;
mod value;

use std::time::{Duration, Instant};

use crate::sourced::{Sourced, ValueSource};
use crate::sys::env;
use credentials::{Credentials, EndpointSettings};
use file::Profile;
use profile::{Place, Selected};
use token_command::CommandSettings;

use crate::budget::Budget;
use crate::cache::Cache;
use crate::cli::Options;
use crate::error::Error;
use crate::format::Format;
use crate::secret_source::SecretSetting;
use crate::text::one_line;
use crate::url::Endpoint;

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
    /// The profile's `api_url`: see [`Settings::api_url`].
    api_url: Option<Sourced<String>>,
    /// Where missing values could be written.
    place: Place,
}

/// Where the token comes from.
#[derive(Debug)]
pub enum TokenSource {
    /// A permanent token: printed as it is.
    Permanent(SecretSetting),
    /// A token endpoint.
    Endpoint(Box<EndpointSettings>),
    /// A command that prints tokens, with their expiry.
    Command(Box<CommandSettings>),
}

impl TokenSource {
    /// The cache that its tokens are in; a permanent token is in none.
    pub fn cache(&self) -> Option<Cache> {
        match self {
            TokenSource::Permanent(_) => None,
            TokenSource::Endpoint(endpoint) => endpoint.cache(),
            TokenSource::Command(command) => command.cache(),
        }
    }
}

impl Settings {
    /// Resolves the settings of a call that began at `started`.
    ///
    /// # Errors
    /// A value does not parse, a file cannot be read, the profile is unknown, or a value is missing that every call
    /// needs.
    pub fn resolve(options: &Options, started: Instant) -> Result<Self, Error> {
        let selected = profile::select(options)?;
        let (means, account) = means(options, &selected)?;
        Self::of(means.complete(options, &selected)?, account, options, selected, started)
    }

    /// The settings of a call whose token comes from `source`.
    ///
    /// # Errors
    /// A value does not parse.
    fn of(
        source: TokenSource,
        account: Option<Sourced<String>>,
        options: &Options,
        selected: Selected,
        started: Instant,
    ) -> Result<Self, Error> {
        Ok(Self {
            source,
            account: account.map(|given| given.value),
            min_ttl: match flag(&options.min_ttl, "--min-ttl") {
                Some(given) => value::duration("least life", &given)?,
                None => Duration::ZERO,
            },
            budget: budget(options, &selected.profile, started)?,
            api_url: selected.profile.api_url,
            place: selected.place,
        })
    }

    /// The base of the API: see [`credentials::api_url`]. Only some calls ask.
    ///
    /// # Errors
    /// It is not `https`, nor `http` to a loopback address.
    pub fn api_url(&self) -> Result<Endpoint, Error> {
        credentials::api_url(self.api_url.as_ref()).map(|given| given.value)
    }

    /// Whether no account is configured and none can come with the token: known before any request.
    pub fn has_no_account(&self) -> bool {
        self.account.is_none() && !matches!(self.source, TokenSource::Command(_))
    }

    /// There is no account, and the format is of no use without.
    pub fn missing_account(&self, format: Format) -> Error {
        let mut failure = missing::missing(&[&missing::ACCOUNT], &self.place);
        failure.message.push_str(&format!(", and the readers of the {} format demand one", format.name()));
        failure
    }
}

/// The format of `--format`, `SPOTINST_CRED_FORMAT`, or the token alone.
///
/// # Errors
/// The variable names none.
pub fn format(flag: Option<Format>) -> Result<Sourced<Format>, Error> {
    if let Some(value) = flag {
        return Ok(Sourced { value, source: ValueSource::Flag("--format") });
    }
    let Some(given) = env::text(env::FORMAT)? else {
        return Ok(Sourced::default(Format::Token));
    };
    let Some(format) = Format::named(&given.value) else {
        let problem = format!("the format from {} is unknown: \"{}\"", given.source, one_line(&given.value));
        return Err(Error::config(problem).hint(format!("known are {}", Format::names())));
    };
    Ok(given.map(|_| format))
}

/// A value of the command line.
fn flag(value: &Option<String>, name: &'static str) -> Option<Sourced<String>> {
    value.clone().map(|value| Sourced { value, source: ValueSource::Flag(name) })
}

/// By what a token is had: one that is there, or credentials, complete or not.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one a process, and an allocation would cost a hit")]
enum Means {
    /// A permanent token.
    Permanent(SecretSetting),
    /// A command that prints tokens.
    Command(SecretSetting),
    /// What a grant takes.
    Grant(Credentials),
}

impl Means {
    /// The source, if nothing is missing that names it.
    fn complete(self, options: &Options, selected: &Selected) -> Result<TokenSource, Error> {
        Ok(match self {
            Means::Permanent(token) => TokenSource::Permanent(token),
            Means::Command(setting) => {
                TokenSource::Command(Box::new(CommandSettings::resolve(options, selected, &setting)?))
            }
            Means::Grant(credentials) => TokenSource::Endpoint(Box::new(credentials.endpoint(options, selected)?)),
        })
    }
}

/// The account: of the environment, else the profile's.
///
/// # Errors
/// It is not an account id.
pub fn account(profile: &Profile) -> Result<Option<Sourced<String>>, Error> {
    let account = env::text(env::ACCOUNT)?.or_else(|| profile.account.clone());
    account.as_ref().map(value::account).transpose()?;
    Ok(account)
}

/// By what the token is had, and the account that goes with it.
fn means(options: &Options, selected: &Selected) -> Result<(Means, Option<Sourced<String>>), Error> {
    let profile = &selected.profile;
    let account = account(profile)?;
    if let Some(token) = &profile.token {
        let is_grant = token_command::is_grant(profile)?;
        check_alone(profile, token, is_grant)?;
        let means = if is_grant { Means::Command(token.clone()) } else { Means::Permanent(token.clone()) };
        return Ok((means, account));
    }
    let credentials = Credentials::resolve(profile)?;
    if credentials.is_empty()
        && selected.place.profiles.is_empty()
        && let Some(found) = sdk::read(|| patience_ends(options))?
    {
        found.account.as_ref().map(value::account).transpose()?;
        return Ok((Means::Permanent(found.token), account.or(found.account)));
    }
    if credentials.is_empty()
        && let Some(failure) = selected.place.unchosen()
    {
        return Err(failure);
    }
    Ok((Means::Grant(credentials), account))
}

/// A profile that holds a token or its command holds nothing else to get one by: it could not be told which is meant.
fn check_alone(profile: &Profile, token: &SecretSetting, is_grant: bool) -> Result<(), Error> {
    let secrets = [&profile.password, &profile.client_secret].into_iter().flatten().map(|setting| &setting.source);
    let grant = profile.grant.as_ref().filter(|_| !is_grant);
    let texts = [profile.username.as_ref(), profile.client_id.as_ref(), grant].into_iter().flatten();
    let Some(other) = secrets.chain(texts.map(|given| &given.source)).next() else {
        return Ok(());
    };
    let what = if is_grant { "token command" } else { "permanent token" };
    let problem = format!("the profile has both a {what} ({}) and the credentials of a grant ({other})", token.source);
    Err(Error::config(problem).hint("keep one of the two, or make two profiles of them"))
}

/// The time limits of a call that began at `started`.
///
/// # Errors
/// One does not parse or is zero.
pub fn budget(options: &Options, profile: &Profile, started: Instant) -> Result<Budget, Error> {
    let commands = profile.command_timeout.as_ref();
    Ok(Budget {
        started,
        exchange: exchange(options)?.value,
        commands: commands.map(|given| value::time_limit("command_timeout", given)).transpose()?,
    })
}

/// Until when to wait for settings that come by a pipe, from now on. A limit that does not parse is told of later.
fn patience_ends(options: &Options) -> Instant {
    Instant::now() + exchange(options).map_or(TIMEOUT, |given| given.value)
}

/// The time limit of an exchange.
fn exchange(options: &Options) -> Result<Sourced<Duration>, Error> {
    let given = match flag(&options.timeout, "--timeout") {
        Some(given) => given,
        None => match env::text(env::TIMEOUT)? {
            Some(given) => given,
            None => return Ok(Sourced::default(TIMEOUT)),
        },
    };
    Ok(Sourced { value: value::time_limit("time limit", &given)?, source: given.source })
}
