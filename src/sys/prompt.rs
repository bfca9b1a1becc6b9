//! Questions to a person: asked on stderr, answered on stdin, both a terminal.

use std::io::{self, IsTerminal, Write};

use zeroize::Zeroizing;

use super::os::{self, HiddenInput};
use super::secret::Secret;
use crate::error::{Error, Result};
use crate::text::printable;

/// No line of a terminal is longer, in bytes: Linux cuts it off at 4095.
const MAX_LINE: usize = 4096;

/// Whether there is anybody to ask.
pub fn is_available() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Shows lines before a question. A name or a value may hold anything: control characters are shown as U+FFFD.
pub fn show(lines: &str) {
    write!(io::stderr(), "{}", printable(lines)).ok();
}

/// Asks until there is an answer.
pub fn ask(question: &str) -> Result<String> {
    loop {
        if let Some(answer) = ask_once(question)? {
            return Ok(answer);
        }
    }
}

/// Asks once. An empty answer is `None`.
pub fn ask_once(question: &str) -> Result<Option<String>> {
    show(&format!("{question}: "));
    let answer = String::from_utf8_lossy(&read_line()?).trim().to_owned();
    Ok(Some(answer).filter(|answer| !answer.is_empty()))
}

/// Asks a question that an empty answer says yes to.
pub fn confirm(question: &str) -> Result<bool> {
    let answer = ask_once(&format!("{question}? [Y/n]"))?;
    Ok(answer.is_none_or(|answer| answer.to_lowercase().starts_with('y')))
}

/// Asks until there is an answer, which the terminal does not show.
pub fn ask_hidden(question: &str) -> Result<Secret> {
    loop {
        if let Some(answer) = ask_hidden_once(question)? {
            return Ok(answer);
        }
    }
}

/// Asks once, without showing the answer. An empty one is `None`.
pub fn ask_hidden_once(question: &str) -> Result<Option<Secret>> {
    let hidden =
        HiddenInput::start().map_err(|error| aborted(&format!("the terminal cannot be told to be silent: {error}")))?;
    show(&format!("{question} (not shown): "));
    let line = read_line();
    drop(hidden);
    show("\n");
    let line = line?;
    if let Some(signal) = HiddenInput::signal(&line) {
        // The terminal is as it was, so the process may end as the key would have ended it.
        os::end_by(signal);
        return Err(aborted("interrupted"));
    }
    let text = str::from_utf8(&line).map_err(|_| aborted("what was typed is not valid UTF-8"))?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(|text| Secret::from(text.to_owned())))
}

/// Asks for one of `count` numbered lines, the first being 1. An empty answer is `None`.
pub fn choose(default: &str, count: usize) -> Result<Option<usize>> {
    loop {
        let Some(answer) = ask_once(&format!("Choose [{default}]"))? else { return Ok(None) };
        match answer.parse() {
            Ok(number) if (1..=count).contains(&number) => return Ok(Some(number)),
            _ => show(&format!("A number from 1 to {count}, please.\n")),
        }
    }
}

/// One line without its newline.
fn read_line() -> Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(vec![0; MAX_LINE]);
    let length =
        os::read_stdin(&mut line).map_err(|error| aborted(&format!("the terminal cannot be read: {error}")))?;
    line.truncate(length);
    match line.last() {
        None => {
            show("\n");
            return Err(aborted("the input has ended before all was asked"));
        }
        Some(b'\n') => line.truncate(length - 1),
        Some(_) => {}
    }
    Ok(line)
}

fn aborted(problem: &str) -> Error {
    Error::other(problem).hint("nothing was written; run it again")
}
