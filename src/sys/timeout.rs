//! A deadline for work that has no reliable time limit of its own: a lock, a pipe, a name server.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How late the deadline may be noticed. Later this process was stopped, or the machine suspended: the work has not had
/// its time.
const TOLERANCE: Duration = Duration::from_millis(250);

/// The time that work gets after a stop, to finish what has come meanwhile.
const AFTER_STOP: Duration = Duration::from_millis(500);

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
    receive
        .recv_timeout(left)
        .or_else(|error| match deadline.elapsed() > TOLERANCE {
            true => receive.recv_timeout(AFTER_STOP),
            false => Err(error),
        })
        .map_err(|_| timed_out())
}
