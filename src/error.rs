//! The error type. Code branches only on its kind, which decides the exit status, retries and caching.

use std::fmt;
use std::io;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

pub type Result<T> = std::result::Result<T, Error>;

/// The class of an error. It decides the exit status, and how long a failed refresh is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Any other error: exit status 1.
    Other,
    /// The command line is wrong: exit status 2.
    Usage,
    /// A setting is missing or wrong: exit status 3.
    #[serde(rename = "settings")]
    Config,
    /// The server rejected the credentials: exit status 4.
    Rejected,
    /// A later call may succeed (network, timeout, 5xx, an unusable response): exit status 5.
    Temporary,
    /// The response comes from a wrong or untrusted server: exit status 3, because a setting is wrong. Otherwise it
    /// is treated like [`Self::Temporary`].
    WrongServer,
    /// The server responded with 429: exit status 5.
    RateLimited,
    /// `exec` cannot run the program: exit status 126, as for `env`.
    NotExecutable,
    /// `exec` cannot find the program: exit status 127, as for `env`.
    NotFound,
}

impl ErrorKind {
    /// The exit status, as `contrib/docs/commands.md` lists it.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Config | Self::WrongServer => 3,
            Self::Rejected => 4,
            Self::Temporary | Self::RateLimited => 5,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
        })
    }

    /// Whether a request failed in a way that says nothing about the credentials.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Temporary | Self::WrongServer)
    }
}

/// One line that says what happened to what, and often a hint.
///
/// Neither may contain a secret: both are printed to stderr and, if a refresh fails, stored in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub kind: ErrorKind,
    /// Lower case, no full stop; it names the path, variable, URL or setting.
    pub message: String,
    pub hint: Option<String>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub fn other(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Other, message)
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub fn temporary(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Temporary, message)
    }

    /// The error for a file that cannot be read, or not before the deadline.
    pub fn unreadable(what: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::temporary(format!("{what} cannot be read: timed out"))
                .hint("check that it is not a terminal or a pipe without a writer"),
            _ => Self::config(format!("{what} cannot be read: {error}")).hint("check the path and its permissions"),
        }
    }

    pub fn kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
