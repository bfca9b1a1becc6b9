//! Work that can be walked away from: it is done in a thread of its own, which is left behind when time runs out. For
//! whatever has no time limit that holds: a lock, a pipe, a name server.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use zeroize::Zeroizing;

/// What comes of the work, if it is done by `deadline`.
///
/// # Errors
/// [`ErrorKind::TimedOut`] where it is not, or where no time is left to begin; another where there is no thread to be
/// had.
pub fn until<T: Send + 'static>(deadline: Instant, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let late = || io::Error::from(ErrorKind::TimedOut);
    let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or_else(late)?;
    let (send, receive) = mpsc::channel();
    // Nobody listens any more once the deadline is over.
    thread::Builder::new().spawn(move || drop(send.send(work())))?;
    receive.recv_timeout(left).map_err(|_| late())
}

/// What a file holds, up to `most` bytes and one more, by which too many are known; and what it is. What is no regular
/// file may be a pipe whose other end stays silent: it has until the deadline, for which only then is asked.
///
/// # Errors
/// It cannot be read; [`ErrorKind::TimedOut`] where it does not end in time.
pub fn read(path: &Path, most: u64, deadline: impl FnOnce() -> Instant) -> io::Result<(Metadata, Zeroizing<Vec<u8>>)> {
    if fs::metadata(path)?.is_file() {
        return read_now(path, most);
    }
    let path = path.to_owned();
    until(deadline(), move || read_now(&path, most))?
}

fn read_now(path: &Path, most: u64) -> io::Result<(Metadata, Zeroizing<Vec<u8>>)> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    // All at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(about.len().min(most) as usize + 1));
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((about, bytes))
}
