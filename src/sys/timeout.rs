//! Runs work that has no reliable time limit, such as waiting for a lock, a pipe or a name server, with a deadline.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// If the deadline is noticed later than this, the process was stopped or the machine suspended, so the work did not
/// get its full time.
const TOLERANCE: Duration = Duration::from_millis(250);

/// The extra time for the work after such a stop.
const AFTER_STOP: Duration = Duration::from_millis(500);

/// Runs blocking work on a thread that is abandoned at the deadline.
///
/// Fails with [`io::ErrorKind::TimedOut`] at the deadline, immediately if it has passed, and with another kind if no
/// thread can be spawned.
pub fn run_with_deadline<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
    let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or_else(timed_out)?;
    let (send, receive) = mpsc::channel();
    // After the deadline there is no receiver.
    thread::Builder::new().spawn(move || drop(send.send(work())))?;
    receive
        .recv_timeout(left)
        .or_else(|error| match deadline.elapsed() > TOLERANCE {
            true => receive.recv_timeout(AFTER_STOP),
            false => Err(error),
        })
        .map_err(|_| timed_out())
}
