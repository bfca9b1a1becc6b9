//! Work that can be walked away from: it is done in a thread of its own, which is left behind when time runs out. For
//! whatever has no time limit that holds: a lock, a pipe, a name server.

use std::io::{self, ErrorKind};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

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
