//! A deadline for work that has no reliable time limit of its own: a lock, a pipe, a name server.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// Runs blocking work on a thread that is abandoned at the deadline.
///
/// Fails with [`io::ErrorKind::TimedOut`] at the deadline, or at once where it has passed; with another kind where no
/// thread can be started.
pub fn run_with_deadline<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
    let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or_else(timed_out)?;
    let (send, receive) = mpsc::channel();
    // After the deadline nobody receives.
    thread::Builder::new().spawn(move || drop(send.send(work())))?;
    receive.recv_timeout(left).map_err(|_| timed_out())
}
