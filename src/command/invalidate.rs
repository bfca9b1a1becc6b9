//! `invalidate`: drops the cached access token if it is the one that was rejected. A late report about an old token
//! throws no good new one away.

use std::io::{self, IsTerminal};
use std::time::Instant;

use crate::cache::Replaced;
use crate::cache::entry::Entry;
use crate::cli::Options;
use crate::config::{Settings, TokenSource};
use crate::error::{Error, ErrorKind};
use crate::secret_source::MAX_SECRET;
use crate::sys::bounded_read;
use crate::sys::printer;
use crate::sys::secret::Secret;
use crate::token::is_bearer_token;

/// What stdin must hold.
const USE: &str = "printf %s \"$SPOTINST_TOKEN\" | spotinst-cred invalidate";

/// Reads the rejected token on stdin and forgets it. The refresh token stays, as nobody has rejected it, unless the
/// cache cannot be written: a rejected token must not be handed out again.
///
/// # Errors
/// There is no token on stdin, a setting is wrong, somebody holds the lock for too long, or the cache cannot be
/// written.
pub fn run(options: &Options, started: Instant) -> anyhow::Result<()> {
    let settings = Settings::resolve(options, started)?;
    let rejected = rejected_token(settings.budget.call_ends())?;
    let is_cached = |entry: &Entry| entry.token.as_ref().is_some_and(|token| token.value.is_same(&rejected));
    let Some(cache) = settings.source.cache().filter(|cache| is_cached(&cache.read())) else {
        printer::note("that is not the cached token; nothing was changed");
        return Ok(());
    };
    let lock = cache.require(cache.lock_until(settings.budget.call_ends()))?;
    let entry = lock.read();
    if is_cached(&entry) {
        let next = Entry { token: None, ..entry };
        let superseded = lock.replace_or_remove(&next).map_err(|error| {
            Error::other(format!("cannot write {}: {error}", cache.path().display()))
                .hint("check its permissions and the room on the disk")
        })?;
        if let (Replaced::Removed(why), Some(hint)) = (superseded, lost_login(&settings.source, &next)) {
            let what = "the token is forgotten, and the login with it";
            printer::note(&format!("{what}, as {} cannot be written: {why}; {hint}", cache.path().display()));
            return Ok(());
        }
    }
    printer::note("the token is forgotten; the next call gets a new one");
    Ok(())
}

/// The next step where the entry's refresh token is all that a login left; without it only a person gets a new token.
fn lost_login(source: &TokenSource, entry: &Entry) -> Option<String> {
    match source {
        TokenSource::Endpoint(endpoint) if entry.refresh_token.is_some() => endpoint.login_hint(),
        _ => None,
    }
}

/// The token on stdin, less one trailing newline.
fn rejected_token(deadline: Instant) -> Result<Secret, Error> {
    let problem = |what: &str| Error::new(ErrorKind::Usage, what).hint(USE);
    if io::stdin().is_terminal() {
        return Err(problem("stdin is a terminal; invalidate reads the rejected token there"));
    }
    let bytes = bounded_read::stdin(MAX_SECRET, deadline).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => problem("what stdin holds is no token"),
        io::ErrorKind::TimedOut => problem("stdin was not closed in time").kind(ErrorKind::Temporary),
        _ => problem(&format!("stdin cannot be read: {error}")),
    })?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(problem("there is no token on stdin")),
        Ok(text) if is_bearer_token(text) => Ok(Secret::from(text.to_owned())),
        _ => Err(problem("what stdin holds is no token")),
    }
}
