//! The grant of `grant = "command"`: a command prints a token, or the document that `--format json` prints. So a
//! profile can stand behind another machine, a vault, or another tool.

use serde::Deserialize;
use time::OffsetDateTime;

use crate::budget::RefreshLimits;
use crate::cache::Cache;
use crate::config::token_command::CommandSettings;
use crate::error::{Error, ErrorKind};
use crate::format::json::VERSION;
use crate::oauth::Granted;
use crate::refresh::{Ended, failed};
use crate::secret_source::Context;
use crate::sys::clock;
use crate::sys::printer;
use crate::sys::process::Stderr;
use crate::sys::secret::Secret;
use crate::token::{AccessToken, MAX_LIFETIME, is_account, is_bearer_token, jwt_expiry, later, whole_second};

/// Runs the command and takes what it prints for a token. What it says is not for a caller whose call succeeds without
/// it, `is_spare` says: that has a usable token in hand.
pub fn run(settings: &CommandSettings, is_spare: bool, limits: RefreshLimits) -> Ended {
    let name = format!("the token command from {}", settings.setting.source);
    printer::debug(|| format!("running {name}"));
    let _waiting = printer::progress(&name);
    let stderr = if is_spare && !printer::is_chatty() { Stderr::Discard } else { Stderr::Forward };
    let asked_at = whole_second(clock::now());
    let identity = settings.cache();
    let context = Context {
        dir: Some(&settings.dir),
        identity: identity.as_ref().map(Cache::identity),
        stderr,
        // The command is this grant's server: its failure may be temporary.
        failed: ErrorKind::Temporary,
    };
    let printed = settings.setting.run(&settings.command, &context, limits.commands_end);
    match printed.and_then(|printed| read(&printed, asked_at).map_err(|problem| garbage(&name, problem))) {
        Ok(token) => Ended::Granted(Granted { token, refresh_token: None }),
        Err(failure) => failed(failure),
    }
}

fn garbage(name: &str, problem: &str) -> Error {
    Error::temporary(format!("{name} prints {problem}"))
        .hint("it must print what `spotinst-cred --format json` prints, or a token alone")
}

/// Our own document, of which other programs may write theirs. What is not named here is not looked at.
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
fn read(printed: &Secret, asked_at: OffsetDateTime) -> Result<AccessToken, &'static str> {
    let text = printed.expose().trim_start();
    let token = if text.starts_with('{') {
        from_document(text, asked_at)?
    } else {
        AccessToken { value: printed.clone(), obtained_at: asked_at, expires_at: None, account: None }
    };
    if !is_bearer_token(token.value.expose()) {
        return Err("no token of the characters that RFC 6750 allows");
    }
    let expires_at = token.expires_at.or_else(|| jwt_expiry(token.value.expose()));
    match expires_at {
        Some(at) if at <= asked_at => Err("a token that is already dead (is this machine's clock right?)"),
        expires_at => Ok(AccessToken { expires_at, ..token }),
    }
}

/// The token of a document. Its `expiry` counts before its `expires_in`, which grows wrong where a document is kept
/// (in a vault, in a file). Both are told a little early by who wrote it, and this program tells its own hosts earlier
/// still: that costs a minute of a token's life, and no guess has to be made about who left which margin.
fn from_document(text: &str, asked_at: OffsetDateTime) -> Result<AccessToken, &'static str> {
    let document: Document = serde_json::from_str(text).map_err(|_| "no JSON document of version 1")?;
    let value = Secret::from(document.access_token);
    if document.version != u64::from(VERSION) {
        return Err("a JSON document of a version that is not known here");
    }
    if document.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err("a token that is no bearer token");
    }
    if document.account.as_deref().is_some_and(|account| !is_account(account)) {
        return Err("an account that is no account id");
    }
    let expires_at = match (&document.expiry, document.expires_in) {
        (Some(text), _) => Some(moment(text).ok_or("an expiry that is not like 2026-11-23T20:00:00Z")?),
        (None, Some(seconds)) => {
            Some(later(asked_at, std::time::Duration::from_secs(seconds.clamp(0.0, MAX_LIFETIME.as_secs_f64()) as u64)))
        }
        (None, None) => None,
    };
    Ok(AccessToken { value, obtained_at: asked_at, expires_at, account: document.account })
}

/// A moment of RFC 3339 in UTC, without its fraction.
fn moment(text: &str) -> Option<OffsetDateTime> {
    humantime::parse_rfc3339(text).ok().map(|at| whole_second(OffsetDateTime::from(at)))
}
