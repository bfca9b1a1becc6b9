//! The console, and input that it does not show.

use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use winapi_util::HandleRef;
use winapi_util::console::{mode, set_mode};

const ENABLE_ECHO_INPUT: u32 = 0x0004;
const ENABLE_LINE_INPUT: u32 = 0x0002;

/// The status of a process that Ctrl-C has ended.
const STATUS_CONTROL_C_EXIT: i32 = 0xC000_013A_u32.cast_signed();

/// What Ctrl-C does.
enum OnInterrupt {
    End,
    /// The console gets this mode first.
    RestoreAndEnd(u32),
    /// A child has it, too, and decides.
    Ignore,
}

static ON_INTERRUPT: Mutex<OnInterrupt> = Mutex::new(OnInterrupt::End);

fn on_interrupt() -> MutexGuard<'static, OnInterrupt> {
    ON_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_on_interrupt(action: OnInterrupt) -> io::Result<()> {
    static HANDLER: OnceLock<bool> = OnceLock::new();
    *on_interrupt() = action;
    match HANDLER.get_or_init(|| ctrlc::set_handler(interrupt).is_ok()) {
        true => Ok(()),
        false => Err(io::Error::other("Ctrl-C cannot be handled")),
    }
}

/// Runs on the thread that ctrlc starts.
fn interrupt() {
    let action = on_interrupt();
    match *action {
        OnInterrupt::Ignore => return,
        OnInterrupt::RestoreAndEnd(mode) => restore(mode),
        OnInterrupt::End => {}
    }
    // Locked to the end, so that nothing else is hidden.
    end_by(STATUS_CONTROL_C_EXIT);
}

/// Ends the process with this status.
#[expect(clippy::exit, reason = "Ctrl-C ends the process")]
pub fn end_by(status: i32) {
    std::process::exit(status);
}

/// From now on Ctrl-C is for the children of this process alone.
pub fn leave_interrupts_to_children() -> io::Result<()> {
    set_on_interrupt(OnInterrupt::Ignore)
}

fn restore(mode: u32) {
    set_mode(HandleRef::stdin(), mode).ok();
}

/// Turns the console's echo off while it lives; Ctrl-C turns it on again before it ends the process.
pub struct HiddenInput {
    before: u32,
}

impl HiddenInput {
    /// For one line.
    pub fn start() -> io::Result<Self> {
        Self::without(ENABLE_ECHO_INPUT)
    }

    /// For a text that is pasted, which may be longer than a line of the console.
    pub fn start_long() -> io::Result<Self> {
        Self::without(ENABLE_ECHO_INPUT | ENABLE_LINE_INPUT)
    }

    fn without(flags: u32) -> io::Result<Self> {
        let before = mode(HandleRef::stdin())?;
        set_on_interrupt(OnInterrupt::RestoreAndEnd(before))?;
        set_mode(HandleRef::stdin(), before & !flags)?;
        Ok(Self { before })
    }

    /// The signal of the key that ended the line: here it has ended the process.
    pub fn signal(_line: &[u8]) -> Option<i32> {
        None
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        restore(self.before);
        *on_interrupt() = OnInterrupt::End;
    }
}
