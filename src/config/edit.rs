//! Edits a profile in a hand-written configuration file. Comments, order and other profiles stay unchanged.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};
use zeroize::Zeroizing;

use super::file::{self, MAX_FILE};
use super::profile::DEFAULT_NAME;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{self, DEFAULT_PROFILE};
use crate::sys::output_file::{self, WriteError};
use crate::sys::{bounded_read, drafts, file_lock, os};

#[derive(Clone)]
pub struct Change {
    pub key: String,
    /// `None` removes the key.
    pub value: Option<Value>,
    /// A comment for the line above a new key.
    pub comment: Option<&'static str>,
}

impl Change {
    pub fn new(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { key: key.into(), value: Some(value.into()), comment: None }
    }

    pub fn remove(key: impl Into<String>) -> Self {
        Self { key: key.into(), value: None, comment: None }
    }
}

/// Applies the changes to one profile, which is created if it is missing; the first profile of a file becomes the
/// default. Waits until the deadline for another login that is writing the file.
pub fn write(path: &Path, profile: &str, changes: Vec<Change>, deadline: Instant) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    rewrite(path, profile, deadline, |document| set_up(document, profile, changes))
}

/// Makes a profile the default.
pub fn set_default(path: &Path, profile: &str, deadline: Instant) -> Result<()> {
    rewrite(path, profile, deadline, |document| {
        apply(document.as_table_mut(), Change::new(DEFAULT_PROFILE, profile));
        Ok(())
    })
}

/// Rewrites the file, unless that would make it or this profile invalid.
fn rewrite(
    path: &Path,
    profile: &str,
    deadline: Instant,
    change: impl FnOnce(&mut DocumentMut) -> std::result::Result<(), &'static str>,
) -> Result<()> {
    let target = output_file::resolve(path).map_err(|error| unwritten(path, &error))?;
    // Without the lock, concurrent logins would overwrite each other's changes.
    let _lock = lock(path, &target, deadline)?;
    let before = read(path)?;
    // The parser's own message would show the line, which may hold a secret.
    let mut document: DocumentMut = before.parse().map_err(|_| unchanged(path, "it is not valid TOML"))?;
    change(&mut document).map_err(|what| unchanged(path, what))?;
    let text = with_line_ends_of(&before, document.to_string().into());
    file::check(path, &text, profile).map_err(|error| {
        unchanged(path, format!("the result would be invalid: {error}"))
            .hint(format!("write the profile by hand, or name another one with {}", settings::PROFILE.flag()))
    })?;
    output_file::write(&target, text.as_bytes()).map_err(|error| unwritten(path, &error))
}

/// The file's text; empty if it does not exist.
fn read(path: &Path) -> Result<Zeroizing<String>> {
    let problem = |what: &str| unchanged(path, what);
    let bytes = match bounded_read::regular_file(path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Zeroizing::default(),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(problem("it is not a regular file")),
        Err(error) => return Err(problem(&error.to_string()).hint("check the path and its permissions")),
    };
    let text = str::from_utf8(&bytes).map_err(|_| problem("it is not valid UTF-8"))?;
    Ok(text.to_owned().into())
}

/// The text with CRLF line ends if all those of `before` are: a changed document has LF. With both kinds, a string of
/// several lines keeps its own.
fn with_line_ends_of(before: &str, text: Zeroizing<String>) -> Zeroizing<String> {
    let crlf = before.matches("\r\n").count();
    if crlf == 0 || crlf < before.matches('\n').count() {
        return text;
    }
    // Strings of several lines still have CRLF.
    let lines = Zeroizing::new(text.replace("\r\n", "\n"));
    lines.replace('\n', "\r\n").into()
}

/// Applies the changes to one profile.
pub fn set_up(
    document: &mut DocumentMut,
    profile: &str,
    changes: Vec<Change>,
) -> std::result::Result<(), &'static str> {
    let is_first = !document.contains_key("profiles");
    if is_first && profile != DEFAULT_NAME && !document.contains_key(DEFAULT_PROFILE) {
        document.insert(DEFAULT_PROFILE, Item::Value(profile.into()));
    }
    let item = profile_item(document, profile).ok_or("`profiles` is not a table")?;
    let is_inline = item.is_inline_table();
    let table = item.as_table_like_mut().ok_or("the profile is not a table")?;
    // A comment needs a line of its own, which an inline table and a dotted key do not have.
    let takes_comments = !is_inline && !table.is_dotted();
    for change in changes {
        apply(table, Change { comment: change.comment.filter(|_| takes_comments), ..change });
    }
    Ok(())
}

/// Locks a file next to the configuration until the returned file is dropped. The lock file is never removed:
/// otherwise two processes could lock two different files of the same name.
fn lock(path: &Path, target: &Path, deadline: Instant) -> Result<File> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let file = target.with_file_name(name);
    let created = os::create_private_dir_for_owner(output_file::dir_of(target));
    created.and_then(|()| file_lock::lock_until(&file, deadline)).map_err(|error| {
        if error.kind() == io::ErrorKind::TimedOut {
            return file_lock::timed_out("login", &file);
        }
        unwritten(path, &WriteError::Io(error))
    })
}

/// Fails if root would write the configuration of another user.
pub fn check_place(path: &Path) -> Result<()> {
    let target = output_file::resolve(path).map_err(|error| unwritten(path, &error))?;
    match os::other_owner_of_place(output_file::dir_of(&target)) {
        Ok(None) => Ok(()),
        Ok(Some(owner)) => Err(unchanged(path, format!("its directory belongs to user {owner}, and you are root"))
            .hint("log in as that user, or keep root's own home: sudo -H spotinst-cred login")),
        Err(error) => Err(unwritten(path, &WriteError::Io(error))),
    }
}

/// Checks that the file can be written, before any question is asked.
pub fn check_writable(path: &Path) -> Result<()> {
    let target = output_file::resolve(path).map_err(|error| unwritten(path, &error))?;
    output_file::check_dir(output_file::dir_of(&target)).map_err(|error| unwritten(path, &WriteError::Io(error)))
}

/// Removes temporary files that killed logins left next to the file: they may hold secrets.
pub fn remove_abandoned_drafts(path: &Path) -> Result<()> {
    let Ok(target) = output_file::resolve(path) else {
        return Ok(());
    };
    let dir = output_file::dir_of(&target);
    let is_of_others = || dir.metadata().is_ok_and(|metadata| os::owner(&metadata) != os::current_user());
    match drafts::remove_abandoned(dir) {
        Ok(()) => Ok(()),
        // Another user's directory is cleaned up by that user.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_of_others() => Ok(()),
        Err(error) => {
            let problem = format!("cannot remove temporary files in {}: {error}", dir.display());
            Err(Error::other(problem).hint("check the permissions of the directory"))
        }
    }
}

fn unwritten(path: &Path, error: &WriteError) -> Error {
    let unchanged = unchanged(path, error);
    match error {
        WriteError::NotAFile(_) => {
            unchanged.hint(format!("name a regular file with {}", settings::CONFIG.flag_or_variable()))
        }
        WriteError::Io(_) => {
            unchanged.kind(ErrorKind::Other).hint("check the path, its permissions and the room on the disk")
        }
    }
}

fn unchanged(path: &Path, why: impl fmt::Display) -> Error {
    Error::config(format!("cannot change the configuration {}: {why}", path.display()))
}

/// The profile's item, created if it is missing.
fn profile_item<'d>(document: &'d mut DocumentMut, profile: &str) -> Option<&'d mut Item> {
    let is_empty = document.is_empty();
    let mut profiles = Table::new();
    // Avoids a `[profiles]` line above `[profiles.NAME]`.
    profiles.set_implicit(true);
    let profiles = document.entry("profiles").or_insert(Item::Table(profiles));
    let is_inline = profiles.is_inline_table();
    let profiles = profiles.as_table_like_mut()?;
    if !profiles.contains_key(profile) {
        let mut table = Table::new();
        table.decor_mut().set_prefix(if is_empty { "" } else { "\n" });
        let inline = Item::Value(InlineTable::new().into());
        profiles.insert(profile, if is_inline { inline } else { Item::Table(table) });
    }
    profiles.get_mut(profile)
}

/// Sets or removes a key. The formatting of the key and of its present value, and the comments around them, are kept.
fn apply(table: &mut dyn TableLike, change: Change) {
    let Change { key, value, comment } = change;
    let Some(mut value) = value else {
        table.remove(&key);
        return;
    };
    if let Some(before) = table.get_mut(&key).and_then(Item::as_value_mut) {
        *value.decor_mut() = before.decor().clone();
        *before = value;
        return;
    }
    table.insert(&key, Item::Value(value));
    if let (Some(comment), Some(mut key)) = (comment, table.key_mut(&key)) {
        key.leaf_decor_mut().set_prefix(format!("# {comment}\n"));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_invalid_result_is_not_written() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("config.toml");
        let before = "[profiles.default]\nusername = \"ada\"\n";
        fs::write(&path, before)?;
        for change in [Change::new("unknown", "x"), Change::new("account", ""), Change::new("username", true)] {
            let error = write(&path, "default", vec![change], Instant::now()).err();
            assert!(error.is_some_and(|error| error.message.contains("the result would be invalid: ")));
            assert_eq!(fs::read_to_string(&path)?, before);
        }
        Ok(())
    }
}
