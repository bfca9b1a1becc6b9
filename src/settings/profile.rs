//! Which profile is used, and of which file.

use std::path::PathBuf;

use super::file::{self, ConfigFile, Profile};
use super::origin::{Given, Origin};
use super::{env, flag, patience_ends};
use crate::cli::Options;
use crate::failure::{Failure, one_line};

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
    pub profile: Option<Given<String>>,
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
            Some(Given { value, origin: Origin::Flag(_) }) => {
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
    pub fn unchosen(&self) -> Option<Failure> {
        let file = self.file.as_ref().filter(|_| self.profile.is_none() && !self.profiles.is_empty())?;
        let hint = format!("{} has {}", file.display(), self.profiles.join(", "));
        let problem = "no profile is chosen by --profile, SPOTINST_CRED_PROFILE or default_profile";
        Some(Failure::settings(problem).hint(hint))
    }
}

/// The profile of `--profile`, `SPOTINST_CRED_PROFILE`, `default_profile`, or the one named `default`.
///
/// # Errors
/// There is no profile of that name, or the file cannot be read.
pub fn select(options: &Options) -> Result<Selected, Failure> {
    let (file, config) = configuration(options)?;
    let ConfigFile { default_profile, mut profiles } = config.unwrap_or_default();
    let mut place = Place { file, profile: None, profiles: profiles.keys().cloned().collect() };
    let named = named(options)?;
    let usual = || profiles.contains_key("default").then(|| Given::default("default".to_owned()));
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
pub fn named(options: &Options) -> Result<Option<Given<String>>, Failure> {
    match flag(&options.profile, "--profile") {
        Some(given) => Ok(Some(given)),
        None => env::text(env::PROFILE),
    }
}

/// The configuration file's path; none where there is no home. It is absolute: what is found by it, and remembered of
/// it, must not depend on where the caller stands.
pub fn path(options: &Options) -> Option<Given<PathBuf>> {
    let from_flag = options.config.clone().map(|value| Given { value, origin: Origin::Flag("--config") });
    let usual = || env::project_dirs().map(|dirs| Given::default(dirs.config_dir().join("config.toml")));
    from_flag.or_else(|| env::path(env::CONFIG)).or_else(usual).map(|given| given.map(absolute))
}

/// The path from the root. In a working directory that is gone it stays as it is, and leads nowhere.
fn absolute(path: PathBuf) -> PathBuf {
    if path.is_absolute() { path } else { std::path::absolute(&path).unwrap_or(path) }
}

/// The configuration file's path and content. One that is named must exist.
fn configuration(options: &Options) -> Result<(Option<PathBuf>, Option<ConfigFile>), Failure> {
    let Some(Given { value: path, origin }) = path(options) else {
        return Ok((None, None));
    };
    let config = file::read_until(&path, || patience_ends(options))?;
    if config.is_none() && !matches!(origin, Origin::Default) {
        let problem = format!("there is no configuration file {} (from {origin})", path.display());
        return Err(Failure::settings(problem).hint("check the path"));
    }
    Ok((Some(path), config))
}

/// The text as one word of a shell's command line: it is meant to be pasted.
pub fn shell_word(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/@%+=:,".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", one_line(text).replace('\'', r"'\''"))
}

fn unknown(name: &Given<String>, place: &Place) -> Failure {
    let problem = format!("there is no profile \"{}\" (from {})", one_line(&name.value), name.origin);
    let file = place.file.as_ref().map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
    Failure::settings(problem).hint(if place.profiles.is_empty() {
        format!("{file} has no profiles: write one that begins with [profiles.NAME]")
    } else {
        format!("{file} has {}", place.profiles.join(", "))
    })
}
