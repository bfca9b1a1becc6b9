//! Reads a secret from stdin, if that is not a terminal.

use std::io::{self, IsTerminal};

use crate::error::{Error, Result};
use crate::sys::bounded_read;
use crate::sys::secret::Secret;

/// Reads stdin to its end. There is no time limit, because a password manager may prompt first.
pub fn read(limit: u64, hint: &str) -> Result<Secret> {
    if io::stdin().is_terminal() {
        return Err(Error::config("cannot prompt: stderr is not a terminal")
            .hint("run it with stderr on the terminal, or redirect stdin from a file that holds the secret"));
    }
    let problem = |what: &str| Error::config(format!("stdin holds {what}")).hint(hint);
    let bytes = bounded_read::read(io::stdin().lock(), 0, limit).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => problem(&format!("more than {} KiB", limit / 1024)),
        _ => Error::other(format!("stdin cannot be read: {error}")).hint(hint),
    })?;
    Secret::from_line(bytes).ok_or_else(|| problem("invalid UTF-8"))
}
