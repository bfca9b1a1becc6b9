//! The Go SDK's own file, `~/.spotinst/credentials`: INI with a permanent token. It is read, never written.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::env;
use super::origin::{Given, Origin};
use crate::failure::Failure;
use crate::secret::{Secret, SecretSetting, Source};

/// What the file holds for one profile.
#[derive(Debug)]
pub struct SdkCredentials {
    /// The permanent token.
    pub token: SecretSetting,
    /// The account.
    pub account: Option<Given<String>>,
}

/// The file's path: of `SPOTINST_CREDENTIALS_FILE`, else in the home directory.
pub fn path() -> Option<Given<PathBuf>> {
    let usual = || env::home().map(|home| Given::default(home.join(".spotinst").join("credentials")));
    env::path(env::SDK_FILE).or_else(usual)
}

/// What the file holds for the profile of `SPOTINST_CREDENTIALS_PROFILE`, or `default`. Nothing where there is no such
/// file, profile or token.
///
/// # Errors
/// A file that `SPOTINST_CREDENTIALS_FILE` names cannot be read, or the usual one exists and cannot.
pub fn read() -> Result<Option<SdkCredentials>, Failure> {
    let Some(Given { value: path, origin }) = path() else {
        return Ok(None);
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && matches!(origin, Origin::Default) => {
            return Ok(None);
        }
        Err(error) => {
            let problem = format!("cannot read the credentials file {} (from {origin}): {error}", path.display());
            return Err(Failure::settings(problem).hint("check the path and its permissions"));
        }
    };
    let profile = env::text(env::SDK_PROFILE)?.map_or_else(|| "default".to_owned(), |given| given.value);
    Ok(parse(&text, &profile, &path))
}

/// The token and account of one profile in the file's text.
pub fn parse(text: &str, profile: &str, path: &Path) -> Option<SdkCredentials> {
    let path: Rc<Path> = path.into();
    let given = |key: &str| {
        value(text, profile, key)
            .map(|(line, value)| Given { value, origin: Origin::File { path: Rc::clone(&path), line } })
    };
    let token = given("token")?;
    Some(SdkCredentials {
        token: SecretSetting { what: "token", source: Source::Value(Secret::from(token.value)), origin: token.origin },
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

/// A value without the quotes that some people put around it.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let strip = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    strip('"').or_else(|| strip('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests;
