//! Sets up this process, and runs programs.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::signals;

/// The variables that name a proxy; the first one that is set is used. As in curl, lower case comes first.
pub const PROXY_VARIABLES: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Called once by `main`, before anything else.
pub fn prepare_process() {
    deny_core_dumps();
    signals::survive_file_size_limit();
}

/// Disables core dumps, and lets only root read this process's memory and environment.
///
/// Uses the dumpable flag (Linux only) instead of `RLIMIT_CORE`: programs that this process runs would inherit a limit,
/// while `exec` resets the flag. As a consequence, only root can attach a debugger.
fn deny_core_dumps() {
    #[cfg(target_os = "linux")]
    // On failure, this process is no less protected than any other program.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}

/// Replaces this process with the command, which therefore provides exit status and signal behavior. Returns only on
/// failure.
pub fn exec(command: &mut Command) -> io::Error {
    command.exec()
}

/// The command that runs a line of the user's shell.
pub fn shell(line: &str) -> Vec<OsString> {
    ["sh", "-c", line].map(OsString::from).to_vec()
}

/// A command for the program with this name in one of the directories.
///
/// Fails with [`io::ErrorKind::NotFound`] if there is none.
pub fn command(program: &OsStr, dirs: &[PathBuf]) -> io::Result<Command> {
    let candidates = || dirs.iter().map(|dir| dir.join(program));
    // A file that is not executable is tried, too, so that the error says why it cannot be run.
    let found = candidates().find(|path| is_program(path)).or_else(|| candidates().find(|path| path.exists()));
    let mut command = Command::new(found.ok_or(Errno::NOENT)?);
    command.arg0(program);
    Ok(command)
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Adds the arguments unchanged.
pub fn add_arguments(command: &mut Command, arguments: &[OsString]) {
    command.args(arguments);
}
