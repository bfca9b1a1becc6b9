//! Reads the token from the SDKs' credentials file, `~/.spotinst/credentials`, if nothing else is configured.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use super::secret_source::{SecretSetting, SecretSource};
use crate::error::{Error, Result};
use crate::sdk_file::{self, ACCOUNT, DEFAULT_SECTION, Entry, SdkFile, TOKEN};
use crate::settings::{self, Setting};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::bounded_read::{self, ReadFile};
use crate::sys::env;
use crate::sys::missing::is_missing;
use crate::text::one_line;

const MAX_FILE: u64 = 1024 * 1024;

/// The token and account of one section.
#[derive(Debug)]
pub struct SdkCredentials {
    pub token: SecretSetting,
    pub account: Option<Sourced<String>>,
}

/// Reads the section that the caller names, else that of the variables, else `default`. Returns `None` if there is no
/// file and no variable names one. Reading from a pipe stops at the deadline.
///
/// Fails if the file has no token in that section.
pub fn read(section: Option<&Sourced<String>>, deadline: impl FnOnce() -> Instant) -> Result<Option<SdkCredentials>> {
    let Some(path) = path()? else {
        return Ok(None);
    };
    let ReadFile { bytes, .. } = match bounded_read::file(&path.value, MAX_FILE, deadline) {
        Ok(read) => read,
        // A symbolic link without a target is there, but cannot be read.
        Err(error) if is_missing(&error) && !path.value.is_symlink() && path.source.is_default() => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Err(Error::unreadable(&describe(&path), &io::Error::other("it is longer than 1 MiB")));
        }
        Err(error) => return Err(Error::unreadable(&describe(&path), &error)),
    };
    let section = match section {
        Some(named) => named.clone(),
        None => section_by_variable()?.unwrap_or_else(|| Sourced::default(DEFAULT_SECTION.to_owned())),
    };
    let not_utf8 = |_| Error::config(format!("{} is not valid UTF-8", describe(&path))).hint("save it in UTF-8");
    let text = str::from_utf8(&bytes).map_err(not_utf8)?;
    if sdk_file::is_marked(text) {
        let (what, hint) = if sdk_file::is_as_written(text) {
            ("holds only a token that spotinst-cred wrote there", "run `spotinst-cred login`")
        } else {
            ("was written by spotinst-cred, and then edited", "to use its token, delete its first line")
        };
        return Err(Error::config(format!("not logged in: {} {what}", describe(&path))).hint(hint));
    }
    let file = SdkFile::parse(text).map_err(|error| {
        Error::config(format!("{} {} (line {})", describe(&path), error.problem, error.line))
            .hint(format!("write a line [{DEFAULT_SECTION}], and below it `{TOKEN} = …` and `{ACCOUNT} = …`"))
    })?;
    find(&file, &section.value, &path.value)
        .map_or_else(|| Err(no_token(&file, &section, &path)), |found| Ok(Some(found)))
}

/// The file that the variables name, else the one in the home directory.
fn path() -> Result<Option<Sourced<PathBuf>>> {
    let named = settings::SDK_FILE.variables.iter().filter_map(|name| env::path(name)).collect();
    let default = || env::home().map(|home| Sourced::default(home.join(".spotinst").join("credentials")));
    Ok(only_one(&settings::SDK_FILE, named)?.or_else(default))
}

fn section_by_variable() -> Result<Option<Sourced<String>>> {
    let mut named = Vec::new();
    for name in settings::SDK_PROFILE.variables {
        named.extend(env::text(&[*name])?);
    }
    only_one(&settings::SDK_PROFILE, named)
}

/// The value of the variables, each of which is read by a different SDK. Different values are an error: they could be
/// tokens of two accounts.
fn only_one<T: PartialEq>(setting: &Setting, named: Vec<Sourced<T>>) -> Result<Option<Sourced<T>>> {
    let mut named = named.into_iter();
    let Some(first) = named.next() else {
        return Ok(None);
    };
    match named.find(|other| other.value != first.value) {
        Some(other) => {
            let problem = format!("{} and {} set the {} to different values", first.source, other.source, setting.name);
            Err(Error::config(problem).hint("unset one of them"))
        }
        None => Ok(Some(first)),
    }
}

fn describe(path: &Sourced<PathBuf>) -> String {
    format!("the credentials file {}{}", path.value.display(), path.source.in_parentheses())
}

fn find(file: &SdkFile, section: &str, path: &Path) -> Option<SdkCredentials> {
    let path: Rc<Path> = path.into();
    let source = |entry: &Entry| ValueSource::File { path: Rc::clone(&path), line: entry.line };
    let token = file.get(section, TOKEN)?;
    let account = file.get(section, ACCOUNT);
    Some(SdkCredentials {
        token: SecretSetting {
            name: settings::TOKEN.name,
            secret: SecretSource::Value(token.value.clone()),
            source: source(token),
        },
        account: account.map(|entry| Sourced { value: entry.value.expose().to_owned(), source: source(entry) }),
    })
}

fn no_token(file: &SdkFile, section: &Sourced<String>, path: &Sourced<PathBuf>) -> Error {
    let (name, source) = (one_line(&section.value), section.source.in_parentheses());
    let problem = format!("{} has no token in [{name}]{source}", describe(path));
    let sections: Vec<_> = file.sections().into_iter().map(one_line).collect();
    Error::config(problem).hint(if sections.is_empty() {
        format!("write `{TOKEN} = …` below a line [{name}], or move the file away and run `spotinst-cred login`")
    } else {
        format!("it has tokens in {}: choose one with {}", sections.join(", "), settings::PROFILE.flag())
    })
}
