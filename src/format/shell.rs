//! Formats that a shell evaluates. The quotes are for the reader's eye and for `~`: the values' alphabets hold nothing
//! that could end them.

use super::credential::Credential;

/// For `eval` in sh, bash, dash, zsh and ksh.
pub fn sh(credential: &Credential<'_>) -> Vec<u8> {
    credential.variables(|name, value| format!("export {name}='{value}'\n"))
}

/// For `source` in fish; global, and handed on to programs.
pub fn fish(credential: &Credential<'_>) -> Vec<u8> {
    credential.variables(|name, value| format!("set -gx {name} '{value}';\n"))
}

/// For `Invoke-Expression`.
pub fn powershell(credential: &Credential<'_>) -> Vec<u8> {
    credential.variables(|name, value| format!("$Env:{name}='{value}'\n"))
}
