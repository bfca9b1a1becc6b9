//! Handles signals that end the process: runs cleanups first, such as killing a command or restoring the terminal's
//! echo.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::{Signals, SignalsInfo};
use signal_hook::{flag, low_level};

/// The signals that a host or a terminal sends to end a process.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// A cleanup that runs before this signal ends the process.
pub type Undo = Box<dyn FnOnce(i32) + Send>;

/// The registered cleanups, oldest first.
static UNDOS: Mutex<Vec<Option<Undo>>> = Mutex::new(Vec::new());

/// Makes a write beyond the file size limit fail instead of ending the process.
///
/// Uses a handler instead of ignoring the signal, because child programs would inherit an ignored signal.
pub fn survive_file_size_limit() {
    flag::register(SIGXFSZ, Arc::default()).ok();
}

/// Makes the exit status of children available even if this process inherited an ignored SIGCHLD from its host. Child
/// programs get the default.
pub fn collect_children() {
    flag::register(SIGCHLD, Arc::default()).ok();
}

/// Starts something that must be cleaned up before the process exits. `start` returns it and its cleanup; no signal is
/// handled in between. The cleanup does not run on drop.
///
/// If no thread can be spawned to wait for signals, they end the process without cleanup.
pub fn with_undo<T>(start: impl FnOnce() -> io::Result<(T, Undo)>) -> io::Result<(T, UndoGuard)> {
    static IS_WATCHING: OnceLock<bool> = OnceLock::new();
    IS_WATCHING.get_or_init(|| watch().is_ok());
    let mut undos = undos();
    let (started, undo) = start()?;
    undos.push(Some(undo));
    Ok((started, UndoGuard { index: undos.len() - 1 }))
}

/// While this guard lives, a signal runs the cleanup before it ends the process.
#[derive(Debug)]
pub struct UndoGuard {
    index: usize,
}

impl Drop for UndoGuard {
    fn drop(&mut self) {
        if let Some(undo) = undos().get_mut(self.index) {
            *undo = None;
        }
    }
}

/// Runs the cleanups, newest first, and ends the process by the signal.
pub fn end_by(signal: i32) {
    // Keeps the lock, so that nothing else is started.
    let mut undos = undos();
    for undo in undos.iter_mut().rev().filter_map(Option::take) {
        undo(signal);
    }
    low_level::emulate_default_handler(signal).ok();
}

/// Waits for signals on a thread, except for those that the host ignores. The handlers are never removed: without
/// cleanups, a signal ends the process immediately.
fn watch() -> io::Result<()> {
    let (ready, is_ready) = mpsc::channel::<()>();
    let wait = move || {
        // Handlers are installed only when the thread runs; otherwise a signal would be lost.
        let mut signals = Signals::new(ENDING.into_iter().filter(|signal| !is_ignored(*signal)));
        drop(ready);
        for signal in signals.iter_mut().flat_map(SignalsInfo::forever) {
            end_by(signal);
        }
    };
    thread::Builder::new().spawn(wait)?;
    is_ready.recv().ok();
    Ok(())
}

/// Whether this process inherited the signal as ignored, from `nohup` or from a shell that runs it in the background.
/// Works only on Linux.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    let ignored = u64::from_str_radix(digits.trim(), 16).unwrap_or_default();
    ignored >> (signal - 1) & 1 == 1
}

fn undos() -> MutexGuard<'static, Vec<Option<Undo>>> {
    UNDOS.lock().unwrap_or_else(PoisonError::into_inner)
}
