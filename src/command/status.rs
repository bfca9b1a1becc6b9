//! `status`: what is set and from where, and how the cached token is. It asks nobody, fetches no secret, runs no
//! command and changes nothing; only `--check` asks the API.

mod json;
mod state;
mod text;

use std::time::Instant;

use state::{Stage, State};

use crate::cli::Options;
use crate::command;
use crate::config::TokenSource;
use crate::config::overview::Overview;
use crate::error::Error;
use crate::oauth::api::{self, Account};
use crate::sys::clock;

/// Everything that is reported.
struct Report {
    overview: Overview,
    /// The cached token, and what is beside it; nothing where there is no cache, or no identity to look it up by.
    state: Option<State>,
    /// What the token sees, if that was asked.
    accounts: Option<Vec<Account>>,
}

impl Report {
    /// What is missing for a new token to be had.
    fn problem(&self) -> Option<Error> {
        match self.overview.source() {
            Err(failure) => Some(failure.clone()),
            Ok(TokenSource::Endpoint(endpoint))
                if self.state.as_ref().is_none_or(|state| state.refresh_token.stage != Stage::Alive) =>
            {
                endpoint.missing()
            }
            Ok(_) => None,
        }
    }
}

/// Prints the report.
///
/// # Errors
/// A setting is wrong; with `check`, no token is to be had or it is not accepted; or stdout cannot be written.
pub fn run(json: bool, check: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let overview = Overview::resolve(options, started)?;
    let accounts = if check { Some(checked(&overview, options)?) } else { None };
    let cache = overview.source().ok().and_then(TokenSource::cache);
    let report = Report { state: cache.map(|cache| State::read(&cache, clock::now())), overview, accounts };
    let document = if json { json::document(&report) } else { text::document(&report) };
    Ok(command::write(&document)?)
}

/// Gets a token as any call does, and asks the API what it sees.
fn checked(overview: &Overview, options: &Options) -> anyhow::Result<Vec<Account>> {
    let settings = overview.call.as_ref().map_err(Error::clone)?;
    let token = command::token(options, settings)?;
    let deadline = settings.budget.call_ends();
    Ok(api::accounts(&token.value, &overview.api_url, &overview.transport, deadline)?)
}
