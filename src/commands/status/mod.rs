//! `status`: what is set and from where, and the state of the cached token. It makes no request, fetches no secret, runs
//! no command and changes nothing; only `--check` asks the API, and the secret stores, which may prompt.

mod cache_state;
mod report;
mod text;

use std::time::Instant;

use crate::cli::Options;
use crate::commands;
use crate::config::Config;
use crate::config::report::ConfigReport;
use crate::config::secret_store::{StoreCall, StoreItem};
use crate::error::Error;
use crate::get_token::deadlines::Deadlines;
use crate::get_token::{provider, stored_refresh_token};
use crate::oauth::api::{self, Account};
use report::{Check, Report, StoreCheck};

/// Prints the report as text or JSON. With `check`, asks the API first whether the token is accepted. Fails if no
/// token can be obtained without the user.
pub fn run(json: bool, check: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = ConfigReport::resolve(&options.flags)?;
    let check = if check {
        // Before the stores, because getting a token may put a refresh token into one.
        let accounts = accounts(&config, options, started)?;
        Some(Check::new(accounts, ask_stores(&config, started)))
    } else {
        None
    };
    let report = Report::new(config, check);
    let document = if json { format!("{}\n", serde_json::to_value(&report)?) } else { text::document(&report) };
    commands::print_document(document.as_bytes())?;
    report.error.map_or(Ok(()), |error| Err(error.into()))
}

/// A short form of `status --check`.
pub fn whoami(options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = ConfigReport::resolve(&options.flags)?;
    let check = Check::new(accounts(&config, options, started)?, Vec::new());
    let document = text::identity(&Report::new(config, Some(check)));
    commands::print_document(document.as_bytes())
}

/// Gets a token like any other call, and lists the accounts that it can access.
fn accounts(report: &ConfigReport, options: &Options, started: Instant) -> anyhow::Result<Vec<Account>> {
    let config = report.config.as_ref().map_err(Error::clone)?;
    let token = commands::token(config, options, started)?;
    let deadline = Deadlines { started, limits: config.limits }.call_end();
    Ok(api::accounts(&token.value, &config.api_url()?, &config.transport()?, deadline)?)
}

/// Checks that the secret stores return the secrets.
fn ask_stores(report: &ConfigReport, started: Instant) -> Vec<StoreCheck> {
    let Ok(config) = &report.config else { return Vec::new() };
    let deadline = Deadlines { started, limits: config.limits }.call_end();
    let asked = stored(config).into_iter().map(|item| StoreCheck {
        problem: match item.get(StoreCall { identity: None, deadline }) {
            Ok(Some(_)) => None,
            Ok(None) => Some(format!("{} has no {}", item.store, item.secret)),
            Err(error) => Some(error.message),
        },
        secret: item.secret,
        store: item.store,
    });
    asked.collect()
}

/// The secrets of this profile that should be in secret stores.
fn stored(config: &Config) -> Vec<StoreItem> {
    let cache = provider::cache(config);
    let refresh_token = cache.as_ref().and_then(|cache| {
        let token = cache.read().refresh_token?;
        Some(stored_refresh_token::item(token.value.store()?, cache))
    });
    config.profile().stored_secrets().cloned().chain(refresh_token).collect()
}
