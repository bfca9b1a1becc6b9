//! Fetches tokens from a command, with `grant = "command"`. It prints a token, or the document that `--format json`
//! prints; so a profile can stand for another machine, a vault, or another tool.

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

/// Runs the command and parses what it prints. Its messages are not for a caller that has a usable token in hand.
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
    // The command is this provider's server: its failure may be temporary.
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

/// Our own document, which other programs may print, too. Other fields are ignored.
#[derive(Deserialize)]
struct Document {
    version: u64,
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<f64>,
    expiry: Option<String>,
    account: Option<String>,
}

/// The token that was asked for at `asked_at`, or what is wrong with the text; never the text itself.
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

/// The token of a document. Its `expiry` counts before its `expires_in`, which goes stale where a document is stored.
/// Both are a little early already, and this program advertises an earlier expiry still: that costs a minute of a
/// token's lifetime, and saves guessing which margin the other program applied.
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

/// A time of RFC 3339 in UTC, without its fraction.
fn parse_expiry(text: &str) -> Option<OffsetDateTime> {
    humantime::parse_rfc3339(text).ok().map(|at| whole_second(OffsetDateTime::from(at)))
}
