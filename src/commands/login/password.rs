//! `login` with user name and password: asks a person for what is missing, verifies it by a real grant, and writes the
//! profile. A typed password goes to the server and nowhere else: what is kept of the login is the refresh token in the
//! cache.

use std::time::{Duration, Instant};

use super::account;
use super::answers::Answers;
use super::attempts::Attempts;
use super::console::{PERMANENT_TOKENS, TEMPORARY_TOKENS};
use super::log_in::{self, Login};
use super::storage::Storage;
use super::target::Target;
use crate::cli::Options;
use crate::config::cache_dir;
use crate::config::edit::Change;
use crate::config::profile::ProfileLocation;
use crate::config::provider::{EndpointConfig, is_password_grant};
use crate::config::sources::Sources;
use crate::error::{Error, Result};
use crate::get_token::deadlines::Deadlines;
use crate::settings::{self, Setting};
use crate::sourced::Sourced;
use crate::sys::{printer, prompt};
use crate::text::{duration, one_line};

pub fn run(options: &Options, secret_store: Option<&str>) -> anyhow::Result<()> {
    if !prompt::is_available() {
        return Err(no_terminal().into());
    }
    let mut target = Target::resolve(options)?;
    check(&target.sources, &target.location)?;
    check_identity(&target.sources)?;
    let cache_dir = log_in::check_cache_dir(cache_dir(&options.flags).map(|dir| dir.value))?;
    let writable = target.check_writable();
    let is_incomplete = Answers::are_missing(&target.sources)?;
    if is_incomplete {
        writable.clone()?;
    }
    introduce(&target, is_incomplete);
    let storage = Storage::choose(&mut target, secret_store, is_incomplete)?;
    if storage.changes_profile() {
        writable.clone()?;
    }
    let mut answers = Answers::ask(&target.sources, &storage)?;
    let mut attempts = Attempts::default();
    let login = loop {
        answers.complete(&mut target.sources.profile);
        let endpoint = EndpointConfig::resolve(&target.sources, &target.location)?;
        let deadlines = Deadlines { started: Instant::now(), limits: target.limits };
        match log_in::log_in(endpoint, target.sources.transport(), cache_dir.clone(), deadlines) {
            Ok(login) => break login,
            Err(error) => attempts.after(error, answers.typed())?,
        }
    };
    // Before the last question: the login is good without its answer.
    target.write(keep(&storage, &answers, &mut attempts)?)?;
    if writable.is_ok() && target.sources.account()?.is_none() {
        account::choose(&target, account::list(&target, &login.token.value))?;
    }
    conclude(&target, &answers, &login);
    Ok(storage.finish(login.left_refresh_token)?)
}

/// Puts the secrets where they are kept; returns what to write. A store that fails may be unlocked meanwhile.
fn keep(storage: &Storage, answers: &Answers, attempts: &mut Attempts) -> Result<Vec<Change>> {
    loop {
        let moved = storage.move_secrets();
        match moved.and_then(|moved| Ok([moved, answers.changes(storage)?].concat())) {
            Err(error) => attempts.after(error, Vec::new())?,
            changes => return changes,
        }
    }
}

/// Says what is written where, and where the values are that are asked for.
fn introduce(target: &Target, is_incomplete: bool) {
    let (name, path) = (target.name(), target.path.display());
    prompt::show(&format!("Logging in; what is missing goes into profile \"{name}\" of {path}\n"));
    if is_incomplete {
        let command = target.location.login_command();
        prompt::show(&format!(
            "The values are in the console, under Settings > Tokens:\n  client id and client secret  {TEMPORARY_TOKENS}\n  \
             permanent token              {PERMANENT_TOKENS}\nWith single sign-on use a permanent token: `{command} \
             --with-token`\n"
        ));
    }
}

fn conclude(target: &Target, answers: &Answers, login: &Login) {
    let condition = match answers.variables_needed() {
        [] => String::new(),
        names => format!(" with {} set", names.join(", ")),
    };
    printer::info(&format!("logged in; profile \"{}\" is complete{condition}", target.name()));
    if answers.is_typed() {
        printer::info(&lifetime(login.refresh_lifetime));
    }
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

/// How long the login lasts.
fn lifetime(refresh_lifetime: Option<Option<Duration>>) -> String {
    match refresh_lifetime {
        Some(Some(lifetime)) => {
            format!("the login lasts {}; the password is stored nowhere", duration(lifetime))
        }
        Some(None) => "the server did not say when the login expires; the password is stored nowhere".to_owned(),
        None => "the server gave no refresh token: the login lasts no longer than this token".to_owned(),
    }
}
