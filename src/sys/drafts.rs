//! Temporary files ("drafts") of files that are replaced atomically. A killed process leaves its draft behind, which
//! may contain a valid token.
//!
//! The process that writes a draft holds a lock on it. If another process can lock a draft, the draft is abandoned.

use std::fs;
use std::io;
use std::path::Path;

use super::atomic_file::AtomicFile;
use super::missing::is_missing;
use super::{file_lock, os, random};

/// The names do not include the target's name, which may already have the maximum length.
const PREFIX: &str = ".spotinst-cred.";
const SUFFIX: &str = ".tmp";

/// Creating a draft fails only if another process cleans up between its creation and its locking.
const ATTEMPTS: usize = 10;

/// Creates a locked draft in the directory.
pub fn create(dir: &Path) -> io::Result<AtomicFile> {
    for _ in 0..ATTEMPTS {
        let path = dir.join(format!("{PREFIX}{}{SUFFIX}", random::name()));
        let draft = AtomicFile::create(path.clone())?;
        // If the file system has no locks, no process treats the draft as abandoned.
        if file_lock::try_lock(draft.file()).unwrap_or(true) && os::is_at(draft.file(), &path) {
            return Ok(draft);
        }
    }
    Err(io::Error::from(io::ErrorKind::ResourceBusy))
}

/// Removes the drafts that killed processes of this user left in the directory. On an error, it still tries to remove
/// the others, then returns the first error.
pub fn remove_abandoned(dir: &Path) -> io::Result<()> {
    let names = match os::file_names(dir) {
        Err(error) if is_missing(&error) => return Ok(()),
        names => names?,
    };
    let drafts = names.iter().filter(|name| is_draft(name)).map(|name| dir.join(name));
    drafts.map(|path| remove_if_abandoned(&path)).fold(Ok(()), io::Result::and)
}

fn is_draft(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    random.is_some_and(|random| random.len() == random::NAME_LENGTH && random.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn remove_if_abandoned(path: &Path) -> io::Result<()> {
    match try_remove_if_abandoned(path) {
        // The writer or another process already removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn try_remove_if_abandoned(path: &Path) -> io::Result<()> {
    let metadata = path.symlink_metadata()?;
    let is_ours = os::owner(&metadata) == os::current_user() || os::current_user() == os::ROOT;
    if !metadata.is_file() || !is_ours {
        return Ok(());
    }
    let file = os::open_to_lock(path)?;
    if file_lock::try_lock(&file)? && os::is_at(&file, path) {
        fs::remove_file(path)?;
    }
    Ok(())
}
