//! Selects a profile of the configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::file;
use super::flags::Flags;
use super::profile_values::{ConfigFile, Profile};
use super::sources::{caller_path, flag_or_variable};
use super::value;
use crate::error::{Error, Result};
use crate::settings::{self, DEFAULT_PROFILE, PASSWORD_LOGIN, Setting};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::env;
use crate::text::{nearest, one_line, shell_word};

/// The profile that is used if none is named.
pub const DEFAULT_NAME: &str = "default";

/// The selected profile; an empty one if none is selected.
#[derive(Debug)]
pub struct ActiveProfile {
    pub profile: Profile,
    pub location: ProfileLocation,
    /// The other profiles by name. An error in one of them does not fail the call.
    pub others: BTreeMap<String, Result<Profile>>,
}

/// Where the values of a profile are, or would be written. For messages.
#[derive(Clone, Debug)]
pub struct ProfileLocation {
    /// The configuration file, if there is a directory for it.
    pub file: Option<PathBuf>,
    pub profile: Option<Sourced<String>>,
    pub profiles: Vec<String>,
    /// The name given by the caller if there are no profiles: it may be a section of the SDKs' file.
    pub sdk_section: Option<Sourced<String>>,
}

impl ProfileLocation {
    pub fn profile_name(&self) -> &str {
        self.profile.as_ref().map_or("", |name| &name.value)
    }

    pub fn login_command(&self) -> String {
        self.command("spotinst-cred login")
    }

    pub fn saml_login_command(&self) -> String {
        self.command("spotinst-cred login --saml")
    }

    /// The command, with `--profile` if it is needed to select this profile.
    pub fn command(&self, command: &str) -> String {
        match &self.profile {
            // Without an option, the command reads the same variable or file.
            Some(Sourced { value, source })
                if matches!(source, ValueSource::Flag(_)) || (source.is_default() && value != DEFAULT_NAME) =>
            {
                format!("{command} {} {}", settings::PROFILE.flag(), shell_word(value))
            }
            _ => command.to_owned(),
        }
    }

    /// The error for missing values. It lists all of them at once, with every way to set each.
    pub fn missing(&self, required: &[&'static Setting]) -> Error {
        let names: Vec<_> = required.iter().map(|setting| setting.name).collect();
        let is_new = PASSWORD_LOGIN.iter().all(|setting| names.contains(&setting.name));
        let mut problem = match is_new {
            true => "not logged in: no credentials found".to_owned(),
            false => format!("missing {}", names.join(", ")),
        };
        let variables = required.iter().flat_map(|setting| setting.all_variables());
        let empty: Vec<_> = variables.filter(|name| env::is_empty(name)).collect();
        if !empty.is_empty() {
            problem.push_str(&format!(" (set, but empty: {})", empty.join(", ")));
        }
        if is_new {
            let login = self.login_command();
            return Error::config(problem)
                .hint(format!("run `{login}`; for CI and permanent tokens see `spotinst-cred help login`"));
        }
        let is_assertion = required.iter().any(|setting| setting.is(&settings::SAML_ASSERTION));
        let login = if is_assertion { format!("run `{}`; ", self.saml_login_command()) } else { String::new() };
        let ways: Vec<_> = required.iter().map(|setting| setting.ways()).collect();
        Error::config(problem).hint(format!("{login}{}; keys go into {}", ways.join("; "), self.describe()))
    }

    /// Only the profile can set a token command. A variable cannot: whoever sets it could run any program.
    pub fn missing_token_command(&self) -> Error {
        let key = settings::TOKEN.command_key();
        Error::config("missing token command").hint(format!("token command: `{key}`; keys go into {}", self.describe()))
    }

    /// The file and table for keys, for hints.
    fn describe(&self) -> String {
        let table = self.profile.as_ref().map_or("NAME", |name| &name.value);
        let mut text = match &self.file {
            Some(path) => format!("[profiles.{table}] of {}", path.display()),
            None => format!("[profiles.{table}] of the file that {} names", settings::CONFIG.flag()),
        };
        if self.profile.is_none() && !self.profiles.is_empty() {
            let names = self.profiles.join(", ");
            let flag = settings::PROFILE.flag();
            text.push_str(&format!("; it has {names}: choose one with {flag} or {DEFAULT_PROFILE}"));
        }
        text
    }

    /// The error for a named profile, if there are no profiles and the SDKs' file is not used.
    pub fn not_there(&self) -> Option<Error> {
        self.sdk_section.as_ref().map(|name| unknown(name, self))
    }

    /// The error if the file has profiles and none is selected.
    pub fn none_selected(&self) -> Option<Error> {
        let file = self.file.as_ref().filter(|_| self.profile.is_none() && !self.profiles.is_empty())?;
        let names = self.profiles.join(", ");
        let hint = format!("run `spotinst-cred profiles use NAME` to choose one; {} has {names}", file.display());
        let (flag, variable) = (settings::PROFILE.flag(), settings::PROFILE.variable());
        let problem = format!("no profile is chosen by {flag}, {variable} or {DEFAULT_PROFILE}");
        Some(Error::config(problem).hint(hint))
    }
}

/// Selects the profile: the one that the caller names, else the file's `default_profile`, else the one named
/// `default`. Fails if the file has profiles, but not the named one.
pub fn select(flags: &Flags) -> Result<ActiveProfile> {
    let (file, config) = read(flags)?;
    let ConfigFile { default_profile, mut profiles } = config.unwrap_or_default();
    let mut location =
        ProfileLocation { file, profile: None, profiles: profiles.keys().cloned().collect(), sdk_section: None };
    let named = named(flags)?;
    if profiles.is_empty() && named.is_some() {
        location.sdk_section = named;
        return Ok(ActiveProfile { profile: Profile::default(), location, others: profiles });
    }
    let default = || profiles.contains_key(DEFAULT_NAME).then(|| Sourced::default(DEFAULT_NAME.to_owned()));
    let Some(name) = named.or(default_profile).or_else(default) else {
        return Ok(ActiveProfile { profile: Profile::default(), location, others: profiles });
    };
    let Some(profile) = profiles.remove(&name.value) else {
        return Err(unknown(&name, &location));
    };
    location.profile = Some(name);
    Ok(ActiveProfile { profile: profile?, location, others: profiles })
}

pub fn named(flags: &Flags) -> Result<Option<Sourced<String>>> {
    flag_or_variable(flags, &settings::PROFILE)
}

/// The configuration file's path; `None` without a home directory. It is absolute, because other paths and cache keys
/// are derived from it and must not depend on the working directory.
pub fn path(flags: &Flags) -> Option<Sourced<PathBuf>> {
    // If the working directory was deleted, the path stays relative, and the file is not found.
    let absolute = |path: PathBuf| if path.is_absolute() { path } else { std::path::absolute(&path).unwrap_or(path) };
    caller_path(flags, &settings::CONFIG, env::default_config_file).map(|path| path.map(absolute))
}

/// The path for a command that writes the file.
pub fn path_to_write(flags: &Flags) -> Result<PathBuf> {
    path(flags).map(|path| path.value).ok_or_else(|| {
        let problem = "there is no home directory for the configuration file";
        Error::config(problem).hint(format!("name a file with {}", settings::CONFIG.flag_or_variable()))
    })
}

/// The deadline for reading files that are pipes. An invalid time limit is reported later.
pub fn read_deadline(flags: &Flags) -> Instant {
    let text = flag_or_variable(flags, &settings::TIMEOUT).ok().flatten();
    let text = text.unwrap_or_else(|| Sourced::default(settings::TIMEOUT.default.unwrap_or_default().to_owned()));
    Instant::now() + value::duration(&settings::TIMEOUT, &text).unwrap_or_default()
}

/// The configuration file's path and content. A file named by an option or variable must exist.
fn read(flags: &Flags) -> Result<(Option<PathBuf>, Option<ConfigFile>)> {
    let Some(Sourced { value: path, source }) = path(flags) else {
        return Ok((None, None));
    };
    let config = file::read(&path, || read_deadline(flags))?;
    if config.is_none() && !source.is_default() {
        let problem = format!("there is no configuration file {} (from {source})", path.display());
        return Err(Error::config(problem).hint("check the path"));
    }
    // Without this error, another source of tokens would be used, perhaps of another account.
    if config.is_none() && path.ancestors().take(2).any(is_dangling) {
        let problem = format!("the configuration {} is behind a symbolic link without a target", path.display());
        return Err(Error::config(problem).hint("restore the target, or remove the link"));
    }
    Ok((Some(path), config))
}

fn is_dangling(path: &Path) -> bool {
    path.is_symlink() && !path.exists()
}

pub fn unknown(name: &Sourced<String>, location: &ProfileLocation) -> Error {
    let problem = format!("there is no profile \"{}\"{}", one_line(&name.value), name.source.in_parentheses());
    let file = location.file.as_ref().map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
    let known = location.profiles.iter().map(String::as_str);
    Error::config(problem).hint(if location.profiles.is_empty() {
        let named = ProfileLocation { profile: Some(name.clone()), ..location.clone() };
        format!("run `{}` to set it up", named.login_command())
    } else if let Some(nearest) = nearest(&name.value, known) {
        format!("did you mean {nearest}? `spotinst-cred profiles` lists all profiles")
    } else {
        format!("{file} has {}", location.profiles.join(", "))
    })
}
