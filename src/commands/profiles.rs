//! `profiles`: lists the profiles of the configuration.

use crate::cli::Options;
use crate::commands;
use crate::config::profile::DEFAULT_NAME;
use crate::config::{file, profile};

/// Prints the names, one on each line, the default marked. With `names_only` nothing else, and nothing at all where the
/// configuration cannot be read: completions have no use for an error.
pub fn run(names_only: bool, options: &Options) -> anyhow::Result<()> {
    let deadline = || profile::read_deadline(&options.flags);
    let config = match profile::path(&options.flags).map(|path| file::read(&path.value, deadline)) {
        Some(Err(error)) if !names_only => return Err(error.into()),
        read => read.and_then(Result::ok).flatten().unwrap_or_default(),
    };
    let default = config.default_profile.as_ref().map_or(DEFAULT_NAME, |name| &name.value);
    // A name with a newline in it would look like two.
    let names = config.profiles.keys().filter(|name| !name.contains(char::is_control));
    let line = |name: &String| match !names_only && name == default {
        true => format!("{name} (default)\n"),
        false => format!("{name}\n"),
    };
    commands::print_document(names.map(line).collect::<String>().as_bytes())
}
