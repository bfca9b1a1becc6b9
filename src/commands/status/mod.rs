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
use crate::error::{Error, ErrorKind, Result};
use crate::get_token::deadlines::Deadlines;
use crate::get_token::{provider, stored_refresh_token};
use crate::oauth::api::{self, Account};
use report::{Check, Report, StoreCheck};

/// Prints the report as text or JSON. With `check`, asks the API first whether the token is accepted, and the secret
/// stores for their secrets. Fails if no token can be obtained without the user, or if a check failed.
pub fn run(json: bool, check: bool, options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = ConfigReport::resolve(&options.flags)?;
    let check = check.then(|| {
        // Before the stores, because getting a token may put a refresh token into one.
        let accounts = accounts(&config, options, started);
        Check::new(accounts, ask_stores(&config, started))
    });
    let report = Report::new(config, check);
    let document = if json { format!("{}\n", serde_json::to_value(&report)?) } else { text::document(&report) };
    commands::print_document(document.as_bytes())?;
    report.error().map_or(Ok(()), |error| Err(error.clone().into()))
}

/// A short form of `status --check`.
pub fn whoami(options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = ConfigReport::resolve(&options.flags)?;
    let check = Check::new(accounts(&config, options, started), Vec::new());
    let report = Report::new(config, Some(check));
    commands::print_document(text::identity(&report).as_bytes())?;
    report.error().map_or(Ok(()), |error| Err(error.clone().into()))
}

/// Gets a token like any other call, and lists the accounts that it can access.
fn accounts(report: &ConfigReport, options: &Options, started: Instant) -> Result<Vec<Account>> {
    let config = report.config.as_ref().map_err(Error::clone)?;
    let token = commands::token(config, options, started)?;
    let deadline = Deadlines { started, limits: config.limits }.call_end();
    api::accounts(&token.value, &config.api_url()?, &config.transport()?, deadline)
}

/// Checks that the secret stores return the secrets.
fn ask_stores(report: &ConfigReport, started: Instant) -> Vec<StoreCheck> {
    let Ok(config) = &report.config else { return Vec::new() };
    let deadline = Deadlines { started, limits: config.limits }.call_end();
    let asked = stored(config).into_iter().map(|(item, missing)| StoreCheck {
        problem: match item.get(StoreCall { identity: None, deadline }) {
            Ok(secret) => secret.is_none().then_some(missing),
            Err(error) => Some(error),
        },
        secret: item.secret,
        store: item.store,
    });
    asked.collect()
}

/// The secrets of this profile that should be in secret stores, each with the error for a missing one.
fn stored(config: &Config) -> Vec<(StoreItem, Error)> {
    let missing = |item: &StoreItem, kind, hint: Option<String>| {
        let error = Error::new(kind, format!("the secret store \"{}\" has no {}", item.store, item.secret));
        Error { hint, ..error }
    };
    let secrets = config.profile().stored_secrets().cloned().map(|item| {
        let error = missing(&item, ErrorKind::Config, Some(item.login_hint()));
        (item, error)
    });
    let refresh_token = provider::cache(config).and_then(|cache| {
        let token = cache.read().refresh_token?;
        let item = stored_refresh_token::item(token.value.store()?, &cache);
        let error = missing(&item, ErrorKind::Rejected, provider::login_hint(config));
        Some((item, error))
    });
    secrets.chain(refresh_token).collect()
}
