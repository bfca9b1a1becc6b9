//! A file that is replaced as a whole: its readers see the old content or the new, never a part, and nobody else ever
//! sees it. Used for the cache, and by `output_file` for what its user named.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// New content in the making: a file beside the present one, 0600. Dropped, it is gone.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    path: PathBuf,
}

impl Replacement {
    /// Makes the file at `path`, which must be of the directory of what it is to replace, and of a name nobody has.
    ///
    /// # Errors
    /// The directory is missing or cannot be written.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { file, path })
    }

    /// Takes room on the disk.
    ///
    /// # Errors
    /// There is none.
    pub fn reserve(&mut self, room: &[u8]) -> io::Result<()> {
        self.file.write_all(room)
    }

    /// Writes the content and moves it into `place`.
    ///
    /// # Errors
    /// The disk or the file system refuses; what was in `place` is still there.
    pub fn publish(mut self, content: &[u8], place: &Path) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(content)?;
        self.file.set_len(content.len() as u64)?;
        self.file.sync_all()?;
        fs::rename(&self.path, place)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // After a publication there is nothing of this name any more.
        fs::remove_file(&self.path).ok();
    }
}

/// Makes a directory and those above it, 0700. One that exists is left as it is.
///
/// # Errors
/// It cannot be made.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
