//! Finds the process that holds a lock, in Linux's `/proc`. Other systems have no such files, so no holder is found.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{lstat, major, minor};

use crate::sys::lock_holder::LockHolder;
use crate::text::one_line;

/// The unit of times in `/proc`, which does not depend on the kernel's configuration.
const TICKS_PER_SECOND: u64 = 100;

/// The process that holds the lock on this file; nothing if it cannot be found.
pub fn lock_holder(path: &Path) -> Option<LockHolder> {
    let file = lstat(path).ok()?;
    let place = format!("{:02x}:{:02x}:{}", major(file.st_dev), minor(file.st_dev), file.st_ino);
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let pid = locks.lines().find_map(|line| holder(line, &place))?;
    let process = Process::read(pid)?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?.split('.').next()?.parse::<u64>().ok()?;
    let age = uptime.saturating_sub(process.started / TICKS_PER_SECOND);
    let program = Process::read(process.parent).map(|parent| parent.name);
    Some(LockHolder { pid, program, age: Duration::from_secs(age) })
}

/// The command that finds the process that has a file open.
pub fn find_process(file: &Path) -> String {
    format!("fuser {}", file.display())
}

/// Parses the process id in a line such as `1: FLOCK  ADVISORY  WRITE 4711 fe:00:5899335 0 EOF`. A waiting process has
/// `->` before it; a process in another namespace has no id.
fn holder(line: &str, place: &str) -> Option<u32> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words[..] {
        [_, "FLOCK", _, _, pid, at, ..] if at == place => pid.parse().ok().filter(|pid| *pid > 0),
        _ => None,
    }
}

struct Process {
    name: String,
    parent: u32,
    /// In ticks since the system started.
    started: u64,
}

impl Process {
    /// Reads `/proc/PID/stat`: `PID (NAME) STATE PARENT …`, with the start time as field 22. The name may contain any
    /// character.
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let words: Vec<_> = rest.split_whitespace().collect();
        let number = |index: usize| words.get(index)?.parse().ok();
        let name = one_line(head.split_once('(')?.1);
        Some(Self { name, parent: u32::try_from(number(1)?).ok()?, started: number(19)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_of_the_file_is_named() {
        let place = "fe:00:42";
        assert_eq!(holder("1: FLOCK  ADVISORY  WRITE 4711 fe:00:42 0 EOF", place), Some(4711));
        for other in [
            "1: -> FLOCK  ADVISORY  WRITE 4711 fe:00:42 0 EOF",
            "1: FLOCK  ADVISORY  WRITE 4711 fe:00:421 0 EOF",
            "1: POSIX  ADVISORY  WRITE 4711 fe:00:42 0 EOF",
            "1: FLOCK  ADVISORY  WRITE 0 fe:00:42 0 EOF",
            "1: FLOCK  ADVISORY  WRITE -1 fe:00:42 0 EOF",
            "",
        ] {
            assert_eq!(holder(other, place), None, "{other}");
        }
    }
}
