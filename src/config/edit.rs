//! Changes a profile in a configuration file that a person wrote: comments, order and other profiles stay as they are.

use std::fmt;
use std::io;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};
use zeroize::Zeroizing;

use super::file::MAX_FILE;
use super::profile::DEFAULT_NAME;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{self, DEFAULT_PROFILE};
use crate::sys::output_file::{self, WriteError};
use crate::sys::{bounded_read, drafts, os};

/// A key of a profile and its new value.
pub struct Change {
    pub key: String,
    pub value: Value,
    /// A comment for the line above, where the key is new.
    pub comment: Option<&'static str>,
}

impl Change {
    pub fn new(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { key: key.into(), value: value.into(), comment: None }
    }
}

/// Writes the changes of one profile, created if it is missing; the first profile of a file becomes its default.
pub fn write(path: &Path, profile: &str, changes: Vec<Change>) -> Result<()> {
    let problem = |what: &str| unchanged(path, what);
    let text = match bounded_read::regular_file(path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Zeroizing::default(),
        // It could not be replaced.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput && changes.is_empty() => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(problem("it is no regular file")),
        Err(error) => return Err(problem(&error.to_string()).hint("check the path and its permissions")),
    };
    let text = str::from_utf8(&text).map_err(|_| problem("it is not valid UTF-8"))?;
    // The parser's own message would show the line, which may hold a secret.
    let mut document: DocumentMut = text.parse().map_err(|_| problem("it is not valid TOML"))?;
    if changes.is_empty() {
        return Ok(());
    }
    let is_first = !document.contains_key("profiles");
    if is_first && profile != DEFAULT_NAME && !document.contains_key(DEFAULT_PROFILE) {
        document.insert(DEFAULT_PROFILE, Item::Value(profile.into()));
    }
    let table = profile_table(&mut document, profile).ok_or_else(|| problem("`profiles` is no table"))?;
    for change in changes {
        apply(table, change);
    }
    let text = Zeroizing::new(document.to_string());
    output_file::write(path, text.as_bytes()).map_err(|error| unwritten(path, &error))
}

/// Whether there can be a configuration file of this user.
pub fn check_place(path: &Path) -> Result<()> {
    let target = output_file::resolve(path).map_err(|error| unwritten(path, &error))?;
    match os::other_owner_of_place(output_file::dir_of(&target)) {
        Ok(None) => Ok(()),
        Ok(Some(owner)) => Err(unchanged(path, format!("its directory belongs to user {owner}, and this is root"))
            .hint("log in as that user, or keep root's own home: sudo -H spotinst-cred login")),
        Err(error) => Err(unwritten(path, &WriteError::Io(error))),
    }
}

/// Removes what killed logins left beside the file: it may hold secrets.
pub fn remove_abandoned_drafts(path: &Path) -> Result<()> {
    // Where there can be no file, there are no drafts.
    let Ok(target) = output_file::resolve(path) else {
        return Ok(());
    };
    let dir = output_file::dir_of(&target);
    drafts::remove_abandoned(dir).map_err(|error| {
        let problem = format!("cannot look for drafts of the configuration in {}: {error}", dir.display());
        Error::other(problem).hint("check the permissions of the directory")
    })
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

/// The profile's table, created if it is missing.
fn profile_table<'d>(document: &'d mut DocumentMut, profile: &str) -> Option<&'d mut dyn TableLike> {
    let is_empty = document.is_empty();
    let mut profiles = Table::new();
    // So that there is no `[profiles]` line above `[profiles.NAME]`.
    profiles.set_implicit(true);
    let profiles = document.entry("profiles").or_insert(Item::Table(profiles)).as_table_like_mut()?;
    if !profiles.contains_key(profile) {
        let mut table = Table::new();
        table.decor_mut().set_prefix(if is_empty { "" } else { "\n" });
        profiles.insert(profile, Item::Table(table));
    }
    profiles.get_mut(profile)?.as_table_like_mut()
}

/// Sets a key. What stands around its present value, such as a comment behind it, stays there.
fn apply(table: &mut dyn TableLike, change: Change) {
    let Change { key, mut value, comment } = change;
    let before = table.get(&key).and_then(Item::as_value).map(|before| before.decor().clone());
    let is_new = before.is_none();
    if let Some(decor) = before {
        *value.decor_mut() = decor;
    }
    table.insert(&key, Item::Value(value));
    if let (true, Some(comment), Some(mut key)) = (is_new, comment, table.key_mut(&key)) {
        key.leaf_decor_mut().set_prefix(format!("# {comment}\n"));
    }
}
