//! A file that is replaced as a whole: readers see the old content or the new, never a part, and nobody but the owner
//! ever sees the new one in the making.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::os;

/// New content in the making, in a private temporary file. It is removed on drop.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    path: PathBuf,
}

impl AtomicFile {
    /// Creates the temporary file at `path`: in the directory of the file to replace, under a name that nobody has.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        let file = os::create_private(&path)?;
        Ok(Self { file, path })
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Takes room on the disk, so that publishing cannot fail for lack of it.
    pub fn reserve(&mut self, room: &[u8]) -> io::Result<()> {
        self.file.write_all(room)
    }

    /// Writes the content and renames the file to `target`. On failure `target` is as it was, and after success the new
    /// content survives a power loss.
    pub fn publish(mut self, content: &[u8], target: &Path) -> io::Result<()> {
        self.write(content)?;
        self.file.sync_all()?;
        os::replace(&self.path, target)?;
        // The file is replaced in any case: a directory that cannot be synced is no reason to say otherwise.
        target.parent().map(os::sync_dir);
        Ok(())
    }

    /// The same for content that may be lost with the power.
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
        // Once published, there is no file of this name any more.
        fs::remove_file(&self.path).ok();
    }
}
