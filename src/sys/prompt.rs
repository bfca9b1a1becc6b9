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

/// Shows lines before a question, if there is anybody to ask. A name or a value may hold anything: control characters are
/// shown as U+FFFD.
pub fn show(lines: &str) {
    if is_available() {
        write!(io::stderr(), "{}", printable(lines)).ok();
    }
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
    hidden(HiddenInput::start(), &format!("{question} (not shown): "), read_line)
}

/// Asks for a text that may have many lines, or one that is longer than a terminal's, without showing it.
pub fn ask_hidden_text(question: &str, limit: u64) -> Result<Option<Secret>> {
    let question = format!("{question} (not shown; an empty line ends it): ");
    hidden(HiddenInput::start_long(), &question, || read_text(limit))
}

fn hidden(
    input: io::Result<HiddenInput>,
    question: &str,
    read: impl FnOnce() -> Result<Zeroizing<Vec<u8>>>,
) -> Result<Option<Secret>> {
    let hidden = input.map_err(|error| aborted(&format!("the terminal cannot be told to be silent: {error}")))?;
    show(question);
    let line = read();
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

/// A text up to an empty line or the end-of-input key, or to the key of a signal, which is then its last byte.
fn read_text(limit: u64) -> Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(vec![0; limit as usize]);
    let mut length = 0;
    loop {
        let rest = text.get_mut(length..).unwrap_or_default();
        if rest.is_empty() {
            return Err(aborted(&format!("what was typed is longer than {} KiB", limit / 1024)));
        }
        let read = os::read_stdin(rest).map_err(|error| aborted(&format!("the terminal cannot be read: {error}")))?;
        length += read;
        let end = text_end(text.get(..length).unwrap_or_default());
        if let Some(length) = end.or((read == 0).then_some(length)) {
            text.truncate(length);
            // The Enter key, and so each line end of a paste, is a carriage return.
            text.dedup_by(|byte, previous| *byte == b'\n' && *previous == b'\r');
            text.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
            return Ok(text);
        }
    }
}

/// Where the text ends, if it does.
fn text_end(bytes: &[u8]) -> Option<usize> {
    const END_OF_INPUT: u8 = 0x04;
    let (mut has_text, mut is_line_empty, mut previous) = (false, true, 0);
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            END_OF_INPUT => return Some(at),
            _ if HiddenInput::signal(&[byte]).is_some() => return Some(at + 1),
            b'\n' if previous == b'\r' => {}
            b'\n' | b'\r' if has_text && is_line_empty => return Some(at),
            b'\n' | b'\r' => is_line_empty = true,
            _ => {
                has_text |= !byte.is_ascii_whitespace();
                is_line_empty = false;
            }
        }
        previous = byte;
    }
    None
}

fn aborted(problem: &str) -> Error {
    Error::other(problem).hint("nothing was written; run it again")
}

#[cfg(test)]
mod tests {
    use super::text_end;

    #[test]
    fn a_text_ends_with_an_empty_line_or_a_key() {
        for (typed, expected) in [
            ("", None),
            ("\n\n", None),
            ("a", None),
            ("a\n", None),
            ("a\nb\n\n", Some(4)),
            ("\r\ra\rb\r\r", Some(6)),
            ("\na\r\nb\r\nc", None),
            ("a\r\nb\r\n\r\n", Some(6)),
            ("a\u{4}b", Some(1)),
            ("\u{4}", Some(0)),
            ("a\nb\u{3}c", Some(4)),
            ("\u{1c}", Some(1)),
        ] {
            assert_eq!(text_end(typed.as_bytes()), expected, "{typed:?}");
        }
    }
}
