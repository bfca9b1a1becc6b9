//! The terminal, and input that it does not show.

use std::fs::File;
use std::io::{self, IsTerminal};

use rustix::process::getpgrp;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use signal_hook::consts::{SIGINT, SIGQUIT};

use super::signals::{self, Undo, UndoGuard};

/// Whether a person may be asked, on stderr or on the terminal that controls this process.
pub fn has_terminal() -> bool {
    io::stderr().is_terminal() || File::open("/dev/tty").is_ok()
}

/// Turns the terminal's echo off while it lives; a signal turns it on again before it ends the process.
///
/// The keys that make a signal do not meanwhile: the interrupt and quit keys end the line, and [`HiddenInput::signal`]
/// recognizes them; a stopped process would leave the terminal as it is. The terminal still does the line editing.
pub struct HiddenInput {
    before: Termios,
    /// Whether what was not read is discarded at the end, or is for whoever reads next.
    end: OptionalActions,
    _undo: UndoGuard,
}

impl HiddenInput {
    /// Ctrl-C and Ctrl-\.
    const KEYS: [(u8, i32); 2] = [(0x03, SIGINT), (0x1c, SIGQUIT)];

    /// For one line. What was typed before is discarded: the terminal has shown it.
    pub fn start() -> io::Result<Self> {
        Self::with_modes(OptionalActions::Now, |hidden| {
            let [(interrupt, _), (quit, _)] = Self::KEYS;
            hidden.special_codes[SpecialCodeIndex::VEOL] = interrupt;
            hidden.special_codes[SpecialCodeIndex::VEOL2] = quit;
        })
    }

    /// For a text that is pasted: the terminal does no line editing, which would cut off what is longer than one of its
    /// lines. The rest of the paste is discarded: nothing else should read it.
    pub fn start_long() -> io::Result<Self> {
        Self::with_modes(OptionalActions::Flush, |hidden| {
            hidden.local_modes.remove(LocalModes::ICANON);
            hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
            hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
            // A line end of two characters must not look like an empty line.
            hidden.input_modes.remove(InputModes::ICRNL);
        })
    }

    fn with_modes(end: OptionalActions, change: impl FnOnce(&mut Termios)) -> io::Result<Self> {
        let (before, _undo) = signals::with_undo(|| {
            let before = tcgetattr(io::stdin())?;
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
            change(&mut hidden);
            tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
            let modes = before.clone();
            let undo: Undo = Box::new(move |_| restore(&modes, end));
            Ok((before, undo))
        })?;
        Ok(Self { before, end, _undo })
    }

    /// The signal of the key that ended the line, if it is the interrupt or quit key.
    pub fn signal(line: &[u8]) -> Option<i32> {
        let last = line.last()?;
        Self::KEYS.into_iter().find_map(|(key, signal)| (key == *last).then_some(signal))
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        restore(&self.before, self.end);
    }
}

/// Gives the terminal these modes. One that is gone, or is another program's now, needs no restoring.
fn restore(modes: &Termios, actions: OptionalActions) {
    if tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground == getpgrp()) {
        let _ = tcsetattr(io::stdin(), actions, modes);
    }
}
