//! What can go wrong, as far as somebody branches on it: the exit status, a retry, the memory of it.

use std::fmt;
use std::process::ExitCode;

/// The class of a failure. It alone decides the exit status, and what is remembered about a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything that has no class of its own: exit status 1.
    Other,
    /// The command line is wrong: exit status 2.
    Usage,
    /// A setting is missing or wrong: exit status 3.
    Settings,
    /// The server refused the credentials: exit status 4.
    Rejected,
    /// It may work later (network, time-out, 5xx, an answer that is none): exit status 5.
    Temporary,
    /// The server asked for patience (429): exit status 5.
    RateLimited,
    /// The program that `exec` is to become cannot be run: exit status 126, as of `env`.
    NotExecutable,
    /// There is no such program: exit status 127, as of `env`.
    NotFound,
}

impl Kind {
    /// The exit status, as the README lists it.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Kind::Other => 1,
            Kind::Usage => 2,
            Kind::Settings => 3,
            Kind::Rejected => 4,
            Kind::Temporary | Kind::RateLimited => 5,
            Kind::NotExecutable => 126,
            Kind::NotFound => 127,
        })
    }
}

/// A failure that a person reads: one line saying what happened to what, and often a hint.
///
/// Neither text may hold a secret: both reach stderr, and the cache where a refresh fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The class, which decides the exit status.
    pub kind: Kind,
    /// One line, lower case, no full stop; it names the path, variable, URL or setting.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of the given class, without a hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// A setting that is missing or wrong.
    pub fn settings(message: impl Into<String>) -> Self {
        Self::new(Kind::Settings, message)
    }

    /// Something that may work later.
    pub fn temporary(message: impl Into<String>) -> Self {
        Self::new(Kind::Temporary, message)
    }

    /// A file that is read in vain, as `what` names it.
    pub fn endless(what: &str) -> Self {
        Self::temporary(format!("{what} does not end in time"))
            .hint("is it a pipe that nobody writes to, or a terminal?")
    }

    /// The same failure of another class.
    pub fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same failure with the next step for the person who reads it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Text from outside (a server, a file) made fit for one line of a terminal: no control characters, which could
/// break the line or steer the terminal, and at most 300 characters.
pub fn one_line(text: &str) -> String {
    const MOST: usize = 300;
    let mut line: String = text
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if line.chars().count() > MOST {
        line = line.chars().take(MOST).collect();
        line.push('…');
    }
    line
}
