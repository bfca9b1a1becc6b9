//! Why a cache file is not used. A call for a token treats it as a cache miss; `status` shows the reason.

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
    /// Other users can read or write it.
    InsecurePermissions,
    /// It is incomplete, changed, too large, or was written by another version.
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
            Self::SymbolicLink => f.write_str("is a symbolic link, so it is ignored"),
            Self::NotAFile => f.write_str("is not a regular file, so it is ignored"),
            Self::WrongOwner => f.write_str("belongs to another user, so it is ignored"),
            Self::InsecurePermissions => f.write_str("can be read or written by other users, so it is ignored"),
            Self::Corrupt => f.write_str("is damaged or was written by another version, so it is ignored"),
            Self::Io(error) => write!(f, "cannot be read: {error}"),
        }
    }
}
