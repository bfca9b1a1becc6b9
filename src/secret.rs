//! A secret, and where one can come from. Nothing here is read before a grant needs it.

use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use ring::hmac;
use ring::rand::SystemRandom;
use zeroize::Zeroizing;

use crate::child;
use crate::failure::Failure;
use crate::settings::origin::Origin;

/// No secret is longer: more than this in a file or from a command is a mistake.
pub const LONGEST: u64 = 64 * 1024;

/// A password, client secret or token. `Debug` shows nothing, there is no `Display`, and the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both are the same, in a time that tells nothing about where they differ: both are hashed with a key
    /// that nobody knows, and the hashes compared.
    pub fn is_same(&self, other: &Secret) -> bool {
        let Ok(key) = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()) else {
            return false;
        };
        hmac::verify(&key, other.expose().as_bytes(), hmac::sign(&key, self.expose().as_bytes()).as_ref()).is_ok()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// It stands in the environment or the configuration itself.
    Value(Secret),
    /// The whole of a file, less one trailing newline.
    File(PathBuf),
    /// What a command prints, less one trailing newline.
    Command(Command),
}

/// A command that prints a secret.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments: for a string in the configuration `sh -c STRING`.
    pub argv: Vec<OsString>,
}

/// A secret's source together with the setting that named it.
#[derive(Clone, Debug)]
pub struct SecretSetting {
    /// What to call it in a message: `password`, `client secret`, `token`.
    pub what: &'static str,
    /// Where it comes from.
    pub source: Source,
    /// The variable or the configuration key that says so.
    pub origin: Origin,
}

impl SecretSetting {
    /// Whether a program runs to fetch it.
    pub fn is_command(&self) -> bool {
        matches!(self.source, Source::Command(_))
    }

    /// Fetches the secret. A command has until `deadline`.
    ///
    /// # Errors
    /// [`Kind::Settings`](crate::failure::Kind) for a file or command that yields none, temporary for a command that is not done in time.
    pub fn fetch(&self, deadline: Instant) -> Result<Secret, Failure> {
        let bytes = match &self.source {
            Source::Value(secret) => return Ok(secret.clone()),
            Source::File(path) => self.read_file(path)?,
            Source::Command(command) => child::output(&command.argv, deadline)
                .map_err(|failure| failure.about(&format!("the {} command from {}", self.what, self.origin)))?,
        };
        self.text(bytes)
    }

    /// The file's bytes, bounded: a device or a log is not a secret.
    fn read_file(&self, path: &PathBuf) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut bytes = Zeroizing::new(Vec::new());
        std::fs::File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)).map_err(|error| {
            let problem =
                format!("cannot read the {} file {} (from {}): {error}", self.what, path.display(), self.origin);
            Failure::settings(problem).hint("check the path and its permissions")
        })?;
        Ok(bytes)
    }

    /// The bytes as text, checked, without their one trailing newline.
    fn text(&self, mut bytes: Zeroizing<Vec<u8>>) -> Result<Secret, Failure> {
        let problem = |what: &str| Failure::settings(format!("the {} from {} {what}", self.what, self.origin));
        if bytes.len() as u64 > LONGEST {
            return Err(problem("is longer than 64 KiB").hint("it must hold the secret alone"));
        }
        let text = String::from_utf8(std::mem::take(&mut *bytes))
            .map_err(|error| {
                drop(Zeroizing::new(error.into_bytes()));
                problem("is not valid UTF-8")
            })
            .map(Secret::from)?;
        let whole = text.expose();
        let line = whole.strip_suffix("\r\n").or_else(|| whole.strip_suffix('\n')).unwrap_or(whole);
        if line.is_empty() {
            return Err(problem("is empty").hint("it must hold the secret, which may end with one newline"));
        }
        Ok(Secret::from(line.to_owned()))
    }
}
