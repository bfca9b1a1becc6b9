//! Reads files, pipes and stdin to their end, up to a limit of bytes and of time.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use zeroize::Zeroizing;

use super::{os, timeout};

/// The bytes of a source. `expected` is how many there should be, in bytes.
///
/// Fails with [`io::ErrorKind::FileTooLarge`] where there are more than `limit`.
pub fn read(mut source: impl Read, expected: u64, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Allocated at once: a buffer that grows leaves copies of a secret behind.
    let room = expected.min(limit) as usize + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    if expected > 0 {
        bytes.resize(room, 0);
        let length = read_once(&mut source, &mut bytes)?;
        bytes.truncate(length);
    }
    // Exactly what was expected, by a read that asked for more, is all there is.
    if bytes.is_empty() || bytes.len() as u64 != expected {
        source.take((limit + 1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > limit {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

fn read_once(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The metadata and bytes of a file. Anything but a regular file may be a pipe that nobody writes to: it has until the
/// deadline, which is computed only then.
///
/// Fails with [`io::ErrorKind::TimedOut`] at the deadline; else as [`read`] does.
pub fn file(path: &Path, limit: u64, deadline: impl FnOnce() -> Instant) -> io::Result<(Metadata, Zeroizing<Vec<u8>>)> {
    if fs::metadata(path)?.is_file() {
        return read_file(File::open(path)?, limit);
    }
    let path = path.to_owned();
    timeout::run_with_deadline(deadline(), move || read_file(File::open(path)?, limit))?
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
