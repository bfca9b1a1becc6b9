//! stdin and stdout, without the leniency of the standard library.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::windows::io::AsHandle;

use winapi_util::HandleRef;
use winapi_util::file::typ;

use super::error_codes::{ERROR_ACCESS_DENIED, ERROR_INVALID_HANDLE};
use crate::sys::stdout_kind::StdoutKind;

/// Reads stdin once, into the buffer. Only the standard library's own buffer turns what a console has into UTF-8. A line
/// ends with a newline alone.
pub fn read_stdin(buffer: &mut [u8]) -> io::Result<usize> {
    let length = io::stdin().read(buffer)?;
    match buffer.get_mut(..length) {
        Some([.., end @ b'\r', b'\n']) => {
            *end = b'\n';
            Ok(length - 1)
        }
        _ => Ok(length),
    }
}

/// What stdout is. The standard library takes a closed one for success.
pub fn stdout_kind() -> StdoutKind {
    match typ(HandleRef::stdout()) {
        Err(_) => StdoutKind::Closed,
        Ok(_) if io::stdout().is_terminal() => StdoutKind::Terminal,
        Ok(kind) if kind.is_char() => StdoutKind::Discarded,
        Ok(_) => StdoutKind::Other,
    }
}

/// Writes to stdout once, to a console by the standard library, which turns UTF-8 into what a console takes.
pub fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    if io::stdout().is_terminal() {
        return io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()).map(|()| bytes.len());
    }
    File::from(io::stdout().as_handle().try_clone_to_owned()?).write(bytes)
}

/// Whether a stream is closed, or not open for what was tried.
pub fn is_not_open_error(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(ERROR_ACCESS_DENIED | ERROR_INVALID_HANDLE))
}
