//! Why a cache file is not used. A call treats it as a miss; only a person wants to know more.

use std::fmt;
use std::io;

use crate::sys::os;

#[derive(Debug)]
pub enum ReadError {
    NotFound,
    SymbolicLink,
    /// It is a directory, a FIFO or a device.
    NotAFile,
    WrongOwner,
    /// Others can read or write it.
    InsecurePermissions,
    /// It is torn, changed, too large, or of another version.
    Corrupt,
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            _ if os::is_symlink_error(&error) => Self::SymbolicLink,
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::FileTooLarge => Self::Corrupt,
            _ => Self::Io(error),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("not there"),
            Self::SymbolicLink => f.write_str("is a symbolic link, so it is not read"),
            Self::NotAFile => f.write_str("is no regular file, so it is not read"),
            Self::WrongOwner => f.write_str("belongs to another user, so it is not read"),
            Self::InsecurePermissions => f.write_str("can be read or written by others, so it does not count"),
            Self::Corrupt => f.write_str("is damaged or of another version, so it does not count"),
            Self::Io(error) => write!(f, "cannot be read: {error}"),
        }
    }
}
