//! Reads files, pipes and stdin to the end, with a size limit and a deadline.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use zeroize::Zeroizing;

use super::{os, timeout};

/// Reads all bytes of a source. `expected` is the file's size in bytes, or zero if it is unknown.
///
/// Fails with [`io::ErrorKind::FileTooLarge`] if there are more than `limit` bytes.
pub fn read(source: impl Read, expected: u64, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut source = source.take(limit + 1);
    // Allocated in one piece: a growing buffer leaves copies of a secret in memory.
    let mut bytes = Zeroizing::new(vec![0; expected.min(limit) as usize + 1]);
    let mut length = 0;
    // A read that returns all expected bytes and had space for more has reached the end of the file; this saves a
    // second read.
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

/// The content of a file, and its metadata.
pub struct ReadFile {
    /// The metadata of the file itself, not of a link to it.
    pub metadata: Metadata,
    /// Whether the path is a symbolic link to the file.
    pub is_link: bool,
    pub bytes: Zeroizing<Vec<u8>>,
}

/// Reads a file. Anything except a regular file may be a pipe without a writer, so it is read with a deadline, which is
/// computed only in this case.
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

/// Reads a regular file, without blocking on anything else.
///
/// Fails with [`io::ErrorKind::InvalidInput`] if it is not a regular file; otherwise as [`read`] does.
pub fn regular_file(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = os::open_nonblocking(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(read_file(file, limit)?.1)
}

/// Reads stdin until the host closes it. Some hosts never do.
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
