//! Unbuffered stdin and stdout, with errors that the standard library hides.

use std::io::{self, IsTerminal};

use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::Errno;

use crate::sys::stdout_kind::StdoutKind;

/// Reads once from stdin into the buffer. The standard library's buffer would keep a copy of a secret.
pub fn read_stdin(buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(io::stdin(), &mut *buffer) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Determines what stdout is. If it is closed, the standard library opens `/dev/null` for reading and writing instead.
///
/// Some hosts open `/dev/null` in this mode themselves, to discard all output. They use it for stderr, too, so it does
/// not count as closed if stderr is the same open file: an error could not be shown anyway.
pub fn stdout_kind() -> StdoutKind {
    let stdout = io::stdout();
    // Usually a pipe or a file, for which this one system call is enough.
    let Some(file) = fstat(&stdout).ok().filter(|file| FileType::from_raw_mode(file.st_mode).is_char_device()) else {
        return StdoutKind::Other;
    };
    if !is_null_device(file.st_rdev) {
        return if stdout.is_terminal() { StdoutKind::Terminal } else { StdoutKind::Other };
    }
    match fcntl_getfl(&stdout) {
        Ok(flags) if flags & OFlags::RWMODE == OFlags::RDWR && !is_stderr(&stdout, flags) => StdoutKind::Closed,
        Ok(flags) if flags & OFlags::RWMODE != OFlags::RDONLY => StdoutKind::Discarded,
        _ => StdoutKind::Other,
    }
}

#[cfg(target_os = "linux")]
fn is_null_device(device: rustix::fs::Dev) -> bool {
    device == rustix::fs::makedev(1, 3)
}

#[cfg(not(target_os = "linux"))]
fn is_null_device(device: rustix::fs::Dev) -> bool {
    rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == device)
}

/// Whether stderr is the same open file (`/dev/null`) as stdout: then it shows a change of stdout's flags. The changed
/// flag, `O_NONBLOCK`, has no effect on this device.
fn is_stderr(stdout: &io::Stdout, flags: OFlags) -> bool {
    let before = fcntl_getfl(io::stderr());
    if fcntl_setfl(stdout, flags ^ OFlags::NONBLOCK).is_err() {
        return false;
    }
    let is_stderr = fcntl_getfl(io::stderr()) != before;
    let _ = fcntl_setfl(stdout, flags);
    is_stderr
}

/// Writes once to stdout. The standard library's function does not report a closed stdout.
pub fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(io::stdout(), bytes) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Whether the error means that a stream is closed, or not open in the required mode.
pub fn is_not_open_error(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::BADF)
}
