//! All settings with their sources, for `status`; values may be missing. No secret is fetched.

use std::path::PathBuf;

use serde::Serialize;

use super::flags::Flags;
use super::grant::{GrantKind, grant_kind};
use super::profile::{self, ActiveProfile};
use super::secret_source::SecretSource;
use super::sources::Sources;
use super::{Config, GivenToken, cache_dir, given_token};
use crate::error::{Error, Result};
use crate::settings::{self, SETTINGS, Setting, StatusRow, ValueKind};
use crate::sourced::{Sourced, ValueSource};

#[derive(Debug)]
pub struct ConfigReport {
    /// The selected profile.
    pub profile: Option<Sourced<String>>,
    /// The path of the configuration file, whether it exists or not.
    pub config_file: Option<Sourced<PathBuf>>,
    pub cache_dir: Option<Sourced<PathBuf>>,
    /// The relevant settings in the order of their table, with their values.
    pub settings: Vec<(&'static str, Option<ReportedValue>)>,
    /// The other profiles that are invalid, with the error.
    pub unusable_profiles: Vec<(String, Error)>,
    /// The configuration of a call for a token, or the error that it would report.
    pub config: Result<Config>,
}

#[derive(Debug, Serialize)]
pub struct ReportedValue {
    #[serde(flatten)]
    pub value: DisplayValue,
    pub from: ValueSource,
}

/// A value as it may be shown.
#[derive(Debug, Serialize)]
#[serde(tag = "secret", rename_all = "snake_case")]
pub enum DisplayValue {
    /// A secret in a variable or in the configuration file.
    Value,
    /// A secret in a file.
    File { path: String },
    /// A secret that a command prints. The command is not shown: its arguments may be secrets, too.
    Command,
    /// A secret in a secret store.
    Store { store: String },
    /// A password that is typed at each login.
    Login,
    #[serde(untagged)]
    Text { value: String },
}

impl ConfigReport {
    /// Fails if a value is invalid, a file cannot be read, or the profile is unknown; not for a missing value.
    pub fn resolve(flags: &Flags) -> Result<Self> {
        let ActiveProfile { profile, location, others } = profile::select(flags)?;
        let sources = Sources { flags: flags.clone(), profile };
        let token = given_token(&sources, &location)?;
        // An unknown grant is an invalid value, not a missing one.
        let grant = if token.is_none() { Some(grant_kind(&sources, &location)?) } else { None };
        let mut rows = Vec::new();
        for setting in SETTINGS {
            let value = reported(&sources, token.as_ref(), grant, setting)?;
            let is_set = value.as_ref().is_some_and(|value| !value.from.is_default());
            let is_shown = match setting.status {
                StatusRow::Always => true,
                StatusRow::IfSet => value.is_some(),
                StatusRow::WithToken => token.is_some(),
                StatusRow::WithCredentials => token.is_none() && (is_set || grant != Some(GrantKind::Saml)),
                StatusRow::WithPassword => grant == Some(GrantKind::Password),
                StatusRow::WithSaml => grant == Some(GrantKind::Saml),
                StatusRow::WithGrant => token.as_ref().is_none_or(|token| token.is_command),
                StatusRow::Never => false,
            };
            rows.extend(is_shown.then_some((setting.name, value)));
        }
        // The proxy has no row, but an invalid one is an error, too.
        sources.transport()?;
        let broken = |(name, profile): (_, Result<_>)| Some((name, profile.err()?));
        Ok(Self {
            unusable_profiles: others.into_iter().filter_map(broken).collect(),
            profile: location.profile.as_ref().or(location.sdk_section.as_ref()).cloned(),
            config_file: profile::path(flags),
            cache_dir: cache_dir(flags),
            settings: rows,
            config: Config::complete(sources, location, token),
        })
    }
}

/// The setting as it is shown; fails if its value is invalid.
fn reported(
    sources: &Sources,
    token: Option<&GivenToken>,
    grant: Option<GrantKind>,
    setting: &'static Setting,
) -> Result<Option<ReportedValue>> {
    let given = match setting.kind {
        ValueKind::Secret => return secret(sources, token, setting),
        ValueKind::Boolean => sources.profile.boolean(setting).map(|given| given.map(|boolean| boolean.to_string())),
        ValueKind::Path => {
            sources.profile.path(setting).cloned().map(|path| path.map(|path| path.display().to_string()))
        }
        ValueKind::Url if setting.is(&settings::REFRESH_URL) => {
            let token_url = sources.endpoint(grant.unwrap_or(GrantKind::Password).url())?;
            Some(sources.refresh_url(&token_url)?.map(|url| url.to_string()))
        }
        ValueKind::Url | ValueKind::BaseUrl => Some(sources.endpoint(setting)?.map(|url| url.to_string())),
        ValueKind::Account => sources.account()?.or_else(|| token.and_then(|token| token.account.clone())),
        ValueKind::Duration | ValueKind::TimeLimit => {
            sources.duration(setting)?;
            sources.text_or_default(setting)?
        }
        ValueKind::Text => sources.text_or_default(setting)?,
    };
    Ok(given.map(|Sourced { value, source }| ReportedValue { value: DisplayValue::Text { value }, from: source }))
}

fn secret(sources: &Sources, token: Option<&GivenToken>, setting: &'static Setting) -> Result<Option<ReportedValue>> {
    let given = match token {
        token if setting.is(&settings::TOKEN) => token.map(|token| token.secret.clone()),
        _ => sources.secret(setting)?,
    };
    let Some(given) = given else {
        let login = sources.profile.boolean(&settings::LOGIN);
        let is_given_at_login = [&settings::PASSWORD, &settings::SAML_ASSERTION].iter().any(|one| setting.is(one));
        let typed = login.filter(|login| login.value && is_given_at_login);
        return Ok(typed.map(|login| ReportedValue { value: DisplayValue::Login, from: login.source }));
    };
    let value = match given.secret {
        SecretSource::Value(_) => DisplayValue::Value,
        SecretSource::File(path) => DisplayValue::File { path: path.display().to_string() },
        SecretSource::Command(_) => DisplayValue::Command,
        SecretSource::Store(item) => DisplayValue::Store { store: item.store },
    };
    Ok(Some(ReportedValue { value, from: given.source }))
}
