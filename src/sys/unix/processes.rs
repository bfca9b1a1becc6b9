//! This process, and the programs that it starts or becomes.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::signals;

/// Called once by `main`, before anything else.
pub fn prepare_process() {
    deny_core_dumps();
    signals::survive_file_size_limit();
}

/// Tells the kernel to write no core file of this process, and to let only root read its memory or environment.
///
/// By the process's own flag and not by `RLIMIT_CORE`: programs that are run from here would inherit a limit, while the
/// flag is reset by `exec`. The price is that only root can attach a debugger. Only Linux has such a flag.
fn deny_core_dumps() {
    #[cfg(target_os = "linux")]
    // A kernel that refuses leaves things as they are for every other program too.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}

/// Replaces this process by the command; so exit status and signals are the command's own. Returns only on failure.
pub fn exec(command: &mut Command) -> io::Error {
    command.exec()
}

/// The command that runs a line of the user's shell.
pub fn shell(line: &str) -> Vec<OsString> {
    ["sh", "-c", line].map(OsString::from).to_vec()
}

/// A command for the program of this name in one of the directories.
///
/// Fails with [`io::ErrorKind::NotFound`] where there is none.
pub fn command(program: &OsStr, dirs: &[PathBuf]) -> io::Result<Command> {
    let candidates = || dirs.iter().map(|dir| dir.join(program));
    // One that may not be run fails with the reason.
    let found = candidates().find(|path| is_program(path)).or_else(|| candidates().find(|path| path.exists()));
    let mut command = Command::new(found.ok_or(Errno::NOENT)?);
    command.arg0(program);
    Ok(command)
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Adds the arguments as the program is to see them.
pub fn add_arguments(command: &mut Command, arguments: &[OsString]) {
    command.args(arguments);
}
