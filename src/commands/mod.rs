//! The commands, one file or folder each, and what they share.

pub mod completions;
pub mod exec;
pub mod get;
pub mod invalidate;
pub mod login;
pub mod logout;
pub mod print;
pub mod profiles;
pub mod status;

use std::fmt;
use std::time::Instant;

use serde::Serialize;

use crate::cli::Options;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::format::Credential;
use crate::get_token::deadlines::Deadlines;
use crate::get_token::decisions::TokenRequest;
use crate::get_token::get_token;
use crate::sdk_file::DEFAULT_SECTION;
use crate::sys::clock;
use crate::sys::stdout::{self, WriteError};
use crate::token::AccessToken;

/// An error in a JSON document.
#[derive(Serialize)]
pub struct Problem {
    pub message: String,
    pub hint: Option<String>,
}

impl From<Error> for Problem {
    fn from(Error { message, hint, .. }: Error) -> Self {
        Self { message, hint }
    }
}

/// Gets the token for a command, in a call that began at `started`.
pub fn token(config: &Config, options: &Options, started: Instant) -> Result<AccessToken> {
    let request = TokenRequest { min_ttl: config.min_ttl, force: options.force_refresh };
    get_token(config, request, Deadlines { started, limits: config.limits })
}

/// The token with the configured account, else with the one that came with it.
pub fn credential<'a>(token: &'a AccessToken, config: &'a Config) -> Credential<'a> {
    let account = config.account.as_deref().or(token.account.as_deref());
    Credential { token, account, section: DEFAULT_SECTION, now: clock::now() }
}

/// Writes the one document to stdout.
pub fn print_document(document: &[u8]) -> anyhow::Result<()> {
    stdout::write(document).map_err(|error| {
        let hint = match error {
            WriteError::BrokenPipe => return OutputClosed.into(),
            WriteError::Closed | WriteError::NotWritable => {
                "run it with a stdout that is open for writing; `>/dev/null` discards the output"
            }
            WriteError::Io(_) => "check where stdout goes: its disk may be full",
        };
        Error::other(format!("cannot write to stdout: {error}")).hint(hint).into()
    })
}

/// stdout is a closed pipe: an error that is not printed.
#[derive(Debug)]
pub struct OutputClosed;

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads stdout")
    }
}

impl std::error::Error for OutputClosed {}
