//! Why what stands in an entry's place does not count. To a call it is a miss; only a person wants to know more.

use std::fmt;
use std::io::{self, ErrorKind};

use rustix::io::Errno;

/// What is doubtful about an entry.
#[derive(Debug)]
pub enum Doubt {
    /// There is no file.
    Absent,
    /// It is a symbolic link.
    Link,
    /// It is a directory, a FIFO, a device.
    NoFile,
    /// It belongs to another user.
    Foreign,
    /// Others can read or write it.
    Exposed,
    /// It is torn, changed, too large, or of another version.
    Garbage,
    /// It cannot be read.
    Unreadable(io::Error),
}

impl From<io::Error> for Doubt {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::LOOP) => Self::Link,
            _ if error.kind() == ErrorKind::NotFound => Self::Absent,
            _ => Self::Unreadable(error),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("not there"),
            Self::Link => f.write_str("is a symbolic link, so it is not read"),
            Self::NoFile => f.write_str("is no regular file, so it is not read"),
            Self::Foreign => f.write_str("belongs to another user, so it is not read"),
            Self::Exposed => f.write_str("can be read or written by others, so it does not count"),
            Self::Garbage => f.write_str("is damaged or of another version, so it does not count"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}
