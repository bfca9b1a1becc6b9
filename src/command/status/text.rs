//! The report for a person: one fact a line.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Report;
use super::state::{Life, Stage, State};
use crate::config::TokenSource;
use crate::config::overview::{Overview, Setting, Shown};
use crate::oauth::api::Account;
use crate::sourced::{Sourced, ValueSource};
use crate::sys::color::Color;

/// Width of the names, in columns.
const NAMES: usize = 14;

/// The whole report.
pub fn document(report: &Report) -> Vec<u8> {
    let overview = &report.overview;
    let mut lines = Vec::new();
    let profile =
        overview.profile.as_ref().map_or_else(|| "none".to_owned(), |given| from(&given.value, &given.source));
    lines.push(line("profile", &profile));
    lines.extend(overview.settings.iter().map(|setting| line(setting.name, &value(setting))));
    lines.extend(cache(report));
    lines.extend(places(overview));
    if let Some(accounts) = &report.accounts {
        lines.extend(checked(accounts));
    }
    lines.concat().into_bytes()
}

fn line(name: &str, text: &str) -> String {
    format!("{name:<NAMES$} {text}\n")
}

/// A value and where it came from.
fn from(value: &str, origin: &ValueSource) -> String {
    match origin {
        ValueSource::Default => format!("{value}, by default"),
        origin => format!("{value}, from {}", origin.short()),
    }
}

fn value(setting: &Setting) -> String {
    let value = match &setting.value {
        Shown::Text(text) => text.clone(),
        Shown::Secret => "set".to_owned(),
        Shown::SecretFile(path) => format!("set, in the file {}", path.display()),
        Shown::SecretCommand => "set, by a command".to_owned(),
        Shown::Typed => "typed at each `spotinst-cred login`".to_owned(),
        Shown::Unset => return "not set".to_owned(),
    };
    setting.origin.as_ref().map_or_else(|| value.clone(), |origin| from(&value, origin))
}

/// The token and what is beside it, and what is missing for another.
fn cache(report: &Report) -> Vec<String> {
    let mut lines = match (&report.state, report.overview.source()) {
        (Some(state), _) => state_lines(state),
        (None, Ok(TokenSource::Permanent(_))) => {
            vec![line("token", "permanent: it is printed as it is, and nothing is cached")]
        }
        (None, Ok(_)) => vec![line("token", "no cache is used")],
        (None, Err(_)) => vec![line("token", "none")],
    };
    if let Some(failure) = report.problem() {
        lines.push(line("trouble", &Color::Red.paint(&failure.message, &io::stdout())));
        lines.extend(failure.hint.map(|hint| line("hint", &hint)));
    }
    lines
}

fn state_lines(state: &State) -> Vec<String> {
    let mut lines = vec![line("token", &life(&state.token)), line("refresh token", &life(&state.refresh_token))];
    if let Some(failure) = &state.failure {
        let age = duration(failure.age);
        lines.push(line("last failure", &format!("{} ({age} ago)", failure.message)));
        let lifted = match failure.left {
            Some(left) => format!("in {}, or by {}", duration(left), failure.lifted_by),
            None => "now: the next call that needs a token asks again".to_owned(),
        };
        lines.push(line("lifted", &lifted));
    }
    let lock = match &state.is_locked {
        Ok(true) => "held by another process",
        Ok(false) => "free",
        Err(error) => error.as_str(),
    };
    lines.push(line("lock", &format!("{lock}, {}", state.lock_path.display())));
    let trouble = state.trouble.as_ref().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
    lines.push(line("cache file", &format!("{}{trouble}", state.path.display())));
    lines
}

/// A token's state and what is left of its life.
fn life(life: &Life) -> String {
    let color = match life.stage {
        Stage::Fresh | Stage::Alive => Color::Green,
        Stage::Ageing => Color::Yellow,
        Stage::None | Stage::Due | Stage::Dead => Color::Red,
    };
    let state = color.paint(life.stage.name(), &io::stdout());
    match life.left {
        Some(left) if left.is_zero() => format!("{state}, its time is over"),
        Some(left) => format!("{state}, {} left", duration(left)),
        None if life.stage == Stage::None => state,
        None => format!("{state}, of unknown life"),
    }
}

/// The paths, and whether there is anything.
fn places(overview: &Overview) -> Vec<String> {
    let place = |name, given: Option<&Sourced<PathBuf>>| match given {
        Some(Sourced { value, source: origin }) => {
            let missing = if value.exists() { "" } else { " (not there)" };
            line(name, &from(&format!("{}{missing}", value.display()), origin))
        }
        None => line(name, "none"),
    };
    vec![place("configuration", overview.config.as_ref()), place("cache", overview.cache_dir.as_ref())]
}

fn checked(accounts: &[Account]) -> Vec<String> {
    let mut lines = vec![line("check", &format!("the API accepts the token; accounts seen: {}", accounts.len()))];
    lines.extend(accounts.iter().map(|account| line("", &format!("{} {}", account.id, account.name))));
    lines
}

/// Such as `1h 59m 58s`.
fn duration(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}
