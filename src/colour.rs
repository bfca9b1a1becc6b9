//! Colour, where a person sees it: on a terminal, unless `NO_COLOR` (no-color.org) or a dumb terminal speaks against it.

use std::io::IsTerminal;

use crate::settings::env;

/// The colours that are used, by their SGR numbers (ECMA-48, section 8.3.117).
#[derive(Clone, Copy, Debug)]
pub enum Colour {
    /// Something is wrong.
    Red = 31,
    /// All is well.
    Green = 32,
    /// It will not stay well.
    Yellow = 33,
    /// What to do.
    Cyan = 36,
}

impl Colour {
    /// The text in this colour, if `stream` shows it.
    pub fn paint(self, text: &str, stream: &impl IsTerminal) -> String {
        if stream.is_terminal() && env::wants_colour() {
            format!("\x1b[{}m{text}\x1b[0m", self as u8)
        } else {
            text.to_owned()
        }
    }
}
