//! `login`: asks a person for what is missing, verifies it by a real grant, and writes the profile. A typed password goes
//! to the server and nowhere else: what is kept of the login is the refresh token in the cache.

mod answers;
mod log_in;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cli::Options;
use crate::config::edit::{self, Change};
use crate::config::profile::{self, DEFAULT_NAME, ProfileLocation};
use crate::config::profile_values::ConfigFile;
use crate::config::provider::{EndpointConfig, is_password_grant};
use crate::config::sources::Sources;
use crate::config::{Limits, cache_dir, file, limits};
use crate::error::{Error, Result};
use crate::get_token::deadlines::Deadlines;
use crate::oauth::api;
use crate::settings::{self, Setting};
use crate::sourced::Sourced;
use crate::sys::{printer, prompt};
use crate::text::one_line;
use crate::token::{AccessToken, is_account};
use answers::Answers;

pub fn run(options: &Options) -> anyhow::Result<()> {
    if !prompt::is_available() {
        return Err(no_terminal().into());
    }
    let (path, mut sources, location) = target(options)?;
    let cache_dir = log_in::check_cache_dir(cache_dir(&options.flags).map(|dir| dir.value))?;
    let writable = edit::check_writable(&path);
    if Answers::are_missing(&sources)? {
        writable.clone()?;
    }
    let name = location.profile_name();
    prompt::show(&format!("Logging in; what is missing goes into profile \"{name}\" of {}\n", path.display()));
    let answers = Answers::ask(&sources)?;
    answers.complete(&mut sources.profile);
    let endpoint = EndpointConfig::resolve(&sources, &location)?;
    let limits = limits(&sources)?;
    let deadlines = Deadlines { started: Instant::now(), limits };
    let login = log_in::log_in(endpoint, sources.transport(), cache_dir, deadlines)?;
    // Before the last question: the login is good without its answer.
    let write = |changes| edit::write(&path, name, changes, Instant::now() + limits.exchange);
    write(answers.changes())?;
    if writable.is_ok() {
        write(account(&sources, &login.token, limits)?.into_iter().collect())?;
    }
    let condition = match answers.variables_needed() {
        [] => String::new(),
        names => format!(" with {} set", names.join(", ")),
    };
    printer::info(&format!("logged in; profile \"{name}\" is complete{condition}"));
    if answers.is_typed() {
        printer::info(&lifetime(login.refresh_lifetime));
    }
    Ok(())
}

fn no_terminal() -> Error {
    let [username, password, client_id, client_secret] =
        [&settings::USERNAME, &settings::PASSWORD, &settings::CLIENT_ID, &settings::CLIENT_SECRET]
            .map(|setting| setting.variables.iter().take(1).copied().chain(setting.file_variable))
            .map(|variables| variables.collect::<Vec<_>>().join(" or "));
    Error::config("login asks questions, and there is no terminal").hint(format!(
        "without one set {username}, {password}, {client_id}, and {client_secret}: then spotinst-cred needs no login"
    ))
}

/// The file and the profile to write, with the values that are there already. Neither needs to exist.
fn target(options: &Options) -> Result<(PathBuf, Sources, ProfileLocation)> {
    let flags = &options.flags;
    let Some(Sourced { value: path, .. }) = profile::path(flags) else {
        let problem = "there is no home directory, and so no place for a configuration";
        let hint = format!("name a file with {}", settings::CONFIG.flag_or_variable());
        return Err(Error::config(problem).hint(hint));
    };
    if let Some(Sourced { value, source }) = profile::named(flags)?
        && value.is_empty()
    {
        let problem = format!("the profile's name from {source} is empty");
        return Err(Error::config(problem).hint("name it, or leave the option out"));
    }
    edit::check_place(&path)?;
    let config = file::read(&path, || profile::read_deadline(flags))?;
    let ConfigFile { default_profile, mut profiles } = config.unwrap_or_default();
    let default = || Sourced::default(DEFAULT_NAME.to_owned());
    let name = profile::named(flags)?.or(default_profile).unwrap_or_else(default);
    let profile = profiles.remove(&name.value).unwrap_or_default();
    let profiles = vec![name.value.clone()];
    let location = ProfileLocation { file: Some(path.clone()), profiles, profile: Some(name), sdk_section: None };
    let sources = Sources { flags: flags.clone(), profile };
    check(&sources, &location)?;
    check_identity(&sources)?;
    Ok((path, sources, location))
}

/// A login serves one identity: the next call, perhaps without the variable, must not look for another.
fn check_identity(sources: &Sources) -> Result<()> {
    for setting in IDENTITY {
        let (Some(given), Some(profile)) = (sources.text(setting)?, sources.profile.text(setting)) else {
            continue;
        };
        if given.value != profile.value {
            let problem = format!("{} and {} name two values of the {}", given.source, profile.source, setting.name);
            let flag = settings::PROFILE.flag();
            return Err(Error::config(format!("{problem}, and a login is for one"))
                .hint(format!("unset {}, or name another profile with {flag}", given.source)));
        }
    }
    Ok(())
}

/// Some profiles have no password to log in with, or nothing to keep of a login.
fn check(sources: &Sources, location: &ProfileLocation) -> Result<()> {
    let name = one_line(location.profile_name());
    let refuse = |why| {
        let problem = format!("profile \"{name}\" {why}, so there is nothing to log in to");
        let flag = settings::PROFILE.flag();
        Err(Error::config(problem).hint(format!("name another profile with {flag}; it is made if it is missing")))
    };
    if sources.profile.secret(&settings::TOKEN).is_some() {
        return refuse("has a token of its own");
    }
    if !is_password_grant(sources, location)? {
        return refuse("uses client credentials");
    }
    match sources.profile.boolean(&settings::STORE_REFRESH_TOKEN) {
        // A password that is set already is not asked for, and serves again.
        Some(Sourced { value: false, source }) if sources.secret(&settings::PASSWORD)?.is_none() => {
            let problem =
                format!("profile \"{name}\" stores no refresh token ({source}), and nothing else keeps a login");
            let (store, password) = (settings::STORE_REFRESH_TOKEN.key(), &settings::PASSWORD);
            Err(Error::config(problem).hint(format!(
                "remove `{store} = false`, or set `{}` or `{}`",
                password.file_key(),
                password.command_key()
            )))
        }
        _ => Ok(()),
    }
}

/// The settings that tell one login from another.
const IDENTITY: [&Setting; 5] =
    [&settings::USERNAME, &settings::CLIENT_ID, &settings::GRANT, &settings::TOKEN_URL, &settings::REFRESH_URL];

/// Lets the person choose an account of those that the token sees, where none is set. The login is good without.
fn account(sources: &Sources, token: &AccessToken, limits: Limits) -> Result<Option<Change>> {
    if sources.account()?.is_some() {
        return Ok(None);
    }
    let (api_url, transport) = (sources.endpoint(&settings::API_URL)?, sources.transport()?);
    let deadline = Instant::now() + limits.exchange;
    let mut accounts = match api::accounts(&token.value, &api_url.value, &transport, deadline) {
        Ok(accounts) => accounts,
        Err(error) => {
            printer::info(&format!("the accounts could not be listed: {error}"));
            return Ok(None);
        }
    };
    // What is no account would make the profile unreadable.
    accounts.retain(|account| is_account(&account.id));
    if accounts.is_empty() {
        return Ok(None);
    }
    let lines: Vec<_> = accounts.iter().zip(1..).map(|(one, n)| format!("  {n}  {}  {}\n", one.id, one.name)).collect();
    prompt::show(&format!("Account, for programs that need one\n{}", lines.concat()));
    let chosen = prompt::choose("none", accounts.len()).unwrap_or_else(|error| {
        printer::info(&format!("no account was chosen: {error}"));
        None
    });
    let chosen = chosen.and_then(|number| accounts.get(number - 1));
    Ok(chosen.map(|account| Change::new(settings::ACCOUNT.key(), &account.id)))
}

/// How long the login lasts.
fn lifetime(refresh_lifetime: Option<Option<Duration>>) -> String {
    match refresh_lifetime {
        Some(Some(lifetime)) => {
            format!("the login lasts {}; the password is stored nowhere", humantime::format_duration(lifetime))
        }
        Some(None) => "the server did not say when the login expires; the password is stored nowhere".to_owned(),
        None => "the server gave no refresh token: the login lasts no longer than this token".to_owned(),
    }
}
