//! Resolves the settings of one call to plain values.

pub mod edit;
pub mod file;
pub mod flags;
pub mod grant;
pub mod profile;
pub mod profile_values;
pub mod provider;
pub mod report;
mod sdk_credentials;
pub mod secret_source;
pub mod secret_store;
pub mod sources;
mod value;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::settings::{self, Setting};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::env;
use crate::transport::Transport;
use crate::url::Endpoint;
use flags::Flags;
use profile::{ActiveProfile, ProfileLocation};
use profile_values::Profile;
use provider::{CommandConfig, EndpointConfig, TokenProvider};
use secret_source::SecretSetting;
use sources::Sources;

/// The configuration of a call for a token.
#[derive(Debug)]
pub struct Config {
    pub provider: TokenProvider,
    pub account: Option<String>,
    pub min_ttl: Duration,
    pub limits: Limits,
    /// `None` with `--no-cache`, or without a home directory.
    pub cache_dir: Option<PathBuf>,
    sources: Sources,
    location: ProfileLocation,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the exchange with the server, including retries.
    pub exchange: Duration,
    /// For commands that print secrets, which may prompt for input; `None` if they share the limit of the exchange.
    pub commands: Option<Duration>,
}

impl Config {
    /// Fails if a value is invalid or missing, a file cannot be read, or the profile is unknown.
    pub fn resolve(flags: &Flags) -> Result<Self> {
        let ActiveProfile { profile, location, .. } = profile::select(flags)?;
        let sources = Sources { flags: flags.clone(), profile };
        let token = given_token(&sources, &location)?;
        Self::complete(sources, location, token)
    }

    fn complete(sources: Sources, location: ProfileLocation, token: Option<GivenToken>) -> Result<Self> {
        let mut account = sources.account()?;
        let provider = match token {
            None => TokenProvider::Endpoint(Box::new(EndpointConfig::resolve(&sources, &location)?)),
            Some(GivenToken { secret, is_command: true, .. }) => {
                TokenProvider::Command(Box::new(CommandConfig::resolve(secret, &location)?))
            }
            Some(GivenToken { secret, account: beside, .. }) => {
                account = account.or(beside);
                TokenProvider::Static(secret)
            }
        };
        Ok(Self {
            provider,
            account: account.map(|account| account.value),
            min_ttl: sources.duration(&settings::MIN_TTL)?.unwrap_or_default(),
            limits: limits(&sources)?,
            cache_dir: cache_dir(&sources.flags).map(|dir| dir.value),
            sources,
            location,
        })
    }

    /// The base URL of the API. Most calls do not need it.
    pub fn api_url(&self) -> Result<Endpoint> {
        self.sources.endpoint(&settings::API_URL).map(|url| url.value)
    }

    pub fn profile(&self) -> &Profile {
        &self.sources.profile
    }

    /// Root certificates and proxy, for calls that make a request.
    pub fn transport(&self) -> Result<Transport> {
        self.sources.transport()
    }

    /// Whether the output cannot have an account: none is configured, and only a token command can supply one.
    pub fn has_no_account(&self) -> bool {
        self.account.is_none() && !matches!(self.provider, TokenProvider::Command(_))
    }

    pub fn missing_account(&self, format: &str) -> Error {
        let mut error = self.location.missing(&[&settings::ACCOUNT]);
        error.message.push_str(&format!(": the {format} format requires one"));
        error
    }
}

pub fn limits(sources: &Sources) -> Result<Limits> {
    Ok(Limits {
        exchange: sources.duration(&settings::TIMEOUT)?.unwrap_or_default(),
        commands: sources.duration(&settings::COMMAND_TIMEOUT)?,
    })
}

/// The cache directory; `None` with `--no-cache`, or if there is no home directory.
pub fn cache_dir(flags: &Flags) -> Option<Sourced<PathBuf>> {
    if flags.no_cache { None } else { find_cache_dir(flags).ok().flatten() }
}

/// The cache directory for commands that delete tokens. Fails if it cannot be determined, because tokens would
/// remain.
pub fn certain_cache_dir(flags: &Flags) -> Result<Option<Sourced<PathBuf>>> {
    let flag = settings::CACHE_DIR.flag();
    find_cache_dir(flags).map_err(|error| {
        Error::other(format!("cannot find the directory of the cache: {error}"))
            .hint(format!("check HOME, or name the directory with {flag}: a token may still be handed out"))
    })
}

fn find_cache_dir(flags: &Flags) -> io::Result<Option<Sourced<PathBuf>>> {
    match sources::caller_path(flags, &settings::CACHE_DIR, || None) {
        Some(given) => Ok(Some(given)),
        None => Ok(env::default_cache_dir()?.map(Sourced::default)),
    }
}

/// A token or a token command: no credentials are needed.
struct GivenToken {
    secret: SecretSetting,
    account: Option<Sourced<String>>,
    /// Whether it is a command that prints tokens that expire (the grant `command`).
    is_command: bool,
}

/// The profile's token, else the one in the SDKs' credentials file if nothing else is configured.
fn given_token(sources: &Sources, location: &ProfileLocation) -> Result<Option<GivenToken>> {
    if let Some(secret) = sources.profile.secret(&settings::TOKEN) {
        let is_command = grant::is_command_grant(sources)?;
        check_no_credentials(sources, secret, is_command)?;
        return Ok(Some(GivenToken { secret: secret.clone(), account: None, is_command }));
    }
    for setting in provider::CREDENTIALS {
        if sources.is_given(setting)? {
            return location.not_there().map_or(Ok(None), Err);
        }
    }
    if location.profiles.is_empty()
        && let Some(found) =
            sdk_credentials::read(location.sdk_section.as_ref(), || profile::read_deadline(&sources.flags))?
    {
        found.account.as_ref().map(value::check_account).transpose()?;
        return Ok(Some(GivenToken { secret: found.token, account: found.account, is_command: false }));
    }
    location.not_there().or_else(|| location.none_selected()).map_or(Ok(None), Err)
}

/// A profile cannot have both a token or token command and credentials: it would be ambiguous.
fn check_no_credentials(sources: &Sources, token: &SecretSetting, is_command: bool) -> Result<()> {
    let Some(other) = credentials(&sources.profile, is_command) else {
        return Ok(());
    };
    let what = if is_command { "token command" } else { "permanent token" };
    let problem = format!("the profile has both a {what} ({}) and the credentials of a grant ({other})", token.source);
    Err(Error::config(problem).hint("keep one of the two, or move one to another profile"))
}

/// The source of the profile's credentials, if it has any. `grant` counts, unless it is that of the token command.
pub fn credentials(profile: &Profile, is_command: bool) -> Option<&ValueSource> {
    let secrets = [&settings::PASSWORD, &settings::CLIENT_SECRET].map(|one| profile.secret(one).map(|s| &s.source));
    let text = |setting: &Setting| profile.text(setting).map(|text| &text.source);
    let grant = text(&settings::GRANT).filter(|_| !is_command);
    let texts = [text(&settings::USERNAME), text(&settings::CLIENT_ID), grant];
    secrets.into_iter().chain(texts).flatten().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The integration tests override these defaults, so they cannot check them.
    #[test]
    fn the_defaults_are_spotinsts_two_hosts() -> Result<()> {
        let sources = Sources { flags: Flags::default(), profile: Default::default() };
        let token_url = sources.endpoint(&settings::TOKEN_URL)?;
        assert_eq!(token_url.value.as_str(), "https://oauth.spotinst.io/token");
        assert_eq!(sources.refresh_url(&token_url)?.value.as_str(), "https://api.spotinst.io/token");
        Ok(())
    }
}
