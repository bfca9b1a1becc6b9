//! Removes old files from the cache directory. Called only after a refresh, never on a hit: whatever cannot be read or
//! removed stays. Others may use the directory, too (`--cache-dir /tmp`), so only names that this program makes are
//! touched.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::lock::{self, LockOutcome};
use crate::sys::{digest, os, random};

/// An entry that nobody refreshed for this long: its refresh token has expired after 14 days.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// One refresh in so many looks at the whole directory.
const ONE_IN: f64 = 16.0;

/// A file of the cache, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileKind {
    /// `IDENTITY.token`
    Entry,
    /// `IDENTITY.lock`
    Lock,
    /// `IDENTITY.RANDOM.tmp`
    Pending,
}

/// Removes what killed processes left of this identity. The caller must hold the identity's lock.
pub fn remove_pending(dir: &Path, identity: &str) {
    for file in os::file_names(dir) {
        if file.starts_with(identity) && file_kind(&file) == Some(FileKind::Pending) {
            fs::remove_file(dir.join(file)).ok();
        }
    }
}

/// Occasionally removes old files of any identity: an entry under its own lock, whose file stays, as a lock file must.
pub fn occasionally_remove_old(dir: &Path) {
    if random::fraction() >= 1.0 / ONE_IN {
        return;
    }
    for file in os::file_names(dir) {
        let path = dir.join(&file);
        match file_kind(&file) {
            Some(FileKind::Pending) if is_old(&path) => {
                fs::remove_file(&path).ok();
            }
            Some(FileKind::Entry) if is_old(&path) => remove_entry(&path),
            _ => {}
        }
    }
}

/// The names of all identities that have an entry or a lock file.
pub fn identities(dir: &Path) -> BTreeSet<String> {
    let identity = |file: String| match file_kind(&file) {
        Some(FileKind::Entry | FileKind::Lock) => file.split('.').next().map(str::to_owned),
        _ => None,
    };
    os::file_names(dir).filter_map(identity).collect()
}

/// Removes an old entry unless somebody is refreshing it.
fn remove_entry(path: &Path) {
    if let LockOutcome::Acquired(_guard) = lock::try_lock(&path.with_extension("lock"))
        && is_old(path)
    {
        fs::remove_file(path).ok();
    }
}

fn file_kind(file_name: &str) -> Option<FileKind> {
    let (identity, rest) = file_name.split_once('.')?;
    if !is_hex(identity, digest::NAME_LENGTH) {
        return None;
    }
    match rest.split_once('.') {
        None if rest == "token" => Some(FileKind::Entry),
        None if rest == "lock" => Some(FileKind::Lock),
        Some((random, "tmp")) if is_hex(random, random::NAME_LENGTH) => Some(FileKind::Pending),
        _ => None,
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether the file was last written long ago. One from the future is not old.
fn is_old(path: &Path) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > MAX_AGE))
}
