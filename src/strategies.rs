//! Hostile and damaged input for the property tests of all parsers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The number of inputs for each property: many on CI, few where somebody waits.
#[expect(clippy::disallowed_methods, reason = "a test reads its own environment")]
fn cases() -> u32 {
    if std::env::var_os("CI").is_some() { 1000 } else { 64 }
}

/// Pieces that break grammars: quotes, brackets, escapes, numbers out of range, invalid UTF-8.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[",
    b":",
    b",",
    b"=",
    b"\n",
    b"\r",
    b"\0",
    b"\x1b[2J",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\xFF\xFE",
    b"\xEF\xBB\xBF",
    b"\xC0\x80",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"-0.0",
    b"0x",
    b"18446744073709551616",
    b"#",
    b";",
    b"\"\"\"",
    b"%00",
];

pub fn config() -> ProptestConfig {
    ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() }
}

/// Any bytes, with a preference for those that mean something.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..200), vec(select(PIECES), 0..40).prop_map(|pieces| pieces.concat())]
}

/// Any text, with the same preference.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), bytes().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())]
}

/// A valid document with one to three faults.
pub fn damaged(valid: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let fault = (any::<Index>(), any::<Index>(), 0..5_usize, select(PIECES));
    (valid, vec(fault, 1..4)).prop_map(|(document, faults)| {
        faults.into_iter().fold(document, |document, (at, to, kind, piece)| inject(document, at, to, kind, piece))
    })
}

/// The same for text.
pub fn damaged_text(valid: &'static str) -> impl Strategy<Value = String> {
    damaged(Just(valid.as_bytes().to_vec())).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn inject(mut document: Vec<u8>, at: Index, to: Index, kind: usize, piece: &[u8]) -> Vec<u8> {
    let (at, to) = (at.index(document.len() + 1), to.index(document.len() + 1));
    let range = at.min(to)..at.max(to);
    match kind {
        0 => document.truncate(at),
        1 => drop(document.splice(at..at, piece.iter().copied())),
        2 => drop(document.splice(range, piece.iter().copied())),
        3 => drop(document.drain(range)),
        _ => {
            let part = document.get(range).unwrap().to_vec();
            drop(document.splice(at..at, part));
        }
    }
    document
}

/// One line, as a terminal or a log takes it.
pub fn is_one_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}
