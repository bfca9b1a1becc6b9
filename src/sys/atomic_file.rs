//! A file that is replaced atomically: readers see either the old or the new content, never a part. Only the owner can
//! read the temporary file.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::os;

/// New content in a private temporary file, which is removed on drop.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    path: PathBuf,
}

impl AtomicFile {
    /// Creates the temporary file at `path`, which must be an unused name in the directory of the file to replace.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        let file = os::create_private(&path)?;
        Ok(Self { file, path })
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reserves disk space, so that publishing cannot fail because the disk is full.
    pub fn reserve(&mut self, room: &[u8]) -> io::Result<()> {
        self.file.write_all(room)
    }

    /// Writes the content and renames the file to `target`. On failure `target` is unchanged; after success the new
    /// content survives a power loss.
    pub fn publish(mut self, content: &[u8], target: &Path) -> io::Result<()> {
        self.write(content)?;
        self.file.sync_all()?;
        os::replace(&self.path, target)?;
        // The file is already replaced, so a failure to sync the directory is not reported.
        target.parent().map(os::sync_dir);
        Ok(())
    }

    /// Like [`Self::publish`], for content that may be lost in a power failure.
    pub fn publish_unsynced(mut self, content: &[u8], target: &Path) -> io::Result<()> {
        self.write(content)?;
        os::replace(&self.path, target)
    }

    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(content)?;
        self.file.set_len(content.len() as u64)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After publishing, the temporary name no longer exists.
        fs::remove_file(&self.path).ok();
    }
}
