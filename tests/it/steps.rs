//! Commands of a few steps, which `os` writes for the shell of the operating system.

use std::path::PathBuf;

pub enum Step {
    /// Appends a line to the file, which counts the runs of the command.
    Count(PathBuf),
    /// Waits this many seconds.
    Wait(u32),
    /// Prints the file.
    Print(PathBuf),
}
