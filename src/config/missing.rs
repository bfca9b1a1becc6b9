//! The failure of values that are missing, each with all the ways to give it.

use super::profile::Place;
use crate::error::Error;
use crate::sys::env;

/// A setting that can be missing.
#[derive(Debug)]
pub struct Wanted {
    name: &'static str,
    variables: &'static [&'static str],
    keys: &'static [&'static str],
}

pub const USERNAME: Wanted = Wanted { name: "user name", variables: env::USERNAME, keys: &["username"] };

pub const PASSWORD: Wanted = Wanted {
    name: "password",
    variables: &[env::PASSWORD, env::PASSWORD_FILE],
    keys: &["password", "password_file", "password_command"],
};

pub const CLIENT_ID: Wanted = Wanted { name: "client id", variables: env::CLIENT_ID, keys: &["client_id"] };

pub const CLIENT_SECRET: Wanted = Wanted {
    name: "client secret",
    variables: &[env::CLIENT_SECRET, env::CLIENT_SECRET_FILE],
    keys: &["client_secret", "client_secret_file", "client_secret_command"],
};

pub const ACCOUNT: Wanted = Wanted { name: "account", variables: env::ACCOUNT, keys: &["account"] };

/// The one way to give it is the profile: a variable that is run would be a trap.
pub const TOKEN_COMMAND: Wanted = Wanted { name: "token command", variables: &[], keys: &["token_command"] };

/// These are missing: all at once, as nobody wants to be told one by one.
pub fn missing(wanted: &[&Wanted], place: &Place) -> Error {
    let names: Vec<_> = wanted.iter().map(|one| one.name).collect();
    let mut problem = format!("there is no {}", names.join(", no "));
    let variables = wanted.iter().flat_map(|one| one.variables);
    let empty: Vec<_> = variables.filter(|name| env::is_empty(name)).copied().collect();
    if !empty.is_empty() {
        problem.push_str(&format!(" (set, but empty: {})", empty.join(", ")));
    }
    let ways: Vec<_> = wanted.iter().map(|one| one.ways()).collect();
    Error::config(problem).hint(format!("{}; keys go into {}", ways.join("; "), place.describe()))
}

impl Wanted {
    /// All the ways to give it.
    fn ways(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(|key| format!("`{key}`")).collect();
        match self.variables {
            [] => format!("{}: {}", self.name, keys.join(", ")),
            variables => format!("{}: {} or {}", self.name, variables.join(", "), keys.join(", ")),
        }
    }
}
