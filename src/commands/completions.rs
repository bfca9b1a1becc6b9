//! `completions`: prints the scripts of `contrib/completions`. They are generated from the command line's definition when
//! it changes, not at run time.

use crate::cli::Shell;
use crate::commands;

pub fn run(shell: Shell) -> anyhow::Result<()> {
    let script = match shell {
        Shell::Bash => include_str!("../../contrib/completions/spotinst-cred.bash"),
        Shell::Elvish => include_str!("../../contrib/completions/spotinst-cred.elv"),
        Shell::Fish => include_str!("../../contrib/completions/spotinst-cred.fish"),
        Shell::Powershell => include_str!("../../contrib/completions/_spotinst-cred.ps1"),
        Shell::Zsh => include_str!("../../contrib/completions/_spotinst-cred"),
    };
    commands::print_document(script.as_bytes())
}
