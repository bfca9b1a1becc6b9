//! What goes to stderr: the final error, details with `-v`, and on a terminal what a longer wait is for.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::color::Color;

/// Shorter waits are not announced.
const QUIET_WAIT: Duration = Duration::from_millis(500);

/// Whether `-v` was given. Global, so that no signature has to carry it for the sake of a log line.
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Called once by `main`.
pub fn set_verbose(is_verbose: bool) {
    VERBOSE.store(is_verbose, Ordering::Relaxed);
}

/// Whether details may be printed. Some hosts parse stdout and stderr together, so without a terminal or `-v` nothing
/// is printed unless the call fails.
pub fn is_chatty() -> bool {
    VERBOSE.load(Ordering::Relaxed) || io::stderr().is_terminal()
}

/// Prints an error and its hint, in color on a terminal.
pub fn error(message: &str, hint: Option<&str>) {
    print_line(&Color::Red.paint("spotinst-cred", &io::stderr()), message);
    if let Some(hint) = hint {
        print_line(&Color::Cyan.paint("hint", &io::stderr()), hint);
    }
}

/// Prints a line in any case.
pub fn info(line: &str) {
    print_line("spotinst-cred", line);
}

/// Prints a line that does not change the result, with `-v` or on a terminal.
pub fn note(line: &str) {
    if is_chatty() {
        info(line);
    }
}

/// Prints a line with `-v`; builds it only then.
pub fn debug(line: impl FnOnce() -> String) {
    if VERBOSE.load(Ordering::Relaxed) {
        info(&line());
    }
}

/// Says what is being waited for if the guard lives longer than half a second, with `-v` or on a terminal.
pub fn progress(waiting_for: impl Into<String>) -> Option<Progress> {
    if !is_chatty() {
        return None;
    }
    let (done, is_done) = mpsc::channel();
    let line = format!("waiting for {}", waiting_for.into());
    let announce = move || {
        if is_done.recv_timeout(QUIET_WAIT) == Err(RecvTimeoutError::Timeout) {
            info(&line);
        }
    };
    // If no thread can be spawned, the message is skipped.
    thread::Builder::new().spawn(announce).ok()?;
    Some(Progress { _done: done })
}

/// Lives as long as the wait.
pub struct Progress {
    _done: Sender<()>,
}

/// Writes one line at once, so that the lines of many callers on one stderr do not mix. A path or a key may hold
/// anything: control characters are shown as U+FFFD. A closed or full stderr is not an error.
fn print_line(prefix: &str, line: &str) {
    let line = line.replace(char::is_control, "\u{fffd}");
    io::stderr().write_all(format!("{prefix}: {line}\n").as_bytes()).ok();
}
