//! `status --profiles`: the names of all profiles, one a line, for the completions of `--profile`.

use crate::cli::Options;
use crate::commands;
use crate::config::{file, profile};

/// Prints the names; none where there is no configuration, or none that can be read.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let deadline = || profile::read_deadline(&options.flags);
    let config = profile::path(&options.flags).and_then(|path| file::read(&path.value, deadline).ok().flatten());
    let profiles = config.unwrap_or_default().profiles;
    // A name with a newline in it would look like two.
    let names = profiles.keys().filter(|name| !name.contains(char::is_control));
    let lines: Vec<_> = names.map(|name| format!("{name}\n")).collect();
    commands::print_document(lines.concat().as_bytes())
}
