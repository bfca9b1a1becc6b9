//! The profile of a login: its file, its name and its present values.

use std::path::PathBuf;
use std::time::Instant;

use crate::cli::Options;
use crate::config::edit::{self, Change};
use crate::config::profile::{self, DEFAULT_NAME, ProfileLocation};
use crate::config::profile_values::ConfigFile;
use crate::config::sources::Sources;
use crate::config::{Limits, file, limits};
use crate::error::{Error, Result};
use crate::settings::{self, Setting};
use crate::sourced::Sourced;
use crate::text::one_line;

pub struct Target {
    pub path: PathBuf,
    pub sources: Sources,
    pub location: ProfileLocation,
    pub limits: Limits,
}

impl Target {
    /// Neither the file nor the profile needs to exist.
    pub fn resolve(options: &Options) -> Result<Self> {
        let flags = &options.flags;
        let path = profile::path_to_write(flags)?;
        if let Some(Sourced { value, source }) = profile::named(flags)?
            && value.is_empty()
        {
            let problem = format!("the profile's name from {source} is empty");
            return Err(Error::config(problem).hint("name it, or leave the option out"));
        }
        edit::check_place(&path)?;
        let config = file::read(&path, || profile::read_deadline(flags))?;
        let ConfigFile { default_profile, mut profiles } = config.unwrap_or_default();
        let default = || Sourced::default(DEFAULT_NAME.to_owned());
        let name = profile::named(flags)?.or(default_profile).unwrap_or_else(default);
        let profile = profiles.remove(&name.value).transpose()?.unwrap_or_default();
        let profiles = vec![name.value.clone()];
        let location = ProfileLocation { file: Some(path.clone()), profiles, profile: Some(name), sdk_section: None };
        let sources = Sources { flags: flags.clone(), profile };
        let limits = limits(&sources)?;
        Ok(Self { path, sources, location, limits })
    }

    pub fn name(&self) -> &str {
        self.location.profile_name()
    }

    /// Fails if a variable and the profile name different identities: a later call without the variable would look
    /// for the other one.
    pub fn check_identity(&self, identity: &[&'static Setting]) -> Result<()> {
        for setting in identity {
            let (Some(given), Some(profile)) = (self.sources.text(setting)?, self.sources.profile.text(setting)) else {
                continue;
            };
            if given.value != profile.value {
                let problem =
                    format!("{} and {} set the {} to different values", given.source, profile.source, setting.name);
                let flag = settings::PROFILE.flag();
                return Err(
                    Error::config(problem).hint(format!("unset {}, or name another profile with {flag}", given.source))
                );
            }
        }
        Ok(())
    }

    /// Fails if nothing of the login would be stored: neither the refresh token nor the secret, which is entered each
    /// time.
    pub fn check_storage(&self, secret: &'static Setting) -> Result<()> {
        match self.sources.profile.boolean(&settings::STORE_REFRESH_TOKEN) {
            // A secret that is already set is not asked for, and can be used again.
            Some(Sourced { value: false, source }) if self.sources.secret(secret)?.is_none() => {
                let name = one_line(self.name());
                let problem = format!("profile \"{name}\" stores no refresh token ({source}), which a login needs");
                let store = settings::STORE_REFRESH_TOKEN.key();
                let (file, command) = (secret.file_key(), secret.command_key());
                Err(Error::config(problem).hint(format!("remove `{store} = false`, or set `{file}` or `{command}`")))
            }
            _ => Ok(()),
        }
    }

    /// The error for a profile that does not support this kind of login.
    pub fn refusal(&self, why: &str) -> Error {
        let flag = settings::PROFILE.flag();
        Error::config(format!("profile \"{}\" {why}", one_line(self.name())))
            .hint(format!("name another profile with {flag}; it is created if it does not exist"))
    }

    /// Checks that the profile can be written, before any question is asked.
    pub fn check_writable(&self) -> Result<()> {
        edit::check_writable(&self.path)
    }

    pub fn write(&self, changes: impl IntoIterator<Item = Change>) -> Result<()> {
        let deadline = Instant::now() + self.limits.exchange;
        edit::write(&self.path, self.name(), changes.into_iter().collect(), deadline)
    }
}
