//! Which errors mean that a file does not exist.

use std::io;

/// Whether the error means that the file does not exist. A path may lead through a file, as the home of a service user
/// may be `/dev/null`.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
