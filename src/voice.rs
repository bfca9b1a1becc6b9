//! What is said on stderr beside the final error: details with `-v`, and on a terminal what a longer wait is for.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::colour::Colour;

/// A wait shorter than this is not worth a word.
const SILENCE: Duration = Duration::from_millis(500);

/// Writes one line to stderr, the program's name first. A stderr that is closed or full is no reason to fail.
pub fn say(line: &str) {
    write_line("spotinst-cred", line);
}

/// Says what went wrong, and what to do next. Only a terminal shows it in colour.
pub fn complain(problem: &str, hint: Option<&str>) {
    write_line(&Colour::Red.paint("spotinst-cred", &io::stderr()), problem);
    if let Some(hint) = hint {
        write_line(&Colour::Cyan.paint("hint", &io::stderr()), hint);
    }
}

/// One line in one write, so that the lines of many callers on one stderr do not mix. A path or a key may hold
/// anything: what would break the line or steer the terminal is shown as U+FFFD.
fn write_line(who: &str, line: &str) {
    let line = line.replace(char::is_control, "\u{fffd}");
    io::stderr().write_all(format!("{who}: {line}\n").as_bytes()).ok();
}

/// How much the user wants to hear.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    /// `-v` was given.
    pub verbose: bool,
}

impl Voice {
    /// Says the line if `-v` was given; builds it only then.
    pub fn detail(self, line: impl FnOnce() -> String) {
        if self.verbose {
            say(&line());
        }
    }

    /// Says a line that does not change the result, if somebody watches.
    pub fn notice(self, line: &str) {
        if self.is_heard() {
            say(line);
        }
    }

    /// Whether there is anybody to talk to. Some hosts parse stdout and stderr together, so without a terminal or
    /// `-v` there is no word unless the call fails.
    pub fn is_heard(self) -> bool {
        self.verbose || io::stderr().is_terminal()
    }

    /// Says what is waited for if that takes more than half a second while the guard lives, and somebody watches.
    pub fn waiting(self, for_what: impl Into<String>) -> Option<Waiting> {
        if !self.is_heard() {
            return None;
        }
        let (over, heard) = mpsc::channel();
        let line = format!("waiting for {}", for_what.into());
        let speaker = move || {
            if heard.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                say(&line);
            }
        };
        // Without a thread to be had there is no word, and no other harm.
        std::thread::Builder::new().spawn(speaker).ok()?;
        Some(Waiting { _over: over })
    }
}

/// Lives as long as the wait: its end is heard by the thread that would speak.
pub struct Waiting {
    _over: Sender<()>,
}
