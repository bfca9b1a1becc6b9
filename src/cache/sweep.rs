//! Keeps the cache directory small. Called only by who has just refreshed, never on a hit, and never in the way:
//! whatever cannot be read or removed stays. The directory may be one that others use too (`--cache-dir /tmp`), so
//! only names that this program makes are touched.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use rustix::fs::Dir;

use super::lock::{self, Attempt};
use crate::random;

/// An entry that nobody renewed for this long is of no use: its refresh token, too, is dead after 14 days.
const OLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// One refresh in so many looks at the whole directory.
const ONE_IN: f64 = 16.0;

/// A file of ours, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ours {
    /// `IDENTITY.token`
    Entry,
    /// `IDENTITY.RANDOM.tmp`
    Draft,
}

/// Removes what killed processes left of this identity. Only who holds the identity's lock may call it.
pub fn leftovers(dir: &Path, name: &str) {
    for file in names(dir) {
        if file.starts_with(name) && kind(&file) == Some(Ours::Draft) {
            fs::remove_file(dir.join(file)).ok();
        }
    }
}

/// Now and then removes what is old of any identity: an entry under its own lock, which stays, as a lock file must.
pub fn now_and_then(dir: &Path) {
    if random::fraction() >= 1.0 / ONE_IN {
        return;
    }
    for file in names(dir) {
        let path = dir.join(&file);
        match kind(&file) {
            Some(Ours::Draft) if is_old(&path) => {
                fs::remove_file(&path).ok();
            }
            Some(Ours::Entry) if is_old(&path) => remove_entry(&path),
            _ => {}
        }
    }
}

/// The names of all identities that have an entry or a lock file.
pub fn identities(dir: &Path) -> BTreeSet<String> {
    let is_identity = |name: &str, rest: &str| is_hex(name, super::NAME_LENGTH) && matches!(rest, "token" | "lock");
    let name = |file: String| {
        let (name, rest) = file.split_once('.')?;
        is_identity(name, rest).then(|| name.to_owned())
    };
    names(dir).filter_map(name).collect()
}

/// Removes an old entry unless somebody is just renewing it.
fn remove_entry(path: &Path) {
    if let Attempt::Locked(_guard) = lock::try_lock(&path.with_extension("lock"))
        && is_old(path)
    {
        fs::remove_file(path).ok();
    }
}

/// Which of our files has this name, if any.
fn kind(file_name: &str) -> Option<Ours> {
    let (identity, rest) = file_name.split_once('.')?;
    if !is_hex(identity, super::NAME_LENGTH) {
        return None;
    }
    match rest.split_once('.') {
        None if rest == "token" => Some(Ours::Entry),
        Some((random, "tmp")) if is_hex(random, random::NAME_LENGTH) => Some(Ours::Draft),
        _ => None,
    }
}

/// The names in the directory that are UTF-8, as ours are. Not by the standard library, which panics where a directory
/// cannot be closed.
fn names(dir: &Path) -> impl Iterator<Item = String> {
    let listing = File::open(dir).ok().and_then(|dir| Dir::new(dir).ok());
    let entries = listing.into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str().map(str::to_owned).ok())
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether the file was last written long ago. One of the future is not old.
fn is_old(path: &Path) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|about| about.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD))
}
