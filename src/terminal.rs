//! Questions to a person: asked on stderr, answered on stdin, both a terminal.

use std::io::{self, IsTerminal, Write};

use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::secret::Secret;

/// No line of a terminal is longer, in bytes: Linux ends it at 4095.
const LONGEST_LINE: usize = 4096;

/// Whether there is anybody to ask.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Shows lines before a question.
pub fn show(lines: &str) {
    write!(io::stderr(), "{lines}").ok();
}

/// Asks until there is an answer, which may be seen.
///
/// # Errors
/// The input has ended.
pub fn ask(question: &str) -> Result<String, Failure> {
    loop {
        show(&format!("{question}: "));
        let line = read_line()?;
        let answer = String::from_utf8_lossy(&line).trim().to_owned();
        if !answer.is_empty() {
            return Ok(answer);
        }
    }
}

/// Asks until there is an answer, which nobody sees.
///
/// # Errors
/// The input has ended, or the terminal cannot be told to be silent.
pub fn ask_hidden(question: &str) -> Result<Secret, Failure> {
    loop {
        let silence = Silence::new()?;
        show(&format!("{question} (not shown): "));
        let line = read_line();
        drop(silence);
        show("\n");
        let line = line?;
        // In silence the interrupt key makes no signal: it ends the line.
        if line.last().is_some_and(|last| INTERRUPTS.contains(last)) {
            return Err(interrupted());
        }
        if !line.is_empty() {
            let text = std::str::from_utf8(&line).map_err(|_| ended("what was typed is not valid UTF-8"))?;
            return Ok(Secret::from(text.to_owned()));
        }
    }
}

/// Asks for one of `count` numbered lines, 1 the first; an empty answer is `None`.
///
/// # Errors
/// The input has ended.
pub fn choose(default: &str, count: usize) -> Result<Option<usize>, Failure> {
    loop {
        show(&format!("Choose [{default}]: "));
        let line = read_line()?;
        match String::from_utf8_lossy(&line).trim() {
            "" => return Ok(None),
            answer => match answer.parse() {
                Ok(number) if (1..=count).contains(&number) => return Ok(Some(number)),
                _ => show(&format!("A number from 1 to {count}, please.\n")),
            },
        }
    }
}

/// One line without its newline, read in one call: the standard library's buffer would keep a copy.
fn read_line() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut line = Zeroizing::new(vec![0; LONGEST_LINE]);
    let length = loop {
        match rustix::io::read(io::stdin(), line.as_mut_slice()) {
            Ok(length) => break length,
            Err(Errno::INTR) => {}
            Err(error) => return Err(ended(&format!("the terminal cannot be read: {error}"))),
        }
    };
    line.truncate(length);
    match line.last() {
        None => {
            show("\n");
            Err(ended("the input has ended before all was asked"))
        }
        Some(b'\n') => {
            line.pop();
            Ok(line)
        }
        Some(_) => Ok(line),
    }
}

fn ended(what: &str) -> Failure {
    Failure::new(Kind::Other, what).hint("nothing was written; run it again")
}

/// What ends the process as the key would have done, now that the terminal is as it was.
fn interrupted() -> Failure {
    // It fails for nobody's own process; and where the signal is ignored, the failure ends it.
    let _ = kill_process(getpid(), Signal::INT);
    ended("interrupted")
}

/// The interrupt and quit keys while there is silence: Ctrl-C and Ctrl-\.
const INTERRUPTS: [u8; 2] = [0x03, 0x1c];

/// The terminal shows nothing of what is typed as long as this lives.
///
/// A process that a signal ends has no time to make the terminal talk again, so the keys make no signals meanwhile;
/// they end the line instead, and whoever reads it finds them. The line itself is still edited by the terminal.
struct Silence {
    before: Termios,
}

impl Silence {
    fn new() -> Result<Self, Failure> {
        let problem = |error| ended(&format!("the terminal cannot be told to be silent: {error}"));
        let before = tcgetattr(io::stdin()).map_err(problem)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
        let [interrupt, quit] = INTERRUPTS;
        silent.special_codes[SpecialCodeIndex::VEOL] = interrupt;
        silent.special_codes[SpecialCodeIndex::VEOL2] = quit;
        tcsetattr(io::stdin(), OptionalActions::Now, &silent).map_err(problem)?;
        Ok(Self { before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
