//! Fetches tokens from a command, for `grant = "command"`. The command prints a token, or a document as `--format json`
//! prints it. So a profile can use another machine, a vault, or another tool.

use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;

use super::deadlines::RefreshDeadlines;
use crate::config::provider::CommandConfig;
use crate::config::secret_source::CommandContext;
use crate::error::{Error, ErrorKind, Result};
use crate::format::json::VERSION;
use crate::oauth::IssuedTokens;
use crate::settings;
use crate::sys::process::Stderr;
use crate::sys::secret::Secret;
use crate::sys::{clock, printer};
use crate::token::{AccessToken, MAX_LIFETIME, is_account, is_bearer_token, jwt_expiry, later, whole_second};

/// Runs the command and parses its output. Its stderr is discarded if the caller already has a usable token.
pub fn fetch(
    config: &CommandConfig,
    identity: Option<&str>,
    has_usable_token: bool,
    deadlines: RefreshDeadlines,
) -> Result<IssuedTokens> {
    let name = format!("the token command from {}", config.setting.source);
    printer::debug(|| format!("running {name}"));
    let _progress = printer::progress(&name);
    let asked_at = whole_second(clock::now());
    let stderr = if has_usable_token && !printer::is_chatty() { Stderr::Discard } else { Stderr::Forward };
    // A failed command is like a server error, so it may be temporary.
    let context = CommandContext { dir: Some(&config.dir), identity, stderr, failed: ErrorKind::Temporary };
    let printed = config.setting.run(&config.command, &context, deadlines.commands_end)?;
    let access = parse(&printed, asked_at).map_err(|problem| {
        Error::temporary(format!("{name} prints {problem}")).hint(format!(
            "it must print what `spotinst-cred {} json` prints, or a token alone",
            settings::FORMAT.flag()
        ))
    })?;
    Ok(IssuedTokens { access, refresh: None })
}

/// The document of `--format json`, which other programs may print, too. Unknown fields are ignored.
#[derive(Deserialize)]
struct Document {
    version: u64,
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<f64>,
    expiry: Option<String>,
    account: Option<String>,
}

/// Parses the token that was requested at `asked_at`. The error says what is wrong, but never contains the text.
fn parse(printed: &Secret, asked_at: OffsetDateTime) -> std::result::Result<AccessToken, &'static str> {
    let text = printed.expose().trim_start();
    let token = if text.starts_with('{') {
        parse_document(text, asked_at)?
    } else {
        AccessToken { value: printed.clone(), obtained_at: asked_at, expires_at: None, account: None }
    };
    if !is_bearer_token(token.value.expose()) {
        return Err("a token with characters that RFC 6750 does not allow");
    }
    match token.expires_at.or_else(|| jwt_expiry(token.value.expose())) {
        Some(at) if at <= asked_at => Err("a token that has already expired (is this machine's clock right?)"),
        expires_at => Ok(AccessToken { expires_at, ..token }),
    }
}

/// Parses a document. Its `expiry` takes precedence over `expires_in`, which is wrong if the document was stored. Both
/// already include a safety margin, and this program's output subtracts its own margin again: that costs a minute of
/// the token's lifetime, but avoids guessing the other program's margin.
fn parse_document(text: &str, asked_at: OffsetDateTime) -> std::result::Result<AccessToken, &'static str> {
    let document: Document = serde_json::from_str(text).map_err(|_| "JSON that is not a document of version 1")?;
    let value = Secret::from(document.access_token);
    if document.version != u64::from(VERSION) {
        return Err("a JSON document of an unknown version");
    }
    if document.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err("a token type other than Bearer");
    }
    if document.account.as_deref().is_some_and(|account| !is_account(account)) {
        return Err("an account that is not an account id");
    }
    let seconds = |seconds: f64| Duration::from_secs(seconds.clamp(0.0, MAX_LIFETIME.as_secs_f64()) as u64);
    let expires_at = match (&document.expiry, document.expires_in) {
        (Some(text), _) => Some(parse_expiry(text).ok_or("an expiry that is not a time such as 2026-11-23T20:00:00Z")?),
        (None, expires_in) => expires_in.map(|value| later(asked_at, seconds(value))),
    };
    Ok(AccessToken { value, obtained_at: asked_at, expires_at, account: document.account })
}

/// Parses an RFC 3339 time in UTC, and drops its fraction.
fn parse_expiry(text: &str) -> Option<OffsetDateTime> {
    humantime::parse_rfc3339(text).ok().map(|at| whole_second(OffsetDateTime::from(at)))
}
