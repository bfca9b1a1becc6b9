//! Writes the result to stdout.
//!
//! The standard library's stdout is not used: it reports success if stdout is closed or not open for writing.

use std::fmt;
use std::io;
use std::sync::LazyLock;

use super::os;
use super::stdout_kind::StdoutKind;

/// Cached, because it takes a few system calls.
static KIND: LazyLock<StdoutKind> = LazyLock::new(os::stdout_kind);

/// Why the document was not written completely.
#[derive(Debug)]
pub enum WriteError {
    /// The reader closed the pipe.
    BrokenPipe,
    Closed,
    NotWritable,
    Io(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokenPipe => f.write_str("the reader closed the pipe"),
            Self::Closed => f.write_str("it is closed"),
            Self::NotWritable => f.write_str("it is not open for writing"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

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
