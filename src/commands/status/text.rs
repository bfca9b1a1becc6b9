//! Renders the report as text, one fact per line.

use std::io;
use std::time::Duration;

use super::cache_state::{CacheState, Loss, NO_TOKEN, TokenState};
use super::report::{Check, LoginEnd, Place, Report, StoreCheck, UnusableProfile};
use crate::config::report::{DisplayValue, ReportedValue};
use crate::settings::{ACCOUNT, CLIENT_ID, LOGIN, PROFILE, SECRET_STORE, TOKEN, USERNAME};
use crate::sourced::ValueSource;
use crate::text::{self, printable};

/// Width of the names, in columns.
const NAMES: usize = 14;

/// The lines that `whoami` prints.
const IDENTITY: [&str; 7] = [PROFILE.name, TOKEN.name, USERNAME.name, CLIENT_ID.name, ACCOUNT.name, "check", ""];

pub fn document(report: &Report) -> String {
    let profile = report.profile.as_ref().map_or_else(|| "none".to_owned(), |given| from(&given.value, &given.source));
    let mut lines = vec![line("profile", &profile)];
    let (given_token, settings): (Vec<_>, Vec<_>) = report.settings.iter().partition(|(name, _)| *name == TOKEN.name);
    // Before the first login, the list shows only the settings that are set.
    let is_shown =
        |value: &Option<ReportedValue>| !report.is_new || value.as_ref().is_some_and(|value| !value.from.is_default());
    let settings = settings.into_iter().filter(|(_, value)| is_shown(value));
    lines.extend(settings.map(|(name, value)| line(name, &shown(value.as_ref()))));
    let source: String = given_token.iter().map(|(_, value)| format!("; {}", shown(value.as_ref()))).collect();
    match &report.tokens {
        Some(tokens) => lines.extend(token_lines(tokens, &printable(&source), report.login_end.as_ref())),
        None => {
            let state = report.given_token.iter().map(|given| token(given) + "; ").collect::<String>();
            lines.push(painted_line(TOKEN.name, &(state + report.instead_of_tokens + &printable(&source))));
        }
    }
    for UnusableProfile { name, problem } in &report.unusable_profiles {
        lines.push(line("other profile", &format!("{name} cannot be used: {}", problem.message)));
        lines.extend(problem.hint.as_ref().map(|hint| line("hint", hint)));
    }
    lines.push(line("configuration", &place(report.configuration.as_ref())));
    lines.push(line("cache", &place(report.cache.as_ref())));
    lines.extend(report.check.iter().flat_map(checked));
    lines.concat()
}

/// Whose token it is, and which accounts it can access.
pub fn identity(report: &Report) -> String {
    let lines = document(report);
    let is_shown = |line: &&str| IDENTITY.iter().any(|name| line.starts_with(&format!("{name:<NAMES$} ")));
    lines.lines().filter(is_shown).map(|line| format!("{line}\n")).collect()
}

/// A name or a path may hold anything: control characters are shown as U+FFFD.
fn line(name: &str, text: &str) -> String {
    painted_line(name, &printable(text))
}

/// A line with a color in it.
fn painted_line(name: &str, text: &str) -> String {
    format!("{name:<NAMES$} {text}\n")
}

/// A value and where it came from.
fn from(value: &str, source: &ValueSource) -> String {
    match source {
        ValueSource::Default => format!("{value}, by default"),
        source => format!("{value}, from {}", source.short()),
    }
}

fn shown(given: Option<&ReportedValue>) -> String {
    let Some(ReportedValue { value, from: source }) = given else {
        return "not set".to_owned();
    };
    match value {
        DisplayValue::Text { value } => from(value, source),
        DisplayValue::Value => from("set", source),
        DisplayValue::File { path } => from(&format!("set, in the file {path}"), source),
        DisplayValue::Command => from("set, by a command", source),
        DisplayValue::Store { store } => from(&format!("set, in the secret store {store}"), source),
        DisplayValue::Login => from("typed at each `spotinst-cred login`", source),
    }
}

fn token_lines(tokens: &CacheState, source: &str, login_end: Option<&LoginEnd>) -> Vec<String> {
    let CacheState { token: access, refresh_token, lost_refresh_token, failure, lock, cache_file, .. } = tokens;
    let mut lines =
        vec![painted_line(TOKEN.name, &(token(access) + source)), painted_line("refresh token", &token(refresh_token))];
    if let Some(Loss { reason, seconds_ago }) = lost_refresh_token {
        lines.push(line("lost", &format!("{reason} ({} ago)", duration(*seconds_ago))));
    }
    if let Some(LoginEnd { seconds_left, hint }) = login_end {
        lines.push(line(LOGIN.name, &format!("ends in {}; to renew it, {hint}", duration(*seconds_left))));
    }
    if let Some(failure) = failure {
        let age = duration(failure.seconds_ago);
        lines.push(line("last failure", &format!("{} ({age} ago)", failure.message)));
        let lifted = match failure.seconds_left {
            Some(left) => format!("in {}, or by {}", duration(left), failure.lifted_by),
            None => "now: the next call that needs a token asks again".to_owned(),
        };
        lines.push(line("lifted", &lifted));
    }
    let holder = lock.holder.as_ref().map(|holder| format!(" ({})", holder.text)).unwrap_or_default();
    let held = match &lock.trouble {
        Some(trouble) => trouble.clone(),
        None if lock.held == Some(true) => format!("held by another process{holder}"),
        None => "free".to_owned(),
    };
    lines.push(line("lock", &format!("{held}, {}", lock.path)));
    let trouble = cache_file.trouble.as_ref().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
    lines.push(line("cache file", &format!("{}{trouble}", cache_file.path)));
    lines
}

/// A token's state and what is left of its lifetime.
fn token(token: &TokenState) -> String {
    let state = token.color.paint(token.state, &io::stdout());
    let place = token.store.as_ref().map(|store| format!(", in the secret store {store}")).unwrap_or_default();
    let life = match token.seconds_left {
        Some(0) => format!("{state}, expired"),
        Some(left) => format!("{state}, {} left", duration(left)),
        None if token.state == NO_TOKEN => state,
        None => format!("{state}, no known expiry"),
    };
    life + &place
}

fn place(place: Option<&Place>) -> String {
    let Some(Place { path, from: source, exists }) = place else {
        return "none".to_owned();
    };
    from(&format!("{path}{}", if *exists { "" } else { " (not there)" }), source)
}

fn checked(Check { accounts, problem, stores, .. }: &Check) -> Vec<String> {
    let api = match problem {
        Some(error) => error.message.clone(),
        None => format!("the API accepts the token; accounts seen: {}", accounts.len()),
    };
    let mut lines = vec![line("check", &api)];
    lines.extend(accounts.iter().map(|account| line("", &format!("{} {}", account.id, account.name))));
    lines.extend(stores.iter().map(|StoreCheck { store, secret, problem }| {
        let answer =
            problem.as_ref().map_or_else(|| format!("{store} returns the {secret}"), |error| error.message.clone());
        line(SECRET_STORE.name, &answer)
    }));
    lines
}

fn duration(seconds: u64) -> String {
    text::duration(Duration::from_secs(seconds))
}
