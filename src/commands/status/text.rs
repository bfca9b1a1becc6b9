//! The report for a person: one fact a line.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::cache_state::{CacheState, Stage, TokenState};
use super::report::Report;
use crate::config::provider::TokenProvider;
use crate::config::report::{ConfigReport, DisplayValue, ReportedSetting};
use crate::oauth::api::Account;
use crate::settings::TOKEN;
use crate::sourced::{Sourced, ValueSource};
use crate::sys::color::Color;
use crate::text::printable;

/// Width of the names, in columns.
const NAMES: usize = 14;

/// The whole report.
pub fn document(report: &Report) -> Vec<u8> {
    let config = &report.config;
    let mut lines = Vec::new();
    let profile = config.profile.as_ref().map_or_else(|| "none".to_owned(), |given| from(&given.value, &given.source));
    lines.push(line("profile", &profile));
    lines.extend(config.settings.iter().map(|setting| line(setting.name, &value(setting))));
    lines.extend(cache(report));
    lines.extend(places(config));
    if let Some(accounts) = &report.accounts {
        lines.extend(checked(accounts));
    }
    lines.concat().into_bytes()
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

fn value(setting: &ReportedSetting) -> String {
    let value = match &setting.value {
        DisplayValue::Text(text) => text.clone(),
        DisplayValue::Secret => "set".to_owned(),
        DisplayValue::SecretFile(path) => format!("set, in the file {}", path.display()),
        DisplayValue::SecretCommand => "set, by a command".to_owned(),
        DisplayValue::Typed => "typed at each `spotinst-cred login`".to_owned(),
        DisplayValue::Unset => return "not set".to_owned(),
    };
    setting.source.as_ref().map_or_else(|| value.clone(), |source| from(&value, source))
}

/// The token and what is beside it, and what is missing for another.
fn cache(report: &Report) -> Vec<String> {
    let mut lines = match (&report.cache, report.provider()) {
        (Some(cache), _) => cache_lines(cache),
        (None, Ok(TokenProvider::Static(_))) => {
            vec![line(TOKEN.name, "permanent: it is printed as it is, and nothing is cached")]
        }
        (None, Ok(_)) => vec![line(TOKEN.name, "no cache is used")],
        (None, Err(_)) => vec![line(TOKEN.name, "none")],
    };
    if let Some(failure) = report.problem() {
        lines.push(painted_line("trouble", &Color::Red.paint(&failure.message, &io::stdout())));
        lines.extend(failure.hint.map(|hint| line("hint", &hint)));
    }
    lines
}

fn cache_lines(cache: &CacheState) -> Vec<String> {
    let mut lines = vec![
        painted_line(TOKEN.name, &token(&cache.token)),
        painted_line("refresh token", &token(&cache.refresh_token)),
    ];
    if let Some(failure) = &cache.failure {
        let age = duration(failure.age);
        lines.push(line("last failure", &format!("{} ({age} ago)", failure.message)));
        let lifted = match failure.left {
            Some(left) => format!("in {}, or by {}", duration(left), failure.lifted_by),
            None => "now: the next call that needs a token asks again".to_owned(),
        };
        lines.push(line("lifted", &lifted));
    }
    let lock = match &cache.is_locked {
        Ok(true) => "held by another process",
        Ok(false) => "free",
        Err(error) => error.as_str(),
    };
    lines.push(line("lock", &format!("{lock}, {}", cache.lock_path.display())));
    let trouble = cache.trouble.as_ref().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
    lines.push(line("cache file", &format!("{}{trouble}", cache.path.display())));
    lines
}

/// A token's state and what is left of its token.
fn token(token: &TokenState) -> String {
    let color = match token.stage {
        Stage::Fresh | Stage::Alive => Color::Green,
        Stage::Aging => Color::Yellow,
        Stage::None | Stage::Due | Stage::Dead => Color::Red,
    };
    let state = color.paint(token.stage.name(), &io::stdout());
    match token.left {
        Some(left) if left.is_zero() => format!("{state}, its time is over"),
        Some(left) => format!("{state}, {} left", duration(left)),
        None if token.stage == Stage::None => state,
        None => format!("{state}, of unknown life"),
    }
}

/// The paths, and whether there is anything.
fn places(config: &ConfigReport) -> Vec<String> {
    let place = |name, given: Option<&Sourced<PathBuf>>| match given {
        Some(Sourced { value, source }) => {
            let missing = if value.exists() { "" } else { " (not there)" };
            line(name, &from(&format!("{}{missing}", value.display()), source))
        }
        None => line(name, "none"),
    };
    vec![place("configuration", config.config_file.as_ref()), place("cache", config.cache_dir.as_ref())]
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
