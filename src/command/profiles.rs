//! `profiles`: the names of all profiles, one a line, for the completions of `--profile`.

use crate::cli::Options;
use crate::command;
use crate::config::{file, profile};

/// Prints the names; none where there is no configuration, or none that can be read.
///
/// # Errors
/// Stdout cannot be written.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let config = profile::path(options).and_then(|given| file::read(&given.value).ok().flatten());
    let profiles = config.unwrap_or_default().profiles;
    // A name with a newline in it would look like two.
    let names = profiles.keys().filter(|name| !name.contains(char::is_control));
    let lines: Vec<_> = names.map(|name| format!("{name}\n")).collect();
    Ok(command::write(lines.concat().as_bytes())?)
}
