//! `invalidate`: forgets the cached access token if it is the one that was rejected. A late report about an old token
//! does not remove a newer one.

use std::io::{self, IsTerminal};
use std::time::Instant;

use crate::cache::Replaced;
use crate::cache::entry::Entry;
use crate::cli::Options;
use crate::config::secret_source::MAX_SECRET;
use crate::config::{self, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::get_token::deadlines::Deadlines;
use crate::get_token::provider;
use crate::sys::secret::Secret;
use crate::sys::{bounded_read, printer};
use crate::token::is_bearer_token;

const USAGE: &str = "printf %s \"$SPOTINST_TOKEN\" | spotinst-cred invalidate";

/// Reads the rejected token from stdin and removes it from the cache. The refresh token stays, unless the cache entry
/// cannot be rewritten: then the whole entry is removed, because a rejected token must not be returned again.
pub fn run(options: &Options, started: Instant) -> anyhow::Result<()> {
    let mut config = Config::resolve(&options.flags)?;
    config.cache_dir = config::certain_cache_dir(&options.flags)?.map(|dir| dir.value);
    let deadline = Deadlines { started, limits: config.limits }.call_end();
    let rejected = rejected_token(deadline)?;
    let is_cached = |entry: &Entry| entry.token.as_ref().is_some_and(|token| token.value.is_same(&rejected));
    let cache = match provider::cache(&config) {
        Some(cache) if is_cached(&cache.read_for_certain()?) => cache,
        _ => {
            printer::note("that is not the cached token; nothing was changed");
            return Ok(());
        }
    };
    let lock = cache.require(cache.lock_until(deadline))?;
    // Read again, as a refresh may have replaced it.
    let entry = cache.read_for_certain()?;
    if is_cached(&entry) {
        let next = Entry { token: None, ..entry };
        let replaced = lock.replace_or_remove(&next).map_err(|error| {
            Error::other(format!("cannot write {}: {error}", cache.path().display()))
                .hint("check its permissions and the room on the disk")
        })?;
        if let (Replaced::Removed(error), Some(hint)) = (replaced, lost_login(&config, &next)) {
            let what = "the token is forgotten, and the login with it";
            printer::note(&format!("{what}, as {} cannot be written: {error}; {hint}", cache.path().display()));
            return Ok(());
        }
    }
    printer::note("the token is forgotten; the next call gets a new one");
    Ok(())
}

/// The hint if the removed refresh token was that of a login.
fn lost_login(config: &Config, entry: &Entry) -> Option<String> {
    entry.refresh_token.as_ref().and_then(|_| provider::login_hint(config))
}

/// The token on stdin, without one trailing newline.
fn rejected_token(deadline: Instant) -> Result<Secret> {
    let problem = |what: &str| Error::new(ErrorKind::Usage, what).hint(USAGE);
    let not_a_token = || problem("stdin does not hold a token");
    if io::stdin().is_terminal() {
        return Err(problem("`invalidate` reads the rejected token from stdin, and stdin is a terminal"));
    }
    let bytes = bounded_read::stdin(MAX_SECRET, deadline).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => not_a_token(),
        io::ErrorKind::TimedOut => problem("stdin was not closed in time").kind(ErrorKind::Temporary),
        _ => problem(&format!("stdin cannot be read: {error}")),
    })?;
    let token = Secret::from_line(bytes).ok_or_else(not_a_token)?;
    match token.expose() {
        "" => Err(problem("there is no token on stdin")),
        text if is_bearer_token(text) => Ok(token),
        _ => Err(not_a_token()),
    }
}
