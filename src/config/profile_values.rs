//! What a configuration file holds: the profiles, and the values of each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::secret_source::SecretSetting;
use crate::settings::{self, Setting};
use crate::sourced::Sourced;

/// The whole configuration file.
#[derive(Debug, Default)]
pub struct ConfigFile {
    pub default_profile: Option<Sourced<String>>,
    /// The profiles by their names.
    pub profiles: BTreeMap<String, Profile>,
}

/// The values of one `[profiles.NAME]` table.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    values: Vec<(&'static Setting, ProfileValue)>,
}

/// A value in the file, as its setting's kind wants it.
#[derive(Clone, Debug)]
pub enum ProfileValue {
    Text(Sourced<String>),
    Path(Sourced<PathBuf>),
    Boolean(Sourced<bool>),
    Secret(SecretSetting),
}

impl Profile {
    /// Sets a value, also over one that is there.
    pub fn set(&mut self, setting: &'static Setting, value: ProfileValue) {
        self.values.retain(|(given, _)| !given.is(setting));
        self.values.push((setting, value));
    }

    fn get(&self, setting: &Setting) -> Option<&ProfileValue> {
        self.values.iter().find(|(given, _)| given.is(setting)).map(|(_, value)| value)
    }

    pub fn text(&self, setting: &Setting) -> Option<&Sourced<String>> {
        match self.get(setting) {
            Some(ProfileValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn path(&self, setting: &Setting) -> Option<&Sourced<PathBuf>> {
        match self.get(setting) {
            Some(ProfileValue::Path(path)) => Some(path),
            _ => None,
        }
    }

    pub fn boolean(&self, setting: &Setting) -> Option<&Sourced<bool>> {
        match self.get(setting) {
            Some(ProfileValue::Boolean(boolean)) => Some(boolean),
            _ => None,
        }
    }

    pub fn secret(&self, setting: &Setting) -> Option<&SecretSetting> {
        match self.get(setting) {
            Some(ProfileValue::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    /// Whether a person types the password at each `login`, and it is stored nowhere.
    pub fn is_login(&self) -> bool {
        self.boolean(&settings::LOGIN).is_some_and(|login| login.value)
    }
}
