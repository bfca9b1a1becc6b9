//! Everything that is set, with where it came from, complete or not: for a person who asks. No secret is fetched.

use std::path::PathBuf;
use std::time::Instant;

use super::credentials::{self, Credentials};
use super::profile::{self, Selected};
use super::{Means, Settings, TokenSource, exchange, means};
use crate::cli::Options;
use crate::error::Error;
use crate::secret_source::{SecretSetting, SecretSource};
use crate::sourced::{Sourced, ValueSource};
use crate::transport::Transport;
use crate::url::Endpoint;

/// All settings of a call.
#[derive(Debug)]
pub struct Overview {
    /// The profile that is used.
    pub profile: Option<Sourced<String>>,
    /// The path of the configuration file, whether it is there or not.
    pub config: Option<Sourced<PathBuf>>,
    /// The directory of the cache.
    pub cache_dir: Option<Sourced<PathBuf>>,
    /// The settings by their names in the order of the README's table.
    pub settings: Vec<Setting>,
    /// What a call for a token needs to know, or what is missing for that.
    pub call: Result<Settings, Error>,
    /// The base of the API that tokens are for.
    pub api_url: Endpoint,
    /// Trust and proxy on the way there.
    pub transport: Transport,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// What it is called in messages.
    pub name: &'static str,
    /// The value, as it may be shown.
    pub value: Shown,
    /// Where it came from; nothing where it is not set.
    pub origin: Option<ValueSource>,
}

/// A value as it may be shown.
#[derive(Debug)]
pub enum Shown {
    /// No secret.
    Text(String),
    /// A secret that stands where it came from.
    Secret,
    /// A secret that a file holds.
    SecretFile(PathBuf),
    /// A secret that a command prints. The command is not shown: its arguments may be secrets, too.
    SecretCommand,
    /// A password that a person types at each login.
    Typed,
    /// It is not set.
    Unset,
}

impl Overview {
    /// Resolves the settings of a call that began at `started`.
    ///
    /// # Errors
    /// A value does not parse, a file cannot be read, or the profile is unknown. What is missing is no error here.
    pub fn resolve(options: &Options, started: Instant) -> Result<Self, Error> {
        let selected = profile::select(options)?;
        let (means, account) = means(options, &selected)?;
        let mut settings = match &means {
            Means::Permanent(token) => vec![Setting::secret("token", Some(token))],
            Means::Command(setting) => of_command(setting, &selected)?,
            Means::Grant(credentials) => of_grant(credentials, &selected)?,
        };
        settings.extend(general(options, &selected, account.as_ref())?);
        let profile = selected.place.profile.clone();
        let api_url = credentials::api_url(selected.profile.api_url.as_ref())?.value;
        let transport = credentials::transport(&selected.profile)?;
        let call = match means.complete(options, &selected) {
            Ok(source) => Ok(Settings::of(source, account, options, selected, started)?),
            Err(missing) => Err(missing),
        };
        Ok(Self {
            profile,
            config: profile::path(options),
            cache_dir: credentials::cache_dir(options),
            settings,
            call,
            api_url,
            transport,
        })
    }

    /// Where the token comes from, or what is missing for that to be known.
    ///
    /// # Errors
    /// What is missing.
    pub fn source(&self) -> Result<&TokenSource, &Error> {
        self.call.as_ref().map(|settings| &settings.source)
    }
}

/// What the grant of a command takes.
fn of_command(setting: &SecretSetting, selected: &Selected) -> Result<Vec<Setting>, Error> {
    let grant = credentials::grant(&selected.profile)?;
    Ok(vec![Setting::secret("token", Some(setting)), Setting::text("grant", grant.as_ref())])
}

/// What a grant takes.
fn of_grant(credentials: &Credentials, selected: &Selected) -> Result<Vec<Setting>, Error> {
    let (token_url, refresh_url) = credentials.endpoints()?;
    let mut settings = Vec::new();
    if credentials.is_password_grant(&selected.place)? {
        settings.push(Setting::text("user name", credentials.username.as_ref()));
        settings.push(password(credentials, selected));
    }
    let grant = credentials.grant.clone().unwrap_or_else(|| Sourced::default("password".to_owned()));
    settings.extend([
        Setting::text("client id", credentials.client_id.as_ref()),
        Setting::secret("client secret", credentials.client_secret.as_ref()),
        Setting::text("grant", Some(&grant)),
        Setting::text("token URL", Some(&token_url)),
        Setting::text("refresh URL", Some(&refresh_url)),
    ]);
    Ok(settings)
}

/// The password, or that it is typed at each login.
fn password(credentials: &Credentials, selected: &Selected) -> Setting {
    match (&credentials.password, &selected.profile.login) {
        (None, Some(Sourced { value: true, source: origin })) => {
            Setting { name: "password", value: Shown::Typed, origin: Some(origin.clone()) }
        }
        (password, _) => Setting::secret("password", password.as_ref()),
    }
}

/// What every call has, whatever its token comes from.
fn general(options: &Options, selected: &Selected, account: Option<&Sourced<String>>) -> Result<Vec<Setting>, Error> {
    let profile = &selected.profile;
    let timeout = exchange(options)?.map(|limit| humantime::format_duration(limit).to_string());
    let mut settings = vec![
        Setting::text("account", account),
        Setting::text("API URL", Some(&credentials::api_url(profile.api_url.as_ref())?)),
        Setting::text("time limit", Some(&timeout)),
    ];
    if let Some(given) = &profile.command_timeout {
        settings.push(Setting::text("command limit", Some(given)));
    }
    if let Some(given) = &profile.store_refresh_token {
        settings.push(Setting::text("store refresh token", Some(given)));
    }
    if let Some(given) = &profile.ca_file {
        let path = given.clone().map(|path| path.display().to_string());
        settings.push(Setting::text("CA file", Some(&path)));
    }
    Ok(settings)
}

impl Setting {
    fn text(name: &'static str, given: Option<&Sourced<impl ToString>>) -> Self {
        match given {
            Some(given) => {
                Self { name, value: Shown::Text(given.value.to_string()), origin: Some(given.source.clone()) }
            }
            None => Self { name, value: Shown::Unset, origin: None },
        }
    }

    fn secret(name: &'static str, setting: Option<&SecretSetting>) -> Self {
        let value = match setting.map(|setting| &setting.secret) {
            Some(SecretSource::Value(_)) => Shown::Secret,
            Some(SecretSource::File(path)) => Shown::SecretFile(path.clone()),
            Some(SecretSource::Command(_)) => Shown::SecretCommand,
            None => Shown::Unset,
        };
        Self { name, value, origin: setting.map(|setting| setting.source.clone()) }
    }
}
