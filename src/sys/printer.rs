//! Prints to stderr: the final error, details with `-v`, and on a terminal the reason for a longer wait.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::color::Color;

/// Shorter waits are not announced.
const QUIET_WAIT: Duration = Duration::from_millis(500);

/// Whether `-v` was given. Global, so that functions do not need a parameter just for log lines.
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

/// Prints a line, with or without `-v`.
pub fn info(line: &str) {
    print_line("spotinst-cred", line);
}

/// Prints a line, with `-v` or on a terminal, that does not affect the result.
pub fn note(line: &str) {
    if is_chatty() {
        info(line);
    }
}

/// Prints a line with `-v`. Builds the line only if it is printed.
pub fn debug(line: impl FnOnce() -> String) {
    if VERBOSE.load(Ordering::Relaxed) {
        info(&line());
    }
}

/// Prints what this process waits for if the guard lives longer than half a second, with `-v` or on a terminal.
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

/// Guard of [`progress`]: dropped when the wait is over.
pub struct Progress {
    _done: Sender<()>,
}

/// Writes a line with a single write, so that lines of concurrent callers on the same stderr do not mix. Replaces
/// control characters, which a path or key may contain, with U+FFFD. Ignores a closed or full stderr.
fn print_line(prefix: &str, line: &str) {
    let line = line.replace(char::is_control, "\u{fffd}");
    io::stderr().write_all(format!("{prefix}: {line}\n").as_bytes()).ok();
}
