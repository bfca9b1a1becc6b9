//! Reads files, pipes and stdin to their end, up to a limit of bytes and of time.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use zeroize::Zeroizing;

use super::{os, timeout};

/// The bytes of a source. `expected` is how many a file has, in bytes; zero where that is unknown.
///
/// Fails with [`io::ErrorKind::FileTooLarge`] where there are more than `limit`.
pub fn read(source: impl Read, expected: u64, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut source = source.take(limit + 1);
    // Allocated at once: a buffer that grows leaves copies of a secret behind.
    let mut bytes = Zeroizing::new(vec![0; expected.min(limit) as usize + 1]);
    let mut length = 0;
    // A read that returns all expected bytes, and had room for more, has seen the end: no other one is needed.
    while length == 0 || length as u64 != expected {
        match source.read(bytes.get_mut(length..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let is_full = length == bytes.len();
    bytes.truncate(length);
    if is_full {
        source.read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > limit {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

/// What was read of a path.
pub struct ReadFile {
    /// Of the file itself.
    pub metadata: Metadata,
    /// Whether the path is a symbolic link to the file.
    pub is_link: bool,
    pub bytes: Zeroizing<Vec<u8>>,
}

/// Reads a file. Anything but a regular file may be a pipe that nobody writes to: it has until the deadline, which is
/// computed only then.
///
/// Fails with [`io::ErrorKind::TimedOut`] at the deadline; else as [`read`] does.
pub fn file(path: &Path, limit: u64, deadline: impl FnOnce() -> Instant) -> io::Result<ReadFile> {
    let named = fs::symlink_metadata(path)?;
    let is_link = named.is_symlink();
    let is_regular = if is_link { fs::metadata(path)? } else { named }.is_file();
    let (metadata, bytes) = if is_regular {
        read_file(File::open(path)?, limit)?
    } else {
        let path = path.to_owned();
        timeout::run_with_deadline(deadline(), move || read_file(File::open(path)?, limit))??
    };
    Ok(ReadFile { metadata, is_link, bytes })
}

/// The bytes of a regular file; nothing else is waited for.
///
/// Fails with [`io::ErrorKind::InvalidInput`] for anything but a regular file; else as [`read`] does.
pub fn regular_file(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = os::open_nonblocking(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(read_file(file, limit)?.1)
}

/// The bytes on stdin, until the host closes its end; some hosts never do.
///
/// Fails with [`io::ErrorKind::TimedOut`] at the deadline; else as [`read`] does.
pub fn stdin(limit: u64, deadline: Instant) -> io::Result<Zeroizing<Vec<u8>>> {
    timeout::run_with_deadline(deadline, move || read(io::stdin().lock(), 0, limit))?
}

fn read_file(file: File, limit: u64) -> io::Result<(Metadata, Zeroizing<Vec<u8>>)> {
    let metadata = file.metadata()?;
    let bytes = read(file, metadata.len(), limit)?;
    Ok((metadata, bytes))
}
