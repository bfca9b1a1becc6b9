//! Where a secret comes from. A secret is only read when a grant needs it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use zeroize::Zeroizing;

use super::secret_store::{StoreCall, StoreItem};
use crate::error::{Error, ErrorKind, Result};
use crate::settings;
use crate::sourced::ValueSource;
use crate::sys::process::{CommandError, Run, Stderr};
use crate::sys::secret::Secret;
use crate::sys::{bounded_read, digest, env, os};

/// The longest secret, in bytes: more than this in a file or from a command is a mistake.
pub const MAX_SECRET: u64 = 64 * 1024;

/// The longest SAML assertion, in bytes: one has 5 to 50 KiB.
pub const MAX_ASSERTION: u64 = 256 * 1024;

#[derive(Clone, Debug)]
pub enum SecretSource {
    /// A value in the environment or the configuration.
    Value(Secret),
    /// The whole of a file, without one trailing newline.
    File(PathBuf),
    /// What a command prints, without one trailing newline.
    Command(Command),
    /// What `login` put into a secret store.
    Store(StoreItem),
}

#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments; `sh -c LINE` for a string in the configuration.
    pub argv: Vec<OsString>,
}

impl Command {
    pub fn shell(line: &str) -> Self {
        Self { argv: os::shell(line) }
    }
}

pub struct CommandContext<'a> {
    /// The working directory; `None` for the caller's.
    pub dir: Option<&'a Path>,
    /// The identity that is being refreshed.
    pub identity: Option<&'a str>,
    pub stderr: Stderr,
    /// The kind of error if it fails: [`ErrorKind::Temporary`] for a command that asks a server each time.
    pub failed: ErrorKind,
}

/// A secret's source, and the setting that named it.
#[derive(Clone, Debug)]
pub struct SecretSetting {
    /// What messages call it: `password`, `client secret`, `token`.
    pub name: &'static str,
    pub secret: SecretSource,
    /// The variable or the configuration's line that names it.
    pub source: ValueSource,
}

impl SecretSetting {
    /// The secret, if it is a value in the environment or the configuration: nothing has to be read or run for it.
    pub fn value(&self) -> Option<&Secret> {
        if let SecretSource::Value(value) = &self.secret { Some(value) } else { None }
    }

    /// Whether a program supplies it. The program may prompt, and may print a different secret for another caller.
    pub fn runs_program(&self) -> bool {
        matches!(self.secret, SecretSource::Command(_) | SecretSource::Store(_))
    }

    /// A digest of the source, to compare with another caller's. The secret is not part of it.
    pub fn digest(&self) -> String {
        let words: Vec<&[u8]> = match &self.secret {
            SecretSource::Value(_) => vec![b"value"],
            SecretSource::File(path) => vec![b"file", path.as_os_str().as_encoded_bytes()],
            SecretSource::Command(command) => command.argv.iter().map(|word| word.as_encoded_bytes()).collect(),
            SecretSource::Store(item) => return item.digest(),
        };
        digest::name(self.name.as_bytes(), words)
    }

    /// Fetches the secret, for a refresh of this identity if there is one. Commands and reads from pipes stop at the
    /// deadline.
    ///
    /// Fails with [`ErrorKind::Config`] if there is no usable secret, and with [`ErrorKind::Temporary`] at the
    /// deadline.
    pub fn fetch(&self, identity: Option<&str>, deadline: Instant) -> Result<Secret> {
        match &self.secret {
            SecretSource::Value(secret) => Ok(secret.clone()),
            SecretSource::File(path) => self.read_file(path, deadline),
            SecretSource::Command(command) => {
                let context =
                    CommandContext { dir: None, identity, stderr: Stderr::Forward, failed: ErrorKind::Config };
                self.run(command, &context, deadline)
            }
            SecretSource::Store(item) => item
                .get(StoreCall { identity, deadline })?
                .ok_or_else(|| Error::config(format!("{} does not hold it", self.describe())).hint(item.login_hint())),
        }
    }

    fn read_file(&self, path: &Path, deadline: Instant) -> Result<Secret> {
        match bounded_read::file(path, self.limit(), || deadline) {
            Ok(read) => self.parse(read.bytes),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(self.too_long()),
            Err(error) => Err(Error::unreadable(&self.describe(), &error)),
        }
    }

    pub fn run(&self, command: &Command, context: &CommandContext<'_>, deadline: Instant) -> Result<Secret> {
        let &CommandContext { dir, identity, stderr, failed } = context;
        let hidden_variables: Vec<_> = settings::secret_variables().chain([env::TOKEN]).collect();
        let hidden_variables = &hidden_variables;
        let (argv, limit) = (&command.argv, self.limit());
        let run = Run { argv, input: None, dir, identity, hidden_variables, stderr, limit, deadline };
        let output = run.output().map_err(|error| self.command_error(error, failed))?;
        self.parse(output).map_err(|error| error.kind(failed))
    }

    fn parse(&self, bytes: Zeroizing<Vec<u8>>) -> Result<Secret> {
        let secret = Secret::from_line(bytes)
            .ok_or_else(|| self.problem("invalid UTF-8").hint("it must be the secret alone, as text"))?;
        if secret.expose().is_empty() {
            return Err(self.problem("nothing").hint("it must be the secret, which may end with one newline"));
        }
        Ok(secret)
    }

    /// The longest that it can be, in bytes.
    fn limit(&self) -> u64 {
        if self.name == settings::SAML_ASSERTION.name { MAX_ASSERTION } else { MAX_SECRET }
    }

    fn too_long(&self) -> Error {
        self.problem(&format!("more than {} KiB", self.limit() / 1024)).hint("it must be the secret alone")
    }

    /// The error about the content of the file or the output of the command.
    fn problem(&self, what: &str) -> Error {
        let verb = if self.runs_program() { "printed" } else { "holds" };
        Error::config(format!("{} {verb} {what}", self.describe()))
    }

    /// The error of a text that is no assertion.
    pub fn no_assertion(&self) -> Error {
        self.problem("no SAML response").hint("it must be the response of the identity provider, as base64 or XML")
    }

    /// The source of the secret, and the setting that names it.
    pub fn describe(&self) -> String {
        let Self { name, secret, source } = self;
        match secret {
            SecretSource::Value(_) => format!("the {name} from {source}"),
            SecretSource::File(path) => format!("the {name} file {} (from {source})", path.display()),
            SecretSource::Command(_) => format!("the {name} command from {source}"),
            SecretSource::Store(item) => format!("the secret store \"{}\" of the {name} (from {source})", item.store),
        }
    }

    fn command_error(&self, error: CommandError, failed: ErrorKind) -> Error {
        const BY_HAND: &str = "run it by hand to see why";
        let problem = |kind, what: &str, hint: &str| Error::new(kind, format!("{} {what}", self.describe())).hint(hint);
        match error {
            CommandError::OutputTooLarge => self.too_long().kind(failed),
            CommandError::Recursive => {
                let what = "was not started: it is already running and seems to call itself";
                problem(ErrorKind::Config, what, &settings::another_profile_hint())
            }
            CommandError::NotStarted(error) => {
                let what = format!("cannot be started: {error}");
                problem(ErrorKind::Config, &what, "check the program's name, the PATH and the limits in `ulimit -a`")
            }
            CommandError::Failed(status, _) => problem(failed, &format!("failed: {status}"), BY_HAND),
            CommandError::Unreadable(error) => {
                problem(ErrorKind::Other, &format!("could not be read: {error}"), BY_HAND)
            }
            CommandError::TimedOut => {
                let setting = settings::COMMAND_TIMEOUT.key();
                let hint =
                    format!("if the command prompts for input, set `{setting}` in the profile, for example \"60s\"");
                problem(ErrorKind::Temporary, "timed out", &hint)
            }
        }
    }
}
