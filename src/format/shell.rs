//! Formats that a shell evaluates. The quotes prevent the expansion of `~`. The values cannot contain a quote.

use super::credential::Credential;

/// For `eval` in sh, bash, dash, zsh and ksh.
pub fn sh(credential: &Credential<'_>) -> Vec<u8> {
    credential.variables(|name, value| format!("export {name}='{value}'\n"))
}

/// For `source` in fish; global and exported.
pub fn fish(credential: &Credential<'_>) -> Vec<u8> {
    credential.variables(|name, value| format!("set -gx {name} '{value}';\n"))
}

/// For `Invoke-Expression`.
pub fn powershell(credential: &Credential<'_>) -> Vec<u8> {
    credential.variables(|name, value| format!("$Env:{name}='{value}'\n"))
}
