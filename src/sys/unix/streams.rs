//! stdin and stdout, without the buffers and the leniency of the standard library.

use std::io::{self, IsTerminal};

use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::Errno;

/// Reads stdin once, into the buffer: the standard library's own buffer would keep a copy.
pub fn read_stdin(buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(io::stdin(), &mut *buffer) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// What stdout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdoutKind {
    Closed,
    /// `/dev/null`: a write would do nothing.
    Discarded,
    Terminal,
    Other,
}

/// What stdout is. The standard library opens `/dev/null` for reading and writing in place of a closed one.
///
/// Some hosts open it in that way themselves, to discard all output. As they use it for stderr too, one that is stderr as
/// well does not count as closed: an error could not be shown anyway.
pub fn stdout_kind() -> StdoutKind {
    let stdout = io::stdout();
    // Most often a pipe or a file: one system call.
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

/// Whether stderr is the same open file as stdout, `/dev/null`: then a change of the flags is seen there. The flag that is
/// tried out has no effect on that device.
fn is_stderr(stdout: &io::Stdout, flags: OFlags) -> bool {
    let before = fcntl_getfl(io::stderr());
    if fcntl_setfl(stdout, flags ^ OFlags::NONBLOCK).is_err() {
        return false;
    }
    let is_stderr = fcntl_getfl(io::stderr()) != before;
    let _ = fcntl_setfl(stdout, flags);
    is_stderr
}

/// Writes to stdout once. The standard library's own function does not report a closed one.
pub fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::io::write(io::stdout(), bytes) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Whether a stream is closed, or not open for what was tried.
pub fn is_not_open_error(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::BADF)
}
