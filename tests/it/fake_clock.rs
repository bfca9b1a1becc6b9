//! A wall clock that a test sets, with `faketime`. The monotonic clock stays real, so deadlines do too.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::os;
use crate::requirements::{need, not_installed};
use crate::sandbox::Sandbox;

/// The clock of one sandbox. It stands still, so that ages are exact on slow machines.
pub struct FakeClock {
    file: PathBuf,
    start: u64,
}

impl FakeClock {
    /// Sets this clock, at the current time, for all later processes of the sandbox. `None` if `faketime` is not
    /// installed: the test is then skipped, or fails on CI.
    pub fn of(sandbox: &mut Sandbox) -> Option<Self> {
        let library = os::faketime_library();
        need(library.is_some(), &not_installed("faketime"));
        let library = library?;
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let clock = Self { file: sandbox.path().join("clock"), start };
        clock.set(0);
        sandbox.set("LD_PRELOAD", library).set("FAKETIME_TIMESTAMP_FILE", &clock.file);
        for (name, value) in [("FAKETIME_FMT", "%s"), ("TZ", "UTC"), ("NO_FAKE_STAT", "1")] {
            sandbox.set(name, value);
        }
        for name in ["FAKETIME_DONT_FAKE_MONOTONIC", "FAKETIME_NO_CACHE", "FAKETIME_DISABLE_SHM"] {
            sandbox.set(name, "1");
        }
        Some(clock)
    }

    /// Sets the clock to this many seconds after its start, for running processes too.
    pub fn set(&self, seconds: i64) {
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{}\n", self.start.saturating_add_signed(seconds))).unwrap();
        fs::rename(&next, &self.file).unwrap();
    }
}
