//! A secret from stdin, where that is no terminal.

use std::io::{self, IsTerminal};

use crate::error::{Error, Result};
use crate::sys::bounded_read;
use crate::sys::secret::Secret;

/// Reads stdin to its end. It has no time limit: a person at a password manager may write to it.
pub fn read(limit: u64, hint: &str) -> Result<Secret> {
    if io::stdin().is_terminal() {
        return Err(Error::config("the question cannot be shown: stderr is no terminal")
            .hint("run it with stderr at the terminal, or with the secret in a file as its stdin"));
    }
    let problem = |what: &str| Error::config(format!("stdin holds {what}")).hint(hint);
    let bytes = bounded_read::read(io::stdin().lock(), 0, limit).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => problem(&format!("more than {} KiB", limit / 1024)),
        _ => Error::other(format!("stdin cannot be read: {error}")).hint(hint),
    })?;
    Secret::from_line(bytes).ok_or_else(|| problem("what is not valid UTF-8"))
}
