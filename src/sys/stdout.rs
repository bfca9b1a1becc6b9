//! What goes to stdout: the one document of a call.
//!
//! The standard library's own stdout is no help: it takes a closed one, and one that is open for reading, for success.

use std::fmt;
use std::io;
use std::sync::LazyLock;

use super::os::{self, StdoutKind};

/// Found out once: it takes a few system calls.
static KIND: LazyLock<StdoutKind> = LazyLock::new(os::stdout_kind);

/// Why the document was not written, or not the whole of it.
#[derive(Debug)]
pub enum WriteError {
    /// Nobody reads the pipe any more.
    BrokenPipe,
    Closed,
    NotWritable,
    Io(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokenPipe => f.write_str("nobody reads it"),
            Self::Closed => f.write_str("it is closed"),
            Self::NotWritable => f.write_str("it is not open for writing"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

/// Writes the document.
pub fn write(document: &[u8]) -> Result<(), WriteError> {
    match *KIND {
        StdoutKind::Closed => return Err(WriteError::Closed),
        StdoutKind::Discarded => return Ok(()),
        StdoutKind::Terminal | StdoutKind::Other => {}
    }
    let mut rest = document;
    while !rest.is_empty() {
        match os::write_stdout(rest) {
            Ok(0) => return Err(WriteError::Io(io::ErrorKind::WriteZero.into())),
            Ok(length) => rest = rest.get(length..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(WriteError::BrokenPipe),
            Err(error) if os::is_not_open_error(&error) => return Err(WriteError::NotWritable),
            Err(error) => return Err(WriteError::Io(error)),
        }
    }
    Ok(())
}

/// Whether stdout is a terminal.
pub fn is_terminal() -> bool {
    *KIND == StdoutKind::Terminal
}
