//! The parsed configuration file: the profiles and their values.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::secret_source::{SecretSetting, SecretSource};
use super::secret_store::StoreItem;
use crate::error::Result;
use crate::settings::{self, Setting};
use crate::sourced::Sourced;

#[derive(Debug, Default)]
pub struct ConfigFile {
    pub default_profile: Option<Sourced<String>>,
    /// Each profile, or the error in it.
    pub profiles: BTreeMap<String, Result<Profile>>,
}

/// The values of one `[profiles.NAME]` table.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    pub name: String,
    values: Vec<(&'static Setting, ProfileValue)>,
}

/// A value, typed by the kind of its setting.
#[derive(Clone, Debug)]
pub enum ProfileValue {
    /// Also `true` and `false`.
    Text(Sourced<String>),
    Path(Sourced<PathBuf>),
    Secret(SecretSetting),
}

impl Profile {
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), values: Vec::new() }
    }

    /// The secrets that `login` put into a secret store.
    pub fn stored_secrets(&self) -> impl Iterator<Item = &StoreItem> {
        self.values.iter().filter_map(|(_, value)| match value {
            ProfileValue::Secret(SecretSetting { secret: SecretSource::Store(item), .. }) => Some(item),
            _ => None,
        })
    }

    /// The secret store that keeps the refresh token.
    pub fn secret_store(&self) -> Option<&str> {
        self.text(&settings::SECRET_STORE).map(|store| store.value.as_str())
    }

    /// Sets or replaces a value.
    pub fn set(&mut self, setting: &'static Setting, value: ProfileValue) {
        self.remove(setting);
        self.values.push((setting, value));
    }

    pub fn remove(&mut self, setting: &Setting) {
        self.values.retain(|(given, _)| !given.is(setting));
    }

    fn get(&self, setting: &Setting) -> Option<&ProfileValue> {
        self.values.iter().find(|(given, _)| given.is(setting)).map(|(_, value)| value)
    }

    pub fn text(&self, setting: &Setting) -> Option<&Sourced<String>> {
        if let ProfileValue::Text(text) = self.get(setting)? { Some(text) } else { None }
    }

    pub fn path(&self, setting: &Setting) -> Option<&Sourced<PathBuf>> {
        if let ProfileValue::Path(path) = self.get(setting)? { Some(path) } else { None }
    }

    pub fn boolean(&self, setting: &Setting) -> Option<Sourced<bool>> {
        self.text(setting).cloned().map(|text| text.map(|text| text == "true"))
    }

    pub fn secret(&self, setting: &Setting) -> Option<&SecretSetting> {
        if let ProfileValue::Secret(secret) = self.get(setting)? { Some(secret) } else { None }
    }

    /// Whether the password is typed at each `login` and not stored.
    pub fn is_login(&self) -> bool {
        self.boolean(&settings::LOGIN).is_some_and(|login| login.value)
    }
}
