//! A value with its source, which messages about the value name.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

use serde::{Serialize, Serializer};

#[derive(Clone, Debug, Serialize)]
pub struct Sourced<T> {
    pub value: T,
    #[serde(rename = "from")]
    pub source: ValueSource,
}

#[derive(Clone, Debug)]
pub enum ValueSource {
    /// An option of the command line, such as `--timeout`.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A line of a file, counted from 1.
    File {
        path: Rc<Path>,
        line: usize,
    },
    /// It was typed at a prompt.
    Prompt,
    Stdin,
    /// It is the default.
    Default,
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Prompt => f.write_str("the prompt"),
            Self::Stdin => f.write_str("stdin"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Serialize for ValueSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ValueSource {
    pub fn is_default(&self) -> bool {
        matches!(self, Self::Default)
    }

    /// ` (from …)`, to follow the value; empty for a default.
    pub fn in_parentheses(&self) -> String {
        if self.is_default() { String::new() } else { format!(" (from {self})") }
    }

    /// Without the directories of a file, for output that also shows the full path.
    pub fn short(&self) -> String {
        match self {
            Self::File { path, line } => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                format!("{}:{line}", name.display())
            }
            other => other.to_string(),
        }
    }
}

impl<T> Sourced<T> {
    pub fn default(value: T) -> Self {
        Self { value, source: ValueSource::Default }
    }

    /// Another value with the same source.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced { value: make(self.value), source: self.source }
    }
}
