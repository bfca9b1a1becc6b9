//! `grant = "command"`: a command is asked for tokens, in the place of a token endpoint.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::credentials;
use super::file::Profile;
use super::missing::{TOKEN_COMMAND, missing};
use super::profile::Selected;
use crate::cache::Cache;
use crate::cli::Options;
use crate::error::Error;
use crate::secret_source::{Command, SecretSetting, SecretSource};
use crate::sourced::Sourced;

/// The name of the grant.
pub const GRANT: &str = "command";

/// What it takes to ask a command for a token.
#[derive(Debug)]
pub struct CommandSettings {
    /// The command.
    pub command: Command,
    /// The setting that holds it.
    pub setting: SecretSetting,
    /// Where it runs: in the directory of the configuration. What it prints is kept for callers everywhere, so it must
    /// not depend on where one of them stands.
    pub dir: PathBuf,
    /// The directory of the cache, if there is one.
    cache_dir: Option<PathBuf>,
}

impl CommandSettings {
    /// The profile's `token_command`.
    ///
    /// # Errors
    /// The profile names the token in another way.
    pub fn resolve(options: &Options, selected: &Selected, setting: &SecretSetting) -> Result<Self, Error> {
        let SecretSource::Command(command) = &setting.secret else {
            let mut failure = missing(&[&TOKEN_COMMAND], &selected.place);
            failure.message.push_str(&format!(", and the grant is \"{GRANT}\""));
            return Err(failure);
        };
        Ok(Self {
            command: command.clone(),
            setting: setting.clone(),
            dir: selected.place.file.as_deref().and_then(Path::parent).unwrap_or(Path::new("/")).to_owned(),
            cache_dir: credentials::cache_dir(options).map(|given| given.value),
        })
    }

    /// The cache of this command's tokens: profiles with the same command in the same directory share it.
    pub fn cache(&self) -> Option<Cache> {
        let words = std::iter::once(self.dir.as_os_str()).chain(self.command.argv.iter().map(OsString::as_os_str));
        let parts: Vec<_> = std::iter::once(GRANT.into()).chain(words.map(exact)).collect();
        let identity: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        self.cache_dir.as_ref().map(|dir| Cache::new(dir.clone(), &identity))
    }
}

/// The word as text that no other word has: a path need not be UTF-8.
fn exact(word: &OsStr) -> Cow<'_, str> {
    word.to_str().map_or_else(|| format!("\0{}", crate::text::hex(word.as_encoded_bytes())).into(), Cow::from)
}

/// Whether the profile's token command is a grant. Without it the command prints a permanent token.
///
/// # Errors
/// The variable of the grant is not UTF-8.
pub fn is_grant(profile: &Profile) -> Result<bool, Error> {
    Ok(credentials::grant(profile)?.is_some_and(|Sourced { value, .. }| value == GRANT))
}
