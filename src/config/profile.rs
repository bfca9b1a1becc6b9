//! Which profile is used, and of which file.

use std::path::PathBuf;

use super::file::{self, ConfigFile, Profile};
use super::{flag, patience_ends};
use crate::cli::Options;
use crate::error::Error;
use crate::sourced::{Sourced, ValueSource};
use crate::sys::env;
use crate::text::{one_line, shell_word};

/// The profile that is used; an empty one where none is named.
#[derive(Debug)]
pub struct Selected {
    /// Its values.
    pub profile: Profile,
    /// Where they stand.
    pub place: Place,
}

/// Where the values of a profile stand, or could: for messages.
#[derive(Clone, Debug)]
pub struct Place {
    /// The configuration file, if there is a directory for it.
    pub file: Option<PathBuf>,
    /// The profile that is used.
    pub profile: Option<Sourced<String>>,
    /// The profiles that the file has.
    pub profiles: Vec<String>,
}

impl Place {
    /// Whose login it is, as the end of a phrase.
    pub fn owner(&self) -> String {
        self.profile.as_ref().map_or_else(String::new, |given| format!(" of profile {}", given.value))
    }

    /// The command that logs in here again.
    pub fn login_command(&self) -> String {
        match &self.profile {
            Some(Sourced { value, source: ValueSource::Flag(_) }) => {
                format!("spotinst-cred login --profile {}", shell_word(value))
            }
            _ => "spotinst-cred login".to_owned(),
        }
    }

    /// Where keys go.
    pub fn describe(&self) -> String {
        let table = self.profile.as_ref().map_or("NAME", |given| &given.value);
        let mut text = match &self.file {
            Some(path) => format!("[profiles.{table}] of {}", path.display()),
            None => format!("[profiles.{table}] of the file that --config names"),
        };
        if self.profile.is_none() && !self.profiles.is_empty() {
            let names = self.profiles.join(", ");
            text.push_str(&format!("; it has {names}: choose one with --profile or default_profile"));
        }
        text
    }

    /// The failure of a file that has profiles of which none is chosen, where nothing else says what to do.
    pub fn unchosen(&self) -> Option<Error> {
        let file = self.file.as_ref().filter(|_| self.profile.is_none() && !self.profiles.is_empty())?;
        let hint = format!("{} has {}", file.display(), self.profiles.join(", "));
        let problem = "no profile is chosen by --profile, SPOTINST_CRED_PROFILE or default_profile";
        Some(Error::config(problem).hint(hint))
    }
}

/// The profile of `--profile`, `SPOTINST_CRED_PROFILE`, `default_profile`, or the one named `default`.
///
/// # Errors
/// There is no profile of that name, or the file cannot be read.
pub fn select(options: &Options) -> Result<Selected, Error> {
    let (file, config) = configuration(options)?;
    let ConfigFile { default_profile, mut profiles } = config.unwrap_or_default();
    let mut place = Place { file, profile: None, profiles: profiles.keys().cloned().collect() };
    let named = named(options)?;
    let usual = || profiles.contains_key("default").then(|| Sourced::default("default".to_owned()));
    let Some(name) = named.or(default_profile).or_else(usual) else {
        return Ok(Selected { profile: Profile::default(), place });
    };
    let Some(profile) = profiles.remove(&name.value) else {
        return Err(unknown(&name, &place));
    };
    place.profile = Some(name);
    Ok(Selected { profile, place })
}

/// The profile that the caller names.
///
/// # Errors
/// The variable is not UTF-8.
pub fn named(options: &Options) -> Result<Option<Sourced<String>>, Error> {
    match flag(&options.profile, "--profile") {
        Some(given) => Ok(Some(given)),
        None => env::text(env::PROFILE),
    }
}

/// The configuration file's path; none where there is no home. It is absolute: what is found by it, and remembered of
/// it, must not depend on where the caller stands.
pub fn path(options: &Options) -> Option<Sourced<PathBuf>> {
    let from_flag = options.config.clone().map(|value| Sourced { value, source: ValueSource::Flag("--config") });
    let usual = || env::project_dirs().map(|dirs| Sourced::default(dirs.config_dir().join("config.toml")));
    from_flag.or_else(|| env::path(env::CONFIG)).or_else(usual).map(|given| given.map(absolute))
}

/// The path from the root. In a working directory that is gone it stays as it is, and leads nowhere.
fn absolute(path: PathBuf) -> PathBuf {
    if path.is_absolute() { path } else { std::path::absolute(&path).unwrap_or(path) }
}

/// The configuration file's path and content. One that is named must exist.
fn configuration(options: &Options) -> Result<(Option<PathBuf>, Option<ConfigFile>), Error> {
    let Some(Sourced { value: path, source: origin }) = path(options) else {
        return Ok((None, None));
    };
    let config = file::read_until(&path, || patience_ends(options))?;
    if config.is_none() && !matches!(origin, ValueSource::Default) {
        let problem = format!("there is no configuration file {} (from {origin})", path.display());
        return Err(Error::config(problem).hint("check the path"));
    }
    Ok((Some(path), config))
}

fn unknown(name: &Sourced<String>, place: &Place) -> Error {
    let problem = format!("there is no profile \"{}\" (from {})", one_line(&name.value), name.source);
    let file = place.file.as_ref().map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
    Error::config(problem).hint(if place.profiles.is_empty() {
        format!("{file} has no profiles: write one that begins with [profiles.NAME]")
    } else {
        format!("{file} has {}", place.profiles.join(", "))
    })
}
