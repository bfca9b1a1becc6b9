//! `status`: what is set and from where, and the state of the cached token. It makes no request, fetches no secret, runs
//! no command and changes nothing; only `--check` asks the API.

mod cache_state;
mod json;
mod report;
mod text;

use std::time::Instant;

use crate::cli::Options;
use crate::commands;
use crate::config::report::ConfigReport;
use crate::error::Error;
use crate::get_token::deadlines::Deadlines;
use crate::get_token::provider;
use crate::oauth::api::{self, Account};
use crate::sys::clock;
use cache_state::CacheState;
use report::Report;

/// Prints the report, as text or JSON; with `check` after asking the API whether the token is accepted.
pub fn run(json: bool, check: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = ConfigReport::resolve(&options.flags)?;
    let accounts = if check { Some(accounts(&config, options, started)?) } else { None };
    let cache = config.config.as_ref().ok().and_then(provider::cache);
    let cache = cache.map(|cache| CacheState::read(&cache, clock::now()));
    let report = Report { config, cache, accounts };
    let document = if json { json::document(&report) } else { text::document(&report) };
    commands::print_document(&document)
}

/// Gets a token as any call does, and asks the API what it sees.
fn accounts(report: &ConfigReport, options: &Options, started: Instant) -> anyhow::Result<Vec<Account>> {
    let config = report.config.as_ref().map_err(Error::clone)?;
    let token = commands::token(config, options, started)?;
    let deadline = Deadlines { started, limits: config.limits }.call_end();
    Ok(api::accounts(&token.value, &report.api_url, &report.transport, deadline)?)
}
