//! Removes old files from the cache directory. Runs only after a refresh, never on a cache hit. Files that cannot be
//! read or removed stay. The directory may be shared (`--cache-dir /tmp`), so only names that this program creates are
//! touched.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::lock::{self, LockOutcome};
use crate::sys::missing::is_missing;
use crate::sys::{digest, os, random};

/// The age after which an entry is removed. Its refresh token expired after 14 days.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// One refresh in this many scans the whole directory.
const ONE_IN: f64 = 16.0;

/// The kind of a cache file, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileKind {
    /// `IDENTITY.token`
    Entry,
    /// `IDENTITY.lock`
    Lock,
    /// `IDENTITY.RANDOM.tmp`
    Pending,
}

/// Removes the temporary files that killed processes left for this identity. On an error, it still tries to remove the
/// others, then returns the first error. The caller must hold the identity's lock.
pub fn remove_pending(dir: &Path, identity: &str) -> io::Result<()> {
    let is_left = |file: &String| file.starts_with(identity) && file_kind(file) == Some(FileKind::Pending);
    let left = os::file_names(dir)?.into_iter().filter(is_left).map(|file| dir.join(file));
    left.map(|path| if is_own(&path)? { fs::remove_file(&path) } else { Ok(()) }).fold(Ok(()), io::Result::and)
}

/// Occasionally removes old files of any identity. Entries are removed under their lock; lock files are never removed.
pub fn occasionally_remove_old(dir: &Path) {
    if random::fraction() >= 1.0 / ONE_IN {
        return;
    }
    for file in os::file_names(dir).unwrap_or_default() {
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

/// The names of all identities that have a file of this user. Fails if the directory cannot be listed.
pub fn own_identities(dir: &Path) -> io::Result<BTreeSet<String>> {
    let files = match os::file_names(dir) {
        Err(error) if is_missing(&error) => Vec::new(),
        files => files?,
    };
    let mut identities = BTreeSet::new();
    for file in files.iter().filter(|file| file_kind(file).is_some()) {
        if is_own(&dir.join(file))? {
            identities.extend(file.split('.').next().map(str::to_owned));
        }
    }
    Ok(identities)
}

/// Whether the file exists and belongs to this user.
pub fn is_own(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(os::owner(&metadata) == os::current_user()),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes an old entry unless another process is refreshing it.
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

/// Whether the file was last modified long ago. A modification time in the future is not old.
fn is_old(path: &Path) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > MAX_AGE))
}
