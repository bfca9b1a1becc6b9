//! `login`: asks a person for what is missing, verifies it by a real grant, and writes the profile. The password that
//! is typed goes to the server and nowhere else: what is kept of the login is the refresh token in the cache.

mod answers;
mod grant;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use answers::Answers;

use crate::cli::Options;
use crate::config::edit::{self, Change};
use crate::config::file::{self, ConfigFile, Profile};
use crate::config::profile::{self, Place, Selected};
use crate::config::{self, credentials};
use crate::error::Error;
use crate::oauth::api;
use crate::sourced::Sourced;
use crate::sys::printer;
use crate::sys::prompt;
use crate::text::one_line;
use crate::token::AccessToken;

/// Logs in.
///
/// # Errors
/// There is no terminal, a setting is wrong, the server refuses, or nothing can be written.
pub fn run(options: &Options) -> anyhow::Result<()> {
    if !prompt::is_available() {
        return Err(no_terminal().into());
    }
    let (path, mut selected) = target(options)?;
    let name = selected.place.profile.as_ref().map(|given| given.value.clone()).unwrap_or_default();
    prompt::show(&format!("Logging in; what is missing goes into profile \"{name}\" of {}\n", path.display()));
    let answers = Answers::ask(&selected.profile)?;
    answers.complete(&mut selected.profile);
    let credentials = credentials::Credentials::resolve(&selected.profile)?;
    let endpoint = credentials.endpoint(options, &selected)?;
    let budget = config::budget(options, &selected.profile, Instant::now())?;
    let granted = grant::log_in(&endpoint, &budget)?;
    let mut changes = answers.changes();
    changes.extend(account(&selected.profile, &granted.token, budget.exchange)?);
    edit::write(&path, &name, changes)?;
    printer::info(&format!("logged in; profile \"{name}\" is complete"));
    if answers.is_typed() {
        printer::info(&lasting(granted.refresh_life));
    }
    Ok(())
}

fn no_terminal() -> Error {
    Error::config("login asks questions, and there is no terminal").hint(
        "without one set SPOTINST_USERNAME, SPOTINST_PASSWORD or SPOTINST_PASSWORD_FILE, SPOTINST_CLIENT_ID, and \
         SPOTINST_CLIENT_SECRET or SPOTINST_CLIENT_SECRET_FILE: then spotinst-cred needs no login",
    )
}

/// The file and the profile that are to be written, with what they have already. Neither needs to exist.
fn target(options: &Options) -> Result<(PathBuf, Selected), Error> {
    let Some(Sourced { value: path, .. }) = profile::path(options) else {
        let problem = "there is no home directory, and so no place for a configuration";
        return Err(Error::config(problem).hint("name a file with --config or SPOTINST_CRED_CONFIG"));
    };
    edit::check_place(&path)?;
    let ConfigFile { default_profile, mut profiles } = file::read(&path)?.unwrap_or_default();
    let usual = || Sourced::default("default".to_owned());
    let name = profile::named(options)?.or(default_profile).unwrap_or_else(usual);
    let profile = profiles.remove(&name.value).unwrap_or_default();
    let place = Place { file: Some(path.clone()), profiles: vec![name.value.clone()], profile: Some(name) };
    check(&profile, &place)?;
    Ok((path, Selected { profile, place }))
}

/// Some profiles have no password to log in with, or nothing to keep of a login.
fn check(profile: &Profile, place: &Place) -> Result<(), Error> {
    let name = place.profile.as_ref().map(|given| one_line(&given.value)).unwrap_or_default();
    let refuse = |why| {
        let problem = format!("profile \"{name}\" {why}, so there is nothing to log in to");
        Err(Error::config(problem).hint("name another profile with --profile; it is made if it is missing"))
    };
    if profile.token.is_some() {
        return refuse("has a token of its own");
    }
    let credentials = credentials::Credentials::resolve(profile)?;
    if !credentials.is_password_grant(place)? {
        return refuse("uses client credentials");
    }
    match &profile.store_refresh_token {
        // A password that is set already is not asked for, and serves again.
        Some(Sourced { value: false, source: origin }) if credentials.password.is_none() => {
            let problem =
                format!("profile \"{name}\" stores no refresh token ({origin}), and nothing else keeps a login");
            Err(Error::config(problem)
                .hint("remove `store_refresh_token = false`, or set `password_file` or `password_command`"))
        }
        _ => Ok(()),
    }
}

/// Lets an account be chosen of those that the token sees, where none is set. The login is good without. The API has as
/// long as any `exchange`.
fn account(profile: &Profile, token: &AccessToken, exchange: Duration) -> Result<Option<Change>, Error> {
    if config::account(profile)?.is_some() {
        return Ok(None);
    }
    let (api_url, transport) = (credentials::api_url(profile.api_url.as_ref())?, credentials::transport(profile)?);
    let deadline = Instant::now() + exchange;
    let seen = match api::accounts(&token.value, &api_url.value, &transport, deadline) {
        Ok(seen) => seen,
        Err(failure) => {
            printer::info(&format!("the accounts could not be listed: {failure}"));
            return Ok(None);
        }
    };
    if seen.is_empty() {
        return Ok(None);
    }
    let lines: Vec<_> = seen.iter().zip(1..).map(|(one, n)| format!("  {n}  {}  {}\n", one.id, one.name)).collect();
    prompt::show(&format!("Account, for programs that need one\n{}", lines.concat()));
    let chosen = prompt::choose("none", seen.len())?.and_then(|number| seen.get(number - 1));
    Ok(chosen.map(|account| Change::new("account", &account.id)))
}

/// How long the login lasts.
fn lasting(refresh_life: Option<Option<Duration>>) -> String {
    match refresh_life {
        Some(Some(life)) => {
            format!("the login lasts {}; the password is stored nowhere", humantime::format_duration(life))
        }
        Some(None) => "the login lasts as long as the server likes; the password is stored nowhere".to_owned(),
        None => "the server gave no refresh token: the login lasts no longer than this token".to_owned(),
    }
}
