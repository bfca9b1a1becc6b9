//! Color on a terminal, unless `NO_COLOR` (no-color.org) is set or `TERM` is `dumb`.

use std::io::IsTerminal;

use super::env;
use crate::text::printable;

/// The colors by their SGR numbers (ECMA-48, section 8.3.117).
#[derive(Clone, Copy, Debug)]
pub enum Color {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
}

impl Color {
    /// Colors the text if `stream` is a terminal, and replaces control characters.
    pub fn paint(self, text: &str, stream: &impl IsTerminal) -> String {
        let text = printable(text);
        if stream.is_terminal() && env::wants_color() { format!("\x1b[{}m{text}\x1b[0m", self as u8) } else { text }
    }
}
