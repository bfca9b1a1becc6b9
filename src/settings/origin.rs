//! Where a setting's value came from: named in every message about it.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

/// A value and where it came from.
#[derive(Clone, Debug)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// An option of the command line, such as `--timeout`.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A line of a file, counted from 1.
    File { path: Rc<Path>, line: usize },
    /// A person's answer.
    Prompt,
    /// Nobody gave it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) | Origin::Variable(name) => f.write_str(name),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Prompt => f.write_str("the prompt"),
            Origin::Default => f.write_str("the default"),
        }
    }
}

impl Origin {
    /// ` (from …)`, to stand behind what was given; nothing where nobody gave it.
    pub fn in_brackets(&self) -> String {
        match self {
            Origin::Default => String::new(),
            origin => format!(" (from {origin})"),
        }
    }

    /// The same without a file's directories, where the file is told beside it.
    pub fn short(&self) -> String {
        match self {
            Origin::File { path, line } => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                format!("{}:{line}", name.display())
            }
            other => other.to_string(),
        }
    }
}

impl<T> Given<T> {
    /// A value that nobody gave.
    pub fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// The value made into another, its origin kept.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Given<U> {
        Given { value: make(self.value), origin: self.origin }
    }
}
