//! A secret, and where one can come from. Nothing here is read before a grant needs it.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ring::hmac;
use ring::rand::SystemRandom;
use zeroize::Zeroizing;

use crate::cache::Cache;
use crate::child::{self, Words};
use crate::failure::Failure;
use crate::patience;
use crate::settings::origin::Origin;

/// No secret is longer: more than this in a file or from a command is a mistake.
pub const LONGEST: u64 = 64 * 1024;

/// Lets the kernel write no core of this process, and nobody but root look into its memory or environment.
///
/// By the process's own flag and not by `RLIMIT_CORE`: a limit would pass on to every program that is run from here,
/// whose cores are its user's business, while the flag is back to normal after an `exec`. It costs one system call.
/// The price is that only root can attach a debugger to a process that runs already. Other systems than Linux have no
/// such flag.
pub fn keep_out_of_core_dumps() {
    #[cfg(target_os = "linux")]
    // A kernel that refuses leaves things as they are for every other program too.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}

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

impl Command {
    /// The shell with this line.
    pub fn shell(line: &str) -> Self {
        Self { argv: vec!["sh".into(), "-c".into(), line.into()] }
    }
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

    /// Fetches the secret, to refresh `identity` if that is what for. A command, or a pipe in a file's place, has until
    /// `deadline`.
    ///
    /// # Errors
    /// [`Kind::Settings`](crate::failure::Kind) for a file or command that yields none, temporary for one that is not done in time.
    pub fn fetch(&self, identity: Option<&Cache>, deadline: Instant) -> Result<Secret, Failure> {
        let bytes = match &self.source {
            Source::Value(secret) => return Ok(secret.clone()),
            Source::File(path) => self.read_file(path, deadline)?,
            Source::Command(command) => child::output(&command.argv, None, identity, Words::PassedOn, deadline)
                .map_err(|failure| failure.about(&self.describe()))?,
        };
        self.text(bytes)
    }

    /// The file's bytes.
    fn read_file(&self, path: &Path, deadline: Instant) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let read = patience::read(path, LONGEST, || deadline).map(|(_, bytes)| bytes);
        read.map_err(|error| match error.kind() {
            ErrorKind::TimedOut => Failure::endless(&self.describe()),
            _ => Failure::settings(format!("{} cannot be read: {error}", self.describe()))
                .hint("check the path and its permissions"),
        })
    }

    /// What the secret is had from, and which setting says so.
    fn describe(&self) -> String {
        let Self { what, source, origin } = self;
        match source {
            Source::Value(_) => format!("the {what} from {origin}"),
            Source::File(path) => format!("the {what} file {} (from {origin})", path.display()),
            Source::Command(_) => format!("the {what} command from {origin}"),
        }
    }

    /// The bytes as text, checked, without their one trailing newline.
    ///
    /// # Errors
    /// They are none, too many, or no text.
    pub fn text(&self, mut bytes: Zeroizing<Vec<u8>>) -> Result<Secret, Failure> {
        let problem = |what: &str| {
            let verb = if matches!(self.source, Source::Command(_)) { "printed" } else { "holds" };
            Failure::settings(format!("{} {verb} {what}", self.describe()))
        };
        if bytes.len() as u64 > LONGEST {
            return Err(problem("more than 64 KiB").hint("it must be the secret alone"));
        }
        let text = String::from_utf8(std::mem::take(&mut *bytes))
            .map_err(|error| {
                drop(Zeroizing::new(error.into_bytes()));
                problem("what is not valid UTF-8").hint("it must be the secret alone, as text")
            })
            .map(Secret::from)?;
        let whole = text.expose();
        let line = whole.strip_suffix("\r\n").or_else(|| whole.strip_suffix('\n')).unwrap_or(whole);
        if line.is_empty() {
            return Err(problem("nothing").hint("it must be the secret, which may end with one newline"));
        }
        Ok(Secret::from(line.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use time::OffsetDateTime;

    use super::{Secret, SecretSetting, Source};
    use crate::cache::entry::{Entry, RefreshToken};
    use crate::oauth::answer::Answer;
    use crate::oauth::http::{ProxySetting, Route};
    use crate::oauth::{Grant, Granted};
    use crate::settings::origin::Origin;
    use crate::token::AccessToken;

    fn secret() -> Secret {
        Secret::from("sentinel".to_owned())
    }

    /// Whatever holds a secret shows nothing of it when it is printed for a programmer.
    #[test]
    fn debug_shows_no_secret() {
        let source = Source::Value(secret());
        let setting = SecretSetting { what: "password", source, origin: Origin::Variable("SPOTINST_PASSWORD") };
        let fetched = setting.fetch(None, Instant::now() + Duration::from_secs(1));
        let proxy = ProxySetting { variable: "HTTPS_PROXY", url: secret(), no_proxy: Vec::new() };
        let token = AccessToken::permanent(secret(), OffsetDateTime::UNIX_EPOCH);
        let refresh_token = Some(RefreshToken { value: secret(), expires_at: None, client_mark: None });
        let granted = Granted { token: token.clone(), refresh_token: refresh_token.clone() };
        let answer = Answer::parse(br#"{"access_token":"sentinel","refresh_token":"sentinel"}"#);
        let all = [
            format!("{:?}", secret()),
            format!("{setting:?} {fetched:?}"),
            format!("{:?}", Route { proxy: Some(proxy), ..Route::default() }),
            format!("{:?}", Entry { token: Some(token), refresh_token, ..Entry::default() }),
            format!("{granted:?} {answer:?}"),
            format!("{:?}", Grant::Password { username: "ada", password: &secret() }),
            format!("{:?}", Grant::Refresh { refresh_token: &secret() }),
        ];
        for text in all {
            assert!(!text.contains("sentinel"), "{text}");
            assert!(text.contains("Secret(…)"), "{text}");
        }
    }
}
