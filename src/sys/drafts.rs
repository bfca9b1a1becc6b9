//! Drafts of files that are replaced as a whole. A killed process leaves its draft, which may hold a live token.
//!
//! A live draft is locked by the process that writes it, so a process that can lock one knows that it is abandoned.

use std::fs;
use std::io;
use std::path::Path;

use super::atomic_file::AtomicFile;
use super::{file_lock, os, random};

/// The names have nothing of the file's own name, which may be as long as the file system allows.
const PREFIX: &str = ".spotinst-cred.";
const SUFFIX: &str = ".tmp";

/// A draft that was just created is taken for an abandoned one only if it is found before it is locked.
const ATTEMPTS: usize = 10;

/// Creates a locked draft in the directory.
pub fn create(dir: &Path) -> io::Result<AtomicFile> {
    for _ in 0..ATTEMPTS {
        let path = dir.join(format!("{PREFIX}{}{SUFFIX}", random::name()));
        let draft = AtomicFile::create(path.clone())?;
        // Where there are no locks, nobody takes it for abandoned.
        if file_lock::try_lock(draft.file()).unwrap_or(true) && os::is_at(draft.file(), &path) {
            return Ok(draft);
        }
    }
    Err(io::Error::from(io::ErrorKind::ResourceBusy))
}

/// Removes the drafts that killed processes of this user left in the directory. Fails with the first error when all
/// others are removed.
pub fn remove_abandoned(dir: &Path) -> io::Result<()> {
    let names = match os::file_names(dir) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
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
        // Its writer, or another cleaner, was faster.
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
