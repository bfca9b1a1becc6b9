//! `status`: what is set and from where, and the state of the cached token. It makes no request, fetches no secret, runs
//! no command and changes nothing; only `--check` asks the API.

mod cache_state;
mod report;
mod text;

use std::time::Instant;

use crate::cli::Options;
use crate::commands;
use crate::config::report::ConfigReport;
use crate::error::Error;
use crate::get_token::deadlines::Deadlines;
use crate::oauth::api::{self, Account};
use report::Report;

/// Prints the report, as text or JSON; with `check` after asking the API whether the token is accepted.
pub fn run(json: bool, check: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = ConfigReport::resolve(&options.flags)?;
    let accounts = if check { Some(accounts(&config, options, started)?) } else { None };
    let report = Report::new(config, accounts);
    let document = if json { format!("{}\n", serde_json::to_value(&report)?) } else { text::document(&report) };
    commands::print_document(document.as_bytes())
}

/// The same with `--check`, in short.
pub fn whoami(options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = ConfigReport::resolve(&options.flags)?;
    let accounts = accounts(&config, options, started)?;
    let document = text::identity(&Report::new(config, Some(accounts)));
    commands::print_document(document.as_bytes())
}

/// Gets a token as any call does, and asks the API what it sees.
fn accounts(report: &ConfigReport, options: &Options, started: Instant) -> anyhow::Result<Vec<Account>> {
    let config = report.config.as_ref().map_err(Error::clone)?;
    let token = commands::token(config, options, started)?;
    let deadline = Deadlines { started, limits: config.limits }.call_end();
    Ok(api::accounts(&token.value, &config.api_url()?, &config.transport()?, deadline)?)
}
