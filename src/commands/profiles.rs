//! `profiles`: lists the profiles of the configuration, and chooses the default.

use serde::Serialize;

use crate::cli::Options;
use crate::commands::{self, Problem};
use crate::config::flags::Flags;
use crate::config::profile::{self, DEFAULT_NAME, ProfileLocation};
use crate::config::profile_values::{ConfigFile, Profile};
use crate::config::{edit, file};
use crate::error::Result;
use crate::sourced::{Sourced, ValueSource};
use crate::sys::printer;
use crate::text::printable;

/// The document of `--json`.
#[derive(Serialize)]
struct Document {
    version: u8,
    profiles: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    /// Whether it is used if none is named.
    default: bool,
    /// Why it cannot be used.
    problem: Option<Problem>,
}

/// Prints one name per line, and marks the default and the invalid profiles. With `names_only` it prints only the
/// names, and nothing if the configuration cannot be read, because shell completion cannot show an error.
pub fn list(names_only: bool, options: &Options) -> anyhow::Result<()> {
    let profiles = match read(&options.flags) {
        Err(_) if names_only => Vec::new(),
        profiles => profiles?,
    };
    if profiles.is_empty() && !names_only {
        printer::note("there are no profiles; run `spotinst-cred login` to create one");
    }
    // A name with a newline would look like two names.
    let profiles = profiles.into_iter().filter(|profile| !profile.name.contains(char::is_control));
    let line = |Listed { name, default, problem }: Listed| match problem {
        _ if names_only => format!("{name}\n"),
        Some(problem) => format!("{name} (cannot be used: {})\n", problem.message),
        None if default => format!("{name} (default)\n"),
        None => format!("{name}\n"),
    };
    commands::print_document(printable(&profiles.map(line).collect::<String>()).as_bytes())
}

pub fn list_as_json(options: &Options) -> anyhow::Result<()> {
    let document = Document { version: 1, profiles: read(&options.flags)? };
    commands::print_document(format!("{}\n", serde_json::to_value(&document)?).as_bytes())
}

/// The profiles of the file; empty if there is no file.
fn read(flags: &Flags) -> Result<Vec<Listed>> {
    let deadline = || profile::read_deadline(flags);
    let config = profile::path(flags).map(|path| file::read(&path.value, deadline)).transpose()?.flatten();
    let ConfigFile { default_profile, profiles } = config.unwrap_or_default();
    let default = default_profile.as_ref().map_or(DEFAULT_NAME, |name| &name.value);
    let listed = |(name, profile): (String, Result<Profile>)| Listed {
        default: name == default,
        name,
        problem: profile.err().map(Problem::from),
    };
    Ok(profiles.into_iter().map(listed).collect())
}

/// Makes a profile the default.
pub fn choose(name: &str, options: &Options) -> anyhow::Result<()> {
    let flags = &options.flags;
    let path = profile::path_to_write(flags)?;
    let config = file::read(&path, || profile::read_deadline(flags))?.unwrap_or_default();
    let ConfigFile { mut profiles, .. } = config;
    let names = profiles.keys().cloned().collect();
    match profiles.remove(name) {
        Some(profile) => profile?,
        None => {
            let location = ProfileLocation { file: Some(path), profile: None, profiles: names, sdk_section: None };
            return Err(profile::unknown(&Sourced::default(name.to_owned()), &location).into());
        }
    };
    edit::set_default(&path, name, profile::read_deadline(flags))?;
    printer::note(&format!("profile \"{name}\" is the default now"));
    if let Some(Sourced { value, source: ValueSource::Variable(variable) }) = profile::named(flags)? {
        printer::info(&format!("{variable} is set to \"{value}\" and overrides the default"));
    }
    Ok(())
}
