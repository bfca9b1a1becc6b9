//! Secret stores: programs that implement the docker credential helper protocol, `docker-credential-NAME`. There is
//! one for the keychain of each operating system.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::settings;
use crate::sys::process::{CommandError, Run, Stderr};
use crate::sys::secret::Secret;
use crate::sys::{digest, env, printer};
use crate::text::{one_line, shell_word};

/// What a helper prints if it does not have the secret.
const NOT_FOUND: &[u8] = b"credentials not found in native keychain";

/// The longest document, in bytes.
const MAX_DOCUMENT: u64 = 128 * 1024;

/// One secret of one owner in a store.
#[derive(Clone, Debug)]
pub struct StoreItem {
    /// The name of the store.
    pub store: String,
    /// What the secret is: `refresh token`, `client secret`, `token`.
    pub secret: &'static str,
    /// The cache directory or the configuration file. `owner` is an identity of that cache, or a profile of that
    /// file.
    pub place: PathBuf,
    pub owner: String,
}

/// The context of a call to a store.
#[derive(Clone, Copy)]
pub struct StoreCall<'a> {
    /// The identity that is being refreshed.
    pub identity: Option<&'a str>,
    pub deadline: Instant,
}

/// The document of the protocol.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "Secret")]
    secret: String,
}

/// Whether this can name a store: a part of a program's name, not a path.
pub fn is_store_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

impl StoreItem {
    /// The refresh token of an identity of this cache directory.
    pub fn refresh_token(store: &str, cache_dir: PathBuf, identity: &str) -> Self {
        Self { store: store.to_owned(), secret: "refresh token", place: cache_dir, owner: identity.to_owned() }
    }

    /// The secret, if the store has it.
    pub fn get(&self, call: StoreCall<'_>) -> Result<Option<Secret>> {
        let printed = match self.run("get", self.url().as_bytes(), call) {
            Err(CommandError::Failed(_, text)) if text.trim_ascii().starts_with(NOT_FOUND) => return Ok(None),
            result => result.map_err(|error| self.error("did not return", error, None))?,
        };
        let found: Found = serde_json::from_slice(&printed)
            .map_err(|_| self.failed("did not return", "its output does not follow the protocol"))?;
        // Some programs print an empty secret if there is none.
        Ok(Some(Secret::from(found.secret)).filter(|secret| !secret.expose().is_empty()))
    }

    /// Stores the secret, and replaces an earlier one.
    pub fn put(&self, secret: &Secret, call: StoreCall<'_>) -> Result<()> {
        let (url, username) = (self.url(), self.secret.replace(' ', "-"));
        let credentials = Credentials { server_url: &url, username: &username, secret: secret.expose() };
        // Large enough to never be reallocated, which would leave a copy of the secret: JSON escapes a byte as six at
        // most.
        let mut input = Zeroizing::new(Vec::with_capacity(6 * secret.expose().len() + 512));
        serde_json::to_writer(&mut *input, &credentials).map_err(|error| Error::other(error.to_string()))?;
        let result = self.run("store", &input, call);
        result.map(drop).map_err(|error| self.error("did not store", error, Some(secret)))
    }

    /// Removes the secret. A missing secret is not an error.
    pub fn erase(&self, call: StoreCall<'_>) -> Result<()> {
        match self.run("erase", self.url().as_bytes(), call) {
            Ok(_) => Ok(()),
            // Some programs fail if there is nothing to erase.
            Err(CommandError::Failed(..)) if matches!(self.get(call), Ok(None)) => Ok(()),
            Err(error) => Err(self.error("did not erase", error, None)),
        }
    }

    /// Whether the store accepts a test value, which is erased again.
    pub fn is_writable(&self, call: StoreCall<'_>) -> bool {
        let test = Secret::from("spotinst-cred".to_owned());
        self.put(&test, call).and_then(|()| self.erase(call)).is_ok()
    }

    /// Fails unless the store returns a test value that was stored just before.
    pub fn check(&self, call: StoreCall<'_>) -> Result<()> {
        let test = Secret::from("spotinst-cred".to_owned());
        self.put(&test, call)?;
        let returned = self.get(call);
        self.erase(call)?;
        if returned?.as_ref() == Some(&test) {
            return Ok(());
        }
        Err(self.failed("did not return", "it was stored just now"))
    }

    /// The hint if the store does not have this secret of a profile.
    pub fn login_hint(&self) -> String {
        let kind = if self.secret == settings::TOKEN.name { " --with-token" } else { "" };
        format!("run `spotinst-cred login{kind} {} {}`", settings::PROFILE.flag(), shell_word(&self.owner))
    }

    pub fn program(&self) -> String {
        format!("docker-credential-{}", self.store)
    }

    /// A digest of the source, to compare with another caller's.
    pub fn digest(&self) -> String {
        digest::name(b"secret store", [self.store.as_bytes(), self.url().as_bytes()])
    }

    /// The key in the store. It includes the cache directory or configuration file, so that two of them share no
    /// item.
    fn url(&self) -> String {
        let place = fs::canonicalize(&self.place).unwrap_or_else(|_| self.place.clone());
        let parts = [place.as_os_str().as_encoded_bytes(), self.owner.as_bytes()];
        format!("https://spotinst-cred/{}/{}", self.secret.replace(' ', "-"), digest::name(b"store item", parts))
    }

    fn run(
        &self,
        action: &str,
        input: &[u8],
        StoreCall { identity, deadline }: StoreCall<'_>,
    ) -> std::result::Result<Zeroizing<Vec<u8>>, CommandError> {
        let program = self.program();
        printer::debug(|| format!("running {program} {action}"));
        let _progress = printer::progress(format!("the secret store \"{}\"", self.store));
        let hidden_variables: Vec<_> = settings::secret_variables().chain([env::TOKEN]).collect();
        Run {
            argv: &[program.into(), action.into()],
            input: Some(input),
            dir: None,
            identity,
            hidden_variables: &hidden_variables,
            // The protocol's errors are printed on stdout.
            stderr: if printer::is_chatty() { Stderr::Forward } else { Stderr::Discard },
            limit: MAX_DOCUMENT,
            deadline,
        }
        .output()
    }

    fn failed(&self, what: &str, why: &str) -> Error {
        let Self { store, secret, .. } = self;
        Error::temporary(format!("the secret store \"{store}\" {what} the {secret}: {why}"))
            .hint(format!("unlock it, or run `{} list` to see why", self.program()))
    }

    fn error(&self, what: &str, error: CommandError, secret: Option<&Secret>) -> Error {
        let failed = |why: &str| self.failed(what, why);
        match error {
            CommandError::Failed(status, text) => failed(&message(&text, secret).unwrap_or_else(|| status.to_string())),
            CommandError::OutputTooLarge => failed("it printed more than 128 KiB"),
            CommandError::Unreadable(error) => failed(&format!("its output cannot be read: {error}")),
            CommandError::TimedOut => {
                let setting = settings::COMMAND_TIMEOUT.key();
                failed("it timed out")
                    .hint(format!("unlock it; if it prompts, set `{setting}` in the profile, for example \"60s\""))
            }
            CommandError::Recursive => {
                let why = format!("{} was not started: it is already running and seems to call itself", self.program());
                failed(&why).kind(ErrorKind::Config).hint(settings::another_profile_hint())
            }
            CommandError::NotStarted(error) => {
                failed(&format!("{} cannot be started: {error}", self.program())).kind(ErrorKind::Config).hint(format!(
                    "install {}, or check the PATH; `spotinst-cred login --secret-store NAME` chooses another store",
                    self.program()
                ))
            }
        }
    }
}

/// The program's own message; `None` if it may hold a secret.
fn message(text: &[u8], secret: Option<&Secret>) -> Option<String> {
    let text = str::from_utf8(text).ok()?;
    let is_document = text.contains("\"Secret\"");
    let holds_secret = secret.is_some_and(|secret| text.contains(secret.expose()));
    let line = one_line(text);
    (!is_document && !holds_secret && !line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_may_hold_the_secret_is_not_shown() {
        let secret = Secret::from("s3cret".to_owned());
        assert_eq!(message(b"gpg: no key\n", Some(&secret)).as_deref(), Some("gpg: no key"));
        for text in ["cannot store s3cret", "{\"Secret\":\"other\"}", " \n"] {
            assert_eq!(message(text.as_bytes(), Some(&secret)), None, "{text}");
        }
    }

    #[test]
    fn the_name_of_a_store_is_not_a_path() {
        assert!(["osxkeychain", "pass", "my.store-2_x"].into_iter().all(is_store_name));
        assert!(!["", "../x", "a b", "ä"].into_iter().any(is_store_name));
    }
}
