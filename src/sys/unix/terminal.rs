//! Terminal detection, and input without echo.

use std::fs::File;
use std::io::{self, IsTerminal};

use rustix::process::getpgrp;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use signal_hook::consts::{SIGINT, SIGQUIT};

use super::signals::{self, Undo, UndoGuard};

/// Whether the user can be prompted, on stderr or on the controlling terminal.
pub fn has_terminal() -> bool {
    io::stderr().is_terminal() || File::open("/dev/tty").is_ok()
}

/// Turns off the terminal's echo until it is dropped. A signal turns it on again before it ends the process.
///
/// Meanwhile Ctrl-C, Ctrl-\ and Ctrl-Z do not send signals. Ctrl-C and Ctrl-\ end the line, and [`HiddenInput::signal`]
/// recognizes them; Ctrl-Z would stop the process with the echo still off. Line editing works as usual.
pub struct HiddenInput {
    before: Termios,
    /// Whether input that was not read is discarded at the end, or left for the next reader.
    end: OptionalActions,
    _undo: UndoGuard,
}

impl HiddenInput {
    /// Ctrl-C and Ctrl-\.
    const KEYS: [(u8, i32); 2] = [(0x03, SIGINT), (0x1c, SIGQUIT)];

    /// Turns off the echo for one line. Discards what was typed before, because the terminal already showed it.
    pub fn start() -> io::Result<Self> {
        Self::with_modes(OptionalActions::Now, |hidden| {
            let [(interrupt, _), (quit, _)] = Self::KEYS;
            hidden.special_codes[SpecialCodeIndex::VEOL] = interrupt;
            hidden.special_codes[SpecialCodeIndex::VEOL2] = quit;
        })
    }

    /// Turns off the echo for a pasted text. Line editing is off, too, because it truncates long lines. The rest of the
    /// paste is discarded, so that nothing else reads it.
    pub fn start_long() -> io::Result<Self> {
        Self::with_modes(OptionalActions::Flush, |hidden| {
            hidden.local_modes.remove(LocalModes::ICANON);
            hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
            hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
            // Otherwise a line end of two characters would look like an empty line.
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

    /// The signal of the key that ended the line, if it is Ctrl-C or Ctrl-\.
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

/// Restores the terminal's modes, unless it is gone or another process group is in the foreground.
fn restore(modes: &Termios, actions: OptionalActions) {
    if tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground == getpgrp()) {
        let _ = tcsetattr(io::stdin(), actions, modes);
    }
}

#[cfg(test)]
mod tests {
    use super::{HiddenInput, SIGINT, SIGQUIT};

    #[test]
    fn the_keys_of_signals_are_read_as_bytes() {
        for (line, signal) in [("a\u{3}", Some(SIGINT)), ("\u{1c}", Some(SIGQUIT)), ("\u{3}a", None), ("", None)] {
            assert_eq!(HiddenInput::signal(line.as_bytes()), signal, "{line:?}");
        }
    }
}
