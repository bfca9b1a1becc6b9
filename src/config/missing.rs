//! The error of values that are missing, with all the ways to give each.

use super::profile::ProfileLocation;
use crate::error::Error;
use crate::settings::{self, Setting};
use crate::sys::env;

/// The error of these missing values: all at once, as nobody wants to learn of them one by one.
pub fn missing(required: &[&'static Setting], location: &ProfileLocation) -> Error {
    let names: Vec<_> = required.iter().map(|setting| setting.name).collect();
    let mut problem = format!("there is no {}", names.join(", no "));
    let variables = required.iter().flat_map(|setting| setting.all_variables());
    let empty: Vec<_> = variables.filter(|name| env::is_empty(name)).collect();
    if !empty.is_empty() {
        problem.push_str(&format!(" (set, but empty: {})", empty.join(", ")));
    }
    let ways: Vec<_> = required.iter().map(|setting| ways(setting)).collect();
    Error::config(problem).hint(format!("{}; keys go into {}", ways.join("; "), location.describe()))
}

/// The error of a missing token command. Only the profile can give it: a variable that is run would be a trap.
pub fn missing_token_command(location: &ProfileLocation) -> Error {
    let key = settings::TOKEN.command_key();
    Error::config("there is no token command")
        .hint(format!("token command: `{key}`; keys go into {}", location.describe()))
}

fn ways(setting: &Setting) -> String {
    let variables: Vec<_> = setting.all_variables().collect();
    let keys: Vec<_> = setting.keys().iter().map(|key| format!("`{key}`")).collect();
    format!("{}: {} or {}", setting.name, variables.join(", "), keys.join(", "))
}
