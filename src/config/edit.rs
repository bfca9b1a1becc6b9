//! Changes a profile in a configuration file that a person wrote: comments, order and other profiles stay as they are.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::sys::output_file::{self, WriteError};

/// A key of a profile and its new value.
pub struct Change {
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub value: Value,
    /// A comment for the line above, where the key is new.
    pub comment: Option<&'static str>,
}

impl Change {
    /// A key that gets this value.
    pub fn new(key: &'static str, value: impl Into<Value>) -> Self {
        Self { key, value: value.into(), comment: None }
    }
}

/// Writes the changes of one profile, made if it is missing; the first profile of a file becomes its default.
///
/// # Errors
/// The file cannot be read or written, or is not valid.
pub fn write(path: &Path, profile: &str, changes: Vec<Change>) -> Result<(), Error> {
    let problem = |what: String| unchanged(path, what);
    // It would be waited for, and could not be replaced.
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return if changes.is_empty() { Ok(()) } else { Err(problem("it is no regular file".to_owned())) };
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Zeroizing::default(),
        Err(error) => return Err(problem(error.to_string()).hint("check the path and its permissions")),
    };
    // The parser's own message would show the line, which may hold a secret.
    let mut document: DocumentMut = text.parse().map_err(|_| problem("it is not valid TOML".to_owned()))?;
    if changes.is_empty() {
        return Ok(());
    }
    let is_first = !document.contains_key("profiles");
    if is_first && profile != "default" && !document.contains_key("default_profile") {
        document.insert("default_profile", Item::Value(profile.into()));
    }
    let table = table_of(&mut document, profile).ok_or_else(|| problem("`profiles` is no table".to_owned()))?;
    for change in changes {
        apply(table, change);
    }
    let text = Zeroizing::new(document.to_string());
    output_file::write(path, text.as_bytes()).map_err(|problem| unwritten(path, &problem))
}

/// Whether there can be a configuration file: to be known before a person answers questions for it.
///
/// # Errors
/// What is there is no regular file, or no file can be there.
pub fn check_place(path: &Path) -> Result<(), Error> {
    output_file::resolve(path).map(drop).map_err(|problem| unwritten(path, &problem))
}

fn unwritten(path: &Path, problem: &WriteError) -> Error {
    let failure = unchanged(path, problem);
    match problem {
        WriteError::NotAFile(_) => failure.hint("name a regular file with --config or SPOTINST_CRED_CONFIG"),
        WriteError::Io(_) => {
            failure.kind(ErrorKind::Other).hint("check the path, its permissions and the room on the disk")
        }
    }
}

fn unchanged(path: &Path, why: impl fmt::Display) -> Error {
    Error::config(format!("cannot change the configuration {}: {why}", path.display()))
}

/// The profile's table, made if it is missing.
fn table_of<'d>(document: &'d mut DocumentMut, profile: &str) -> Option<&'d mut dyn TableLike> {
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
    let before = table.get(key).and_then(Item::as_value).map(|before| before.decor().clone());
    let is_new = before.is_none();
    if let Some(decor) = before {
        *value.decor_mut() = decor;
    }
    table.insert(key, Item::Value(value));
    if let (true, Some(comment), Some(mut key)) = (is_new, comment, table.key_mut(key)) {
        key.leaf_decor_mut().set_prefix(format!("# {comment}\n"));
    }
}
