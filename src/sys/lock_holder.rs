//! Who holds a lock, for messages.

use std::fmt;
use std::time::Duration;

use crate::text::duration;

/// A process that holds a lock.
#[derive(Debug)]
pub struct LockHolder {
    pub pid: u32,
    /// The program that started it, which is more helpful than `spotinst-cred`.
    pub program: Option<String>,
    /// How long it has been running.
    pub age: Duration,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program.as_ref().map(|program| format!("{program}, ")).unwrap_or_default();
        write!(f, "pid {}, {program}for {}", self.pid, duration(self.age))
    }
}
