//! Where tokens come from: a static token, a token endpoint, or a command.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::profile::ProfileLocation;
use super::secret_source::{Command, SecretSetting, SecretSource};
use super::sources::Sources;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{self, Setting};
use crate::sourced::Sourced;
use crate::sys::digest;
use crate::text::{hex, one_line};
use crate::url::Endpoint;

pub const PASSWORD_GRANT: &str = "password";
const CLIENT_CREDENTIALS_GRANT: &str = "client_credentials";
pub const COMMAND_GRANT: &str = "command";

/// The settings of a grant. Where none of them is given, the SDKs' own file is looked at.
pub const CREDENTIALS: [&Setting; 7] = [
    &settings::USERNAME,
    &settings::CLIENT_ID,
    &settings::GRANT,
    &settings::TOKEN_URL,
    &settings::REFRESH_URL,
    &settings::PASSWORD,
    &settings::CLIENT_SECRET,
];

/// Where tokens come from.
#[derive(Debug)]
pub enum TokenProvider {
    /// A permanent token: printed as it is.
    Static(SecretSetting),
    Endpoint(Box<EndpointConfig>),
    Command(Box<CommandConfig>),
}

impl TokenProvider {
    /// What distinguishes the tokens of this provider from all others; nothing where they are not cached.
    pub fn identity(&self) -> Option<Vec<Cow<'_, str>>> {
        match self {
            Self::Static(_) => None,
            Self::Endpoint(endpoint) => Some(endpoint.identity()),
            Self::Command(command) => Some(command.identity()),
        }
    }
}

/// The grant that obtains a token when there is no refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749, section 4.3.
    Password { username: String },
    /// RFC 6749, section 4.4.
    ClientCredentials,
}

/// What it takes to ask a token endpoint. The secrets may be missing as long as none is needed.
#[derive(Debug)]
pub struct EndpointConfig {
    pub grant: GrantType,
    pub token_url: Endpoint,
    pub refresh_url: Endpoint,
    pub client_id: String,
    /// Only for the password grant.
    pub password: Option<SecretSetting>,
    client_secret: Option<SecretSetting>,
    /// Whether the cache may hold the refresh token, which lives 14 days; the access token expires after two hours.
    pub store_refresh_token: bool,
    /// The name of the secret store that keeps it instead of the cache.
    pub secret_store: Option<String>,
    /// A person types the password at each `login`, and it is stored nowhere.
    is_login: bool,
    location: ProfileLocation,
}

impl EndpointConfig {
    /// Fails where a value that names the identity is missing, or a URL does not parse.
    pub fn resolve(sources: &Sources, location: &ProfileLocation) -> Result<Self> {
        let is_password = is_password_grant(sources, location)?;
        let (username, client_id) = (sources.text(&settings::USERNAME)?, sources.text(&settings::CLIENT_ID)?);
        let password = if is_password { sources.secret(&settings::PASSWORD)? } else { None };
        let client_secret = sources.secret(&settings::CLIENT_SECRET)?;
        let grant = match &username {
            _ if !is_password => Some(GrantType::ClientCredentials),
            Some(username) => Some(GrantType::Password { username: username.value.clone() }),
            None => None,
        };
        let (Some(grant), Some(client_id)) = (grant, &client_id) else {
            let required: [(&'static Setting, bool); 4] = [
                (&settings::USERNAME, is_password && username.is_none()),
                (&settings::PASSWORD, is_password && password.is_none()),
                (&settings::CLIENT_ID, client_id.is_none()),
                (&settings::CLIENT_SECRET, client_secret.is_none()),
            ];
            let required = required.into_iter().filter_map(|(setting, is_missing)| is_missing.then_some(setting));
            return Err(location.missing(&required.collect::<Vec<_>>()));
        };
        let store_refresh_token = sources.profile.boolean(&settings::STORE_REFRESH_TOKEN);
        let token_url = sources.endpoint(&settings::TOKEN_URL)?;
        Ok(Self {
            grant,
            refresh_url: sources.refresh_url(&token_url)?.value,
            token_url: token_url.value,
            client_id: client_id.value.clone(),
            password,
            client_secret,
            store_refresh_token: store_refresh_token.is_none_or(|given| given.value),
            secret_store: sources.profile.secret_store().map(str::to_owned),
            is_login: is_password && sources.profile.is_login(),
            location: location.clone(),
        })
    }

    pub fn identity(&self) -> Vec<Cow<'_, str>> {
        let (grant, username) = match &self.grant {
            GrantType::Password { username } => (PASSWORD_GRANT, username.as_str()),
            GrantType::ClientCredentials => (CLIENT_CREDENTIALS_GRANT, ""),
        };
        let identity = [self.token_url.as_str(), self.refresh_url.as_str(), grant, &self.client_id, username];
        identity.map(Cow::from).into()
    }

    pub fn client_secret(&self) -> Result<&SecretSetting> {
        self.client_secret.as_ref().ok_or_else(|| self.location.missing(&[&settings::CLIENT_SECRET]))
    }

    /// Fails with [`ErrorKind::Rejected`] where the password is typed at each login, which then has ended.
    pub fn password(&self) -> Result<&SecretSetting> {
        self.password.as_ref().ok_or_else(|| match self.login_hint() {
            Some(hint) => {
                let name = &self.location.profile;
                let profile = name.as_ref().map_or_else(String::new, |name| format!(" of profile {}", name.value));
                let problem = format!("the login{profile} is over, and its password is stored nowhere");
                Error::new(ErrorKind::Rejected, problem).hint(hint)
            }
            None => self.location.missing(&[&settings::PASSWORD]),
        })
    }

    /// Whether a new token can be obtained without the refresh token.
    pub fn can_use_own_grant(&self) -> bool {
        self.grant == GrantType::ClientCredentials || self.password.is_some()
    }

    /// Whether the refresh grant has a URL of its own.
    pub fn has_own_refresh_url(&self) -> bool {
        self.token_url != self.refresh_url
    }

    /// Whether a program of the caller's own prints one of the secrets.
    pub fn runs_commands(&self) -> bool {
        [&self.client_secret, &self.password].into_iter().flatten().any(SecretSetting::runs_program)
    }

    /// The digest of where the client secret comes from: see [`SecretSetting::digest`].
    pub fn client_secret_source(&self) -> String {
        source_digest(&settings::CLIENT_SECRET, self.client_secret.as_ref())
    }

    pub fn password_source(&self) -> String {
        source_digest(&settings::PASSWORD, self.password.as_ref())
    }

    /// The digest of where both come from.
    pub fn credentials_source(&self) -> String {
        let (client_secret, password) = (self.client_secret_source(), self.password_source());
        digest::name(b"credentials", [client_secret.as_bytes(), password.as_bytes()])
    }

    /// The error of the secrets that are missing for a call without a refresh token.
    pub fn missing(&self) -> Option<Error> {
        let password = match &self.grant {
            GrantType::Password { .. } => self.password().err(),
            GrantType::ClientCredentials => None,
        };
        self.client_secret().err().or(password)
    }

    /// The hint where only a person can get a new token.
    pub fn login_hint(&self) -> Option<String> {
        (self.is_login && self.password.is_none()).then(|| format!("run `{}`", self.location.login_command()))
    }
}

fn source_digest(setting: &Setting, source: Option<&SecretSetting>) -> String {
    source.map_or_else(|| digest::name(b"missing", [setting.name.as_bytes()]), SecretSetting::digest)
}

/// What it takes to ask a command for a token.
#[derive(Debug)]
pub struct CommandConfig {
    pub command: Command,
    pub setting: SecretSetting,
    /// Where it runs: in the directory of the configuration. What it prints is cached for all callers, so it must not
    /// depend on where one of them is.
    pub dir: PathBuf,
}

impl CommandConfig {
    /// Fails where the profile names the token in another way.
    pub fn resolve(setting: SecretSetting, location: &ProfileLocation) -> Result<Self> {
        let SecretSource::Command(command) = &setting.secret else {
            let mut error = location.missing_token_command();
            error.message.push_str(&format!(", and the grant is \"{COMMAND_GRANT}\""));
            return Err(error);
        };
        let dir = location.file.as_deref().and_then(Path::parent).unwrap_or(Path::new("/")).to_owned();
        Ok(Self { command: command.clone(), setting, dir })
    }

    /// Profiles with the same command in the same directory share their tokens.
    fn identity(&self) -> Vec<Cow<'_, str>> {
        let words = self.command.argv.iter().map(|word| exact(word));
        [COMMAND_GRANT.into(), exact(self.dir.as_os_str())].into_iter().chain(words).collect()
    }
}

/// The word as text that no other word has: a path need not be UTF-8.
fn exact(word: &OsStr) -> Cow<'_, str> {
    word.to_str().map_or_else(|| format!("\0{}", hex(word.as_encoded_bytes())).into(), Cow::from)
}

/// Whether the profile's token command is a grant. Without it the command prints a permanent token.
pub fn is_command_grant(sources: &Sources) -> Result<bool> {
    Ok(sources.text(&settings::GRANT)?.is_some_and(|grant| grant.value == COMMAND_GRANT))
}

/// Whether the grant takes a user's password. Fails where it is unknown, or one that this profile cannot have.
pub fn is_password_grant(sources: &Sources, location: &ProfileLocation) -> Result<bool> {
    let Some(Sourced { value, source }) = sources.text(&settings::GRANT)? else {
        return Ok(true);
    };
    match value.as_str() {
        PASSWORD_GRANT => Ok(true),
        CLIENT_CREDENTIALS_GRANT => Ok(false),
        COMMAND_GRANT => Err(location.missing_token_command()),
        unknown => {
            let problem = format!("the grant from {source} is unknown: \"{}\"", one_line(unknown));
            let hint = format!("expected one of {PASSWORD_GRANT}, {CLIENT_CREDENTIALS_GRANT} and {COMMAND_GRANT}");
            Err(Error::config(problem).hint(hint))
        }
    }
}
