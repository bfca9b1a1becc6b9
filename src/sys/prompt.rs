//! Prompts the user on stderr and reads the answer from stdin. Both must be terminals.

use std::io::{self, IsTerminal, Write};

use zeroize::Zeroizing;

use super::os::{self, HiddenInput};
use super::secret::Secret;
use crate::error::{Error, Result};
use crate::text::printable;

/// The maximum length of a line, in bytes. Linux truncates a terminal's lines at 4095.
const MAX_LINE: usize = 4096;

/// The key that suspends a program. It is ignored at a hidden prompt, where it would be a character of the secret.
const CTRL_Z: u8 = 0x1a;

/// Whether the user can be prompted.
pub fn is_available() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Shows lines before a question, if the user can be prompted. Replaces control characters, which a name or value may
/// contain, with U+FFFD.
pub fn show(lines: &str) {
    if is_available() {
        write!(io::stderr(), "{}", printable(lines)).ok();
    }
}

/// Asks until the answer is not empty.
pub fn ask(question: &str) -> Result<String> {
    loop {
        if let Some(answer) = ask_once(question)? {
            return Ok(answer);
        }
    }
}

/// Asks once. Returns `None` for an empty answer.
pub fn ask_once(question: &str) -> Result<Option<String>> {
    show(&format!("{question}: "));
    let answer = String::from_utf8_lossy(&read_line()?).trim().to_owned();
    Ok(Some(answer).filter(|answer| !answer.is_empty()))
}

/// Asks a yes/no question. An empty answer means yes.
pub fn confirm(question: &str) -> Result<bool> {
    let answer = ask_once(&format!("{question}? [Y/n]"))?;
    Ok(answer.is_none_or(|answer| answer.to_lowercase().starts_with('y')))
}

/// Asks until the answer is not empty, without showing it.
pub fn ask_hidden(question: &str) -> Result<Secret> {
    loop {
        if let Some(answer) = ask_hidden_once(question)? {
            return Ok(answer);
        }
    }
}

/// Asks once, without showing the answer. Returns `None` for an empty one.
pub fn ask_hidden_once(question: &str) -> Result<Option<Secret>> {
    hidden(HiddenInput::start(), &format!("{question} (not shown): "), read_line)
}

/// Asks for a text that may have several lines, or a line longer than a terminal allows, without showing it.
pub fn ask_hidden_text(question: &str, limit: u64) -> Result<Option<Secret>> {
    let question = format!("{question} (not shown; an empty line ends it): ");
    hidden(HiddenInput::start_long(), &question, || read_text(limit))
}

fn hidden(
    input: io::Result<HiddenInput>,
    question: &str,
    read: impl FnOnce() -> Result<Zeroizing<Vec<u8>>>,
) -> Result<Option<Secret>> {
    let hidden = input.map_err(|error| aborted(&format!("cannot turn off the terminal's echo: {error}")))?;
    show(question);
    let line = read();
    drop(hidden);
    show("\n");
    let mut line = line?;
    if let Some(signal) = HiddenInput::signal(&line) {
        // The terminal is restored, so the process can now exit by the signal of the key.
        os::end_by(signal);
        return Err(aborted("interrupted"));
    }
    line.retain(|byte| *byte != CTRL_Z);
    let text = str::from_utf8(&line).map_err(|_| aborted("the input is not valid UTF-8"))?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(|text| Secret::from(text.to_owned())))
}

/// Asks for a number from 1 to `count`. Returns `None` for an empty answer.
pub fn choose(default: &str, count: usize) -> Result<Option<usize>> {
    loop {
        let Some(answer) = ask_once(&format!("Choose [{default}]"))? else { return Ok(None) };
        match answer.parse() {
            Ok(number) if (1..=count).contains(&number) => return Ok(Some(number)),
            _ => show(&format!("Enter a number from 1 to {count}.\n")),
        }
    }
}

/// Reads once from the terminal.
fn read(buffer: &mut [u8]) -> Result<usize> {
    os::read_stdin(buffer).map_err(|error| aborted(&format!("cannot read from the terminal: {error}")))
}

/// Reads one line, without its newline.
fn read_line() -> Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(vec![0; MAX_LINE]);
    let length = read(&mut line)?;
    line.truncate(length);
    match line.last() {
        None => {
            show("\n");
            return Err(aborted("the input ended before all questions were answered"));
        }
        Some(b'\n') => line.truncate(length - 1),
        Some(_) => {}
    }
    Ok(line)
}

/// Reads a text until an empty line, the end-of-input key, or Ctrl-C or Ctrl-\, which is then its last byte.
fn read_text(limit: u64) -> Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(vec![0; limit as usize]);
    let mut length = 0;
    loop {
        let rest = text.get_mut(length..).unwrap_or_default();
        if rest.is_empty() {
            return Err(aborted(&format!("the input is longer than {} KiB", limit / 1024)));
        }
        let read = read(rest)?;
        length += read;
        let end = text_end(text.get(..length).unwrap_or_default());
        if let Some(length) = end.or((read == 0).then_some(length)) {
            text.truncate(length);
            // The terminal sends a carriage return for the Enter key, and for each line end of a paste.
            text.dedup_by(|byte, previous| *byte == b'\n' && *previous == b'\r');
            text.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
            return Ok(text);
        }
    }
}

/// The position where the text ends, if it does.
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
    Error::other(problem).hint("nothing was written; run the command again")
}

#[cfg(test)]
mod tests {
    use super::{HiddenInput, text_end};

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
        ] {
            assert_eq!(text_end(typed.as_bytes()), expected, "{typed:?}");
        }
        // Some systems handle these keys themselves.
        for (typed, at) in [("a\nb\u{3}c", 3), ("\u{1c}", 0)] {
            let is_end = typed.as_bytes().get(..=at).is_some_and(|keys| HiddenInput::signal(keys).is_some());
            assert_eq!(text_end(typed.as_bytes()), is_end.then_some(at + 1), "{typed:?}");
        }
    }
}
