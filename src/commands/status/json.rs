//! The report for a program: one JSON document, on one line.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::cache_state::{CacheState, PastFailure, TokenState};
use super::report::Report;
use crate::config::report::{DisplayValue, ReportedSetting};
use crate::sourced::{Sourced, ValueSource};

/// The version of the document.
const VERSION: u8 = 1;

/// The whole report.
pub fn document(report: &Report) -> Vec<u8> {
    let config = &report.config;
    let settings: Map<String, Value> = config.settings.iter().map(|one| (key(one.name), setting(one))).collect();
    let profile = config.profile.as_ref();
    let mut members = Map::from_iter([
        ("version".to_owned(), VERSION.into()),
        ("profile".to_owned(), json!(profile.map(|one| json!({"value": one.value, "from": from(&one.source)})))),
        ("settings".to_owned(), settings.into()),
        ("configuration".to_owned(), place(config.config_file.as_ref())),
        ("cache".to_owned(), place(config.cache_dir.as_ref())),
        ("problem".to_owned(), problem(report)),
    ]);
    members.extend(report.cache.iter().flat_map(cache_members));
    if let Some(accounts) = &report.accounts {
        let accounts: Vec<_> = accounts.iter().map(|one| json!({"id": one.id, "name": one.name})).collect();
        members.insert("check".to_owned(), json!({"accepted": true, "accounts": accounts}));
    }
    format!("{}\n", Value::Object(members)).into_bytes()
}

/// Where a value came from, a file with its whole path.
fn from(source: &ValueSource) -> String {
    match source {
        ValueSource::Default => "default".to_owned(),
        source => source.to_string(),
    }
}

/// `user name` as a key: `user_name`.
fn key(name: &str) -> String {
    name.to_lowercase().replace(' ', "_")
}

fn setting(setting: &ReportedSetting) -> Value {
    let from = setting.source.as_ref().map(from);
    match &setting.value {
        DisplayValue::Text(text) => json!({"value": text, "from": from}),
        DisplayValue::Secret => json!({"secret": "value", "from": from}),
        DisplayValue::SecretFile(path) => json!({"secret": "file", "path": path.display().to_string(), "from": from}),
        DisplayValue::SecretCommand => json!({"secret": "command", "from": from}),
        DisplayValue::Typed => json!({"secret": "login", "from": from}),
        DisplayValue::Unset => Value::Null,
    }
}

fn place(given: Option<&Sourced<PathBuf>>) -> Value {
    given.map_or(Value::Null, |given| {
        let path = given.value.display().to_string();
        json!({"path": path, "from": from(&given.source), "exists": given.value.exists()})
    })
}

/// What is missing for a new token to be had.
fn problem(report: &Report) -> Value {
    report.problem().map_or(Value::Null, |failure| json!({"message": failure.message, "hint": failure.hint}))
}

fn cache_members(cache: &CacheState) -> Map<String, Value> {
    let is_held = cache.is_locked.as_ref().ok();
    let lock = json!({
        "path": cache.lock_path.display().to_string(),
        "held": is_held,
        "trouble": cache.is_locked.as_ref().err(),
    });
    Map::from_iter([
        ("token".to_owned(), token(&cache.token)),
        ("refresh_token".to_owned(), token(&cache.refresh_token)),
        ("failure".to_owned(), cache.failure.as_ref().map_or(Value::Null, failure)),
        ("lock".to_owned(), lock),
        ("cache_file".to_owned(), json!({"path": cache.path.display().to_string(), "trouble": cache.trouble})),
    ])
}

fn token(token: &TokenState) -> Value {
    json!({
        "state": token.stage.name(),
        "expires_at": token.expires_at.map(OffsetDateTime::unix_timestamp),
        "seconds_left": token.left.map(|left| left.as_secs()),
    })
}

fn failure(failure: &PastFailure) -> Value {
    json!({
        "message": failure.message,
        "seconds_ago": failure.age.as_secs(),
        "seconds_left": failure.left.map(|left| left.as_secs()),
        "lifted_by": failure.lifted_by,
    })
}
