//! Resolves each setting on its own: flag, else environment, else profile, else default.

use std::path::PathBuf;
use std::time::Duration;

use super::flags::Flags;
use super::profile_values::Profile;
use super::secret_source::{SecretSetting, SecretSource};
use super::value;
use crate::error::{Error, Result};
use crate::settings::{self, Setting, ValueKind};
use crate::sourced::Sourced;
use crate::sys::env;
use crate::sys::secret::Secret;
use crate::transport::Transport;
use crate::url::Endpoint;

/// All sources of values besides the environment.
#[derive(Debug)]
pub struct Sources {
    pub flags: Flags,
    pub profile: Profile,
}

impl Sources {
    pub fn text(&self, setting: &'static Setting) -> Result<Option<Sourced<String>>> {
        if let Some(text) = flag_or_variable(&self.flags, setting)? {
            return Ok(Some(text));
        }
        Ok(self.profile.text(setting).cloned())
    }

    pub fn text_or_default(&self, setting: &'static Setting) -> Result<Option<Sourced<String>>> {
        Ok(self.text(setting)?.or_else(|| default(setting)))
    }

    pub fn duration(&self, setting: &'static Setting) -> Result<Option<Duration>> {
        self.text_or_default(setting)?.map(|text| value::duration(setting, &text)).transpose()
    }

    pub fn account(&self) -> Result<Option<Sourced<String>>> {
        let account = self.text(&settings::ACCOUNT)?;
        account.as_ref().map(value::check_account).transpose()?;
        Ok(account)
    }

    /// A secret's source, if one is set. It is an error to set both the variable and the variable for its file.
    pub fn secret(&self, setting: &'static Setting) -> Result<Option<SecretSetting>> {
        let by_value =
            env::text(setting.variables)?.map(|text| text.map(|text| SecretSource::Value(Secret::from(text))));
        let by_file = setting.file_variable.and_then(env::path).map(|path| path.map(SecretSource::File));
        if let (Some(value), Some(file)) = (&by_value, &by_file) {
            let problem = format!("{} and {} are both set", value.source, file.source);
            return Err(Error::config(problem).hint("unset one of them"));
        }
        Ok(match by_value.or(by_file) {
            Some(Sourced { value: secret, source }) => Some(SecretSetting { name: setting.name, secret, source }),
            None => self.profile.secret(setting).cloned(),
        })
    }

    pub fn endpoint(&self, setting: &'static Setting) -> Result<Sourced<Endpoint>> {
        let text = self.text_or_default(setting)?.unwrap_or_else(|| Sourced::default(String::new()));
        Ok(Sourced { value: value::endpoint(setting, &text)?, source: text.source })
    }

    /// If only the token URL is set, it is also the refresh URL: tokens of another broker must never be sent to
    /// Spotinst.
    pub fn refresh_url(&self, token_url: &Sourced<Endpoint>) -> Result<Sourced<Endpoint>> {
        if token_url.source.is_default() || self.text(&settings::REFRESH_URL)?.is_some() {
            self.endpoint(&settings::REFRESH_URL)
        } else {
            Ok(token_url.clone())
        }
    }

    pub fn transport(&self) -> Result<Transport> {
        let ca_file = self.profile.path(&settings::CA_FILE).cloned();
        Ok(Transport { ca_file, roots_variable: env::roots_variable(), proxy: env::proxy()? })
    }

    pub fn is_given(&self, setting: &'static Setting) -> Result<bool> {
        match setting.kind {
            ValueKind::Secret => Ok(self.secret(setting)?.is_some()),
            _ => Ok(self.text(setting)?.is_some()),
        }
    }
}

fn default(setting: &Setting) -> Option<Sourced<String>> {
    setting.default.map(|text| Sourced::default(text.to_owned()))
}

/// The value from the command line or the environment, which is known before a profile is selected.
pub fn flag_or_variable(flags: &Flags, setting: &'static Setting) -> Result<Option<Sourced<String>>> {
    match flags.get(setting) {
        Some(flag) => Ok(Some(flag.map(|value| value.to_string_lossy().into_owned()))),
        None => env::text(setting.variables),
    }
}

/// A path from the command line or the environment, else the platform's default.
pub fn caller_path(
    flags: &Flags,
    setting: &'static Setting,
    default: impl FnOnce() -> Option<PathBuf>,
) -> Option<Sourced<PathBuf>> {
    let flag = flags.get(setting).map(|flag| flag.map(PathBuf::from));
    let variable = || setting.variables.iter().find_map(|name| env::path(name));
    flag.or_else(variable).or_else(|| default().map(Sourced::default))
}
