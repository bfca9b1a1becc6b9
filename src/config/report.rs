//! Everything that is set, with its source, complete or not: for `status`. No secret is fetched.

use std::path::PathBuf;

use super::flags::Flags;
use super::profile::{self, ActiveProfile};
use super::provider;
use super::secret_source::{SecretSetting, SecretSource};
use super::sources::Sources;
use super::{Config, GivenToken, cache_dir, given_token};
use crate::error::{Error, Result};
use crate::settings::{self, SETTINGS, Setting, StatusRow, ValueKind};
use crate::sourced::{Sourced, ValueSource};
use crate::transport::Transport;
use crate::url::Endpoint;

#[derive(Debug)]
pub struct ConfigReport {
    /// The profile that is used.
    pub profile: Option<Sourced<String>>,
    /// The path of the configuration file, whether it exists or not.
    pub config_file: Option<Sourced<PathBuf>>,
    pub cache_dir: Option<Sourced<PathBuf>>,
    /// The settings that matter here, in the order of their table.
    pub settings: Vec<ReportedSetting>,
    /// What a call for a token needs to know, or what is missing for that.
    pub config: std::result::Result<Config, Error>,
    /// The base URL of the API.
    pub api_url: Endpoint,
    pub transport: Transport,
}

#[derive(Debug)]
pub struct ReportedSetting {
    /// What messages call it.
    pub name: &'static str,
    pub value: DisplayValue,
    /// Nothing where it is not set.
    pub source: Option<ValueSource>,
}

/// A value as it may be shown.
#[derive(Debug)]
pub enum DisplayValue {
    Text(String),
    /// A secret that its source holds itself.
    Secret,
    SecretFile(PathBuf),
    /// The command is not shown: its arguments may be secrets, too.
    SecretCommand,
    /// A password that a person types at each login.
    Typed,
    Unset,
}

impl ConfigReport {
    /// Fails where a value does not parse, a file cannot be read, or the profile is unknown; not for a missing value.
    pub fn resolve(flags: &Flags) -> Result<Self> {
        let ActiveProfile { profile, location } = profile::select(flags)?;
        let sources = Sources { flags: flags.clone(), profile };
        let token = given_token(&sources, &location)?;
        // An unknown grant is more than a missing value.
        let is_password = token.is_none() && provider::is_password_grant(&sources, &location)?;
        let mut rows = Vec::new();
        for setting in SETTINGS {
            let row = reported(&sources, token.as_ref(), setting)?;
            let is_shown = match setting.status {
                StatusRow::Always => true,
                StatusRow::IfSet => row.source.is_some(),
                StatusRow::WithToken => token.is_some(),
                StatusRow::WithCredentials => token.is_none(),
                StatusRow::WithPassword => is_password,
                StatusRow::WithGrant => token.as_ref().is_none_or(|token| token.is_command),
                StatusRow::Never => false,
            };
            rows.extend(is_shown.then_some(row));
        }
        Ok(Self {
            profile: location.profile.clone(),
            config_file: profile::path(flags),
            cache_dir: cache_dir(flags),
            settings: rows,
            api_url: sources.endpoint(&settings::API_URL)?.value,
            transport: sources.transport()?,
            config: Config::complete(sources, location, token),
        })
    }
}

/// The setting as it is shown; fails where its value does not parse.
fn reported(sources: &Sources, token: Option<&GivenToken>, setting: &'static Setting) -> Result<ReportedSetting> {
    let name = setting.name;
    let text = |text: Option<Sourced<String>>| match text {
        Some(Sourced { value, source }) => {
            ReportedSetting { name, value: DisplayValue::Text(value), source: Some(source) }
        }
        None => ReportedSetting { name, value: DisplayValue::Unset, source: None },
    };
    Ok(match setting.kind {
        ValueKind::Secret if setting.is(&settings::TOKEN) => secret(setting, token.map(|token| &token.secret)),
        ValueKind::Secret => match (sources.secret(setting)?, sources.profile.boolean(&settings::LOGIN)) {
            (None, Some(Sourced { value: true, source })) if setting.is(&settings::PASSWORD) => {
                ReportedSetting { name, value: DisplayValue::Typed, source: Some(source.clone()) }
            }
            (given, _) => secret(setting, given.as_ref()),
        },
        ValueKind::Boolean => {
            let given = sources.profile.boolean(setting).cloned();
            text(given.map(|given| given.map(|boolean| boolean.to_string())))
        }
        ValueKind::Path => {
            let path = sources.profile.path(setting).cloned();
            text(path.map(|path| path.map(|path| path.display().to_string())))
        }
        ValueKind::Url if setting.is(&settings::REFRESH_URL) => {
            let token_url = sources.endpoint(&settings::TOKEN_URL)?;
            text(Some(sources.refresh_url(&token_url)?.map(|url| url.to_string())))
        }
        ValueKind::Url | ValueKind::BaseUrl => text(Some(sources.endpoint(setting)?.map(|url| url.to_string()))),
        ValueKind::Account => {
            let beside = token.and_then(|token| token.account.clone());
            text(sources.account()?.or(beside))
        }
        ValueKind::Duration | ValueKind::TimeLimit => {
            sources.duration(setting)?;
            text(sources.text_or_default(setting)?)
        }
        ValueKind::Text => text(sources.text_or_default(setting)?),
    })
}

fn secret(setting: &Setting, given: Option<&SecretSetting>) -> ReportedSetting {
    let value = match given.map(|given| &given.secret) {
        Some(SecretSource::Value(_)) => DisplayValue::Secret,
        Some(SecretSource::File(path)) => DisplayValue::SecretFile(path.clone()),
        Some(SecretSource::Command(_)) => DisplayValue::SecretCommand,
        None => DisplayValue::Unset,
    };
    ReportedSetting { name: setting.name, value, source: given.map(|given| given.source.clone()) }
}
