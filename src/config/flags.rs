//! The settings given on the command line.

use std::ffi::OsString;

use crate::settings::{self, Setting};
use crate::sourced::{Sourced, ValueSource};

#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub values: Vec<(&'static Setting, OsString)>,
    /// `--no-cache`
    pub no_cache: bool,
}

impl Flags {
    /// These flags with another profile.
    pub fn with_profile(&self, name: &str) -> Self {
        let mut flags = self.clone();
        flags.values.insert(0, (&settings::PROFILE, name.into()));
        flags
    }

    pub fn get(&self, setting: &Setting) -> Option<Sourced<OsString>> {
        let (setting, value) = self.values.iter().find(|(given, _)| given.is(setting))?;
        Some(Sourced { value: value.clone(), source: ValueSource::Flag(setting.flag()) })
    }
}
