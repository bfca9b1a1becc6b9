//! The Go SDK's own file, `~/.spotinst/credentials`: INI with a permanent token. It is read, never written.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret_source::{SecretSetting, SecretSource};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::bounded_read;
use crate::sys::env;
use crate::sys::secret::Secret;
use crate::text::one_line;

/// No such file is longer, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// What the file holds for one profile.
#[derive(Debug)]
pub struct SdkCredentials {
    /// The permanent token.
    pub token: SecretSetting,
    /// The account.
    pub account: Option<Sourced<String>>,
}

/// The file's path: of `SPOTINST_CREDENTIALS_FILE`, else in the home directory.
pub fn path() -> Option<Sourced<PathBuf>> {
    let usual = || env::home().map(|home| Sourced::default(home.join(".spotinst").join("credentials")));
    env::path(env::SDK_FILE).or_else(usual)
}

/// What the file holds for the profile of `SPOTINST_CREDENTIALS_PROFILE`, or `default`. Nothing where there is no such
/// file, profile or token, and no variable that asks for one. A pipe in its place has until the deadline.
///
/// # Errors
/// A file that `SPOTINST_CREDENTIALS_FILE` names cannot be read, or the usual one exists and cannot; or a file or profile
/// that is asked for has no token.
pub fn read(deadline: impl FnOnce() -> Instant) -> Result<Option<SdkCredentials>, Error> {
    let Some(Sourced { value: path, source: origin }) = path() else {
        return Ok(None);
    };
    let text = match text(&path, deadline) {
        Ok(text) => text,
        Err(error) if is_absent(&error) && matches!(origin, ValueSource::Default) => return Ok(None),
        Err(error) => {
            return Err(unreadable(&Sourced { value: path, source: origin }, &error));
        }
    };
    let profile = env::text(env::SDK_PROFILE)?.unwrap_or_else(|| Sourced::default("default".to_owned()));
    let found = parse(&text, &profile.value, &path);
    let is_asked_for = [&origin, &profile.source].into_iter().any(|origin| !matches!(origin, ValueSource::Default));
    if found.is_none() && is_asked_for {
        return Err(without_token(&Sourced { value: path, source: origin }, &profile));
    }
    Ok(found)
}

/// The file's text.
fn text(path: &Path, deadline: impl FnOnce() -> Instant) -> io::Result<Zeroizing<String>> {
    let (_, mut bytes) = bounded_read::file(path, LARGEST, deadline)?;
    let text = String::from_utf8(std::mem::take(&mut *bytes));
    text.map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        io::ErrorKind::InvalidData.into()
    })
}

/// Whether there is no such file. A home like /dev/null is one without files.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(path: &Sourced<PathBuf>, error: &io::Error) -> Error {
    let file = describe(path);
    match error.kind() {
        io::ErrorKind::TimedOut => Error::read_timed_out(&file),
        io::ErrorKind::InvalidData => Error::config(format!("{file} is not valid UTF-8")).hint("save it in UTF-8"),
        io::ErrorKind::FileTooLarge => Error::config(format!("{file} cannot be read: it is longer than 1 MiB"))
            .hint("check the path and its permissions"),
        _ => Error::config(format!("{file} cannot be read: {error}")).hint("check the path and its permissions"),
    }
}

/// The failure of a file that was to have a token and has none.
fn without_token(path: &Sourced<PathBuf>, profile: &Sourced<String>) -> Error {
    let (file, section, origin) = (describe(path), one_line(&profile.value), profile.source.in_parentheses());
    Error::config(format!("{file} has no token in [{section}]{origin}"))
        .hint("correct the variable, or unset it and set up the credentials of a grant")
}

fn describe(path: &Sourced<PathBuf>) -> String {
    format!("the credentials file {}{}", path.value.display(), path.source.in_parentheses())
}

/// The token and account of one profile in the file's text.
pub fn parse(text: &str, profile: &str, path: &Path) -> Option<SdkCredentials> {
    let path: Rc<Path> = path.into();
    let given = |key: &str| {
        value(text, profile, key)
            .map(|(line, value)| Sourced { value, source: ValueSource::File { path: Rc::clone(&path), line } })
    };
    let token = given("token")?;
    Some(SdkCredentials {
        token: SecretSetting {
            name: "token",
            secret: SecretSource::Value(Secret::from(token.value)),
            source: token.source,
        },
        account: given("account"),
    })
}

/// The value of a key in a section, and its line. Where it stands more than once the last one counts, as in the SDK.
fn value(text: &str, section: &str, key: &str) -> Option<(usize, String)> {
    let mut found = None;
    let mut is_inside = false;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_inside = header.trim() == section;
        } else if is_inside
            && !line.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once(['=', ':'])
            && name.trim() == key
            && !unquoted(value).is_empty()
        {
            found = Some((index + 1, unquoted(value).to_owned()));
        }
    }
    found
}

/// A value without a comment behind it and without the quotes that some people put around it. A comment begins at the
/// first `#` or `;`, as the SDK has it: neither is part of any token or account.
fn unquoted(value: &str) -> &str {
    let value = value.split(['#', ';']).next().unwrap_or_default().trim();
    let strip = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    strip('"').or_else(|| strip('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests;
