//! The Go SDK's own file, `~/.spotinst/credentials`: INI with a permanent token. It is read, never written.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use super::secret_source::{SecretSetting, SecretSource};
use crate::error::{Error, Result};
use crate::settings;
use crate::sourced::{Sourced, ValueSource};
use crate::sys::secret::Secret;
use crate::sys::{bounded_read, env};
use crate::text::one_line;

const MAX_FILE: u64 = 1024 * 1024;

/// What the file holds for one profile.
#[derive(Debug)]
pub struct SdkCredentials {
    pub token: SecretSetting,
    pub account: Option<Sourced<String>>,
}

/// What the file holds for the profile that its variable names, or `default`. Nothing where there is no such file,
/// profile or token, and no variable that asks for one. A pipe instead of a file has until the deadline.
pub fn read(deadline: impl FnOnce() -> Instant) -> Result<Option<SdkCredentials>> {
    let default = || env::home().map(|home| Sourced::default(home.join(".spotinst").join("credentials")));
    let Some(path) = env::path(settings::SDK_FILE.variable()).or_else(default) else {
        return Ok(None);
    };
    let is_named = !path.source.is_default();
    let bytes = match bounded_read::file(&path.value, MAX_FILE, deadline) {
        Ok(read) => read.bytes,
        // A home like /dev/null is one without files.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) && !is_named => {
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Err(Error::unreadable(&describe(&path), &io::Error::other("it is longer than 1 MiB")));
        }
        Err(error) => return Err(Error::unreadable(&describe(&path), &error)),
    };
    let not_utf8 = |_| Error::config(format!("{} is not valid UTF-8", describe(&path))).hint("save it in UTF-8");
    let text = str::from_utf8(&bytes).map_err(not_utf8)?;
    let default = settings::SDK_PROFILE.default.unwrap_or_default();
    let profile = env::text(settings::SDK_PROFILE.variables)?.unwrap_or_else(|| Sourced::default(default.to_owned()));
    let found = parse(text, &profile.value, &path.value);
    if found.is_none() && (is_named || !profile.source.is_default()) {
        let (file, section, source) = (describe(&path), one_line(&profile.value), profile.source.in_parentheses());
        return Err(Error::config(format!("{file} has no token in [{section}]{source}"))
            .hint("correct the variable, or unset it and set up the credentials of a grant"));
    }
    Ok(found)
}

fn describe(path: &Sourced<PathBuf>) -> String {
    format!("the credentials file {}{}", path.value.display(), path.source.in_parentheses())
}

fn parse(text: &str, profile: &str, path: &Path) -> Option<SdkCredentials> {
    let path: Rc<Path> = path.into();
    let sourced = |key: &str| {
        let (line, value) = value(text, profile, key)?;
        Some(Sourced { value, source: ValueSource::File { path: Rc::clone(&path), line } })
    };
    let token = sourced("token")?;
    let secret = SecretSource::Value(Secret::from(token.value));
    Some(SdkCredentials {
        token: SecretSetting { name: settings::TOKEN.name, secret, source: token.source },
        account: sourced("account"),
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
