//! `completions`: the scripts of `contrib/completions`, which are generated from the command line's definition and
//! shipped. Nothing is generated at run time.

use clap::ValueEnum;

use crate::command;

/// The shells that there are completions for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    /// The script.
    fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("../../contrib/completions/spotinst-cred.bash"),
            Shell::Elvish => include_str!("../../contrib/completions/spotinst-cred.elv"),
            Shell::Fish => include_str!("../../contrib/completions/spotinst-cred.fish"),
            Shell::Powershell => include_str!("../../contrib/completions/_spotinst-cred.ps1"),
            Shell::Zsh => include_str!("../../contrib/completions/_spotinst-cred"),
        }
    }
}

/// Prints the script.
///
/// # Errors
/// Stdout cannot be written.
pub fn run(shell: Shell) -> anyhow::Result<()> {
    Ok(command::write(shell.script().as_bytes())?)
}
