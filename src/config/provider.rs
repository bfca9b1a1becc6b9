//! Where tokens come from: a static token, a token endpoint, or a command.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::grant::{COMMAND_GRANT, GrantKind, GrantType, grant_kind};
use super::profile::ProfileLocation;
use super::secret_source::{Command, SecretSetting, SecretSource};
use super::sources::Sources;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{self, Setting};
use crate::sys::digest;
use crate::text::hex;
use crate::url::Endpoint;

/// The settings of a grant. If none of them is set, the SDKs' credentials file is used.
pub const CREDENTIALS: [&Setting; 10] = [
    &settings::USERNAME,
    &settings::CLIENT_ID,
    &settings::GRANT,
    &settings::TOKEN_URL,
    &settings::REFRESH_URL,
    &settings::PASSWORD,
    &settings::CLIENT_SECRET,
    &settings::ORGANIZATION_ID,
    &settings::SAML_ASSERTION,
    &settings::SAML_URL,
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
    /// The parts of the cache key; `None` if the tokens are not cached.
    pub fn identity(&self) -> Option<Vec<Cow<'_, str>>> {
        match self {
            Self::Static(_) => None,
            Self::Endpoint(endpoint) => Some(endpoint.identity()),
            Self::Command(command) => Some(command.identity()),
        }
    }
}

/// The settings of a token endpoint. Secrets may be missing as long as they are not needed.
#[derive(Debug)]
pub struct EndpointConfig {
    pub grant: GrantType,
    /// The URL of the grant: `token_url` or `saml_url`.
    pub token_url: Endpoint,
    pub refresh_url: Endpoint,
    /// Optional for SAML, because it is unknown whether the service requires it to refresh such a token.
    pub client_id: Option<String>,
    client_secret: Option<SecretSetting>,
    /// The password or the SAML assertion.
    grant_secret: Option<SecretSetting>,
    /// Whether the cache may hold the refresh token, which lives 14 days; the access token expires after two hours.
    pub store_refresh_token: bool,
    /// The name of the secret store that keeps it instead of the cache.
    pub secret_store: Option<String>,
    /// Whether the password or assertion is entered at each `login` and not stored.
    is_login: bool,
    location: ProfileLocation,
}

impl EndpointConfig {
    /// Fails if a part of the identity is missing, or a URL is invalid.
    pub fn resolve(sources: &Sources, location: &ProfileLocation) -> Result<Self> {
        let kind = grant_kind(sources, location)?;
        let client_id = sources.text(&settings::CLIENT_ID)?.map(|id| id.value);
        let client_secret = sources.secret(&settings::CLIENT_SECRET)?;
        let grant_secret = kind.secret().map(|setting| sources.secret(setting)).transpose()?.flatten();
        let grant = GrantType::resolve(kind, sources, grant_secret.as_ref(), location)?;
        let needs_client = kind != GrantKind::Saml;
        let has_grant = grant.is_some();
        let Some(grant) = grant.filter(|_| client_id.is_some() || !needs_client) else {
            let required: [(&'static Setting, bool); 5] = [
                (&settings::USERNAME, kind == GrantKind::Password && !has_grant),
                (&settings::ORGANIZATION_ID, kind == GrantKind::Saml && !has_grant),
                (&settings::PASSWORD, kind == GrantKind::Password && grant_secret.is_none()),
                (&settings::CLIENT_ID, needs_client && client_id.is_none()),
                (&settings::CLIENT_SECRET, needs_client && client_secret.is_none()),
            ];
            let required = required.into_iter().filter_map(|(setting, is_missing)| is_missing.then_some(setting));
            return Err(location.missing(&required.collect::<Vec<_>>()));
        };
        let store_refresh_token = sources.profile.boolean(&settings::STORE_REFRESH_TOKEN);
        let token_url = sources.endpoint(kind.url())?;
        Ok(Self {
            grant,
            refresh_url: sources.refresh_url(&token_url)?.value,
            token_url: token_url.value,
            client_id,
            client_secret,
            grant_secret,
            store_refresh_token: store_refresh_token.is_none_or(|given| given.value),
            secret_store: sources.profile.secret_store().map(str::to_owned),
            is_login: kind.secret().is_some() && sources.profile.is_login(),
            location: location.clone(),
        })
    }

    pub fn identity(&self) -> Vec<Cow<'_, str>> {
        let client_id = self.client_id.as_deref().unwrap_or_default();
        let grant = self.grant.identity(client_id);
        [self.token_url.as_str(), self.refresh_url.as_str()].into_iter().chain(grant).map(Cow::from).collect()
    }

    /// The client secret; `None` if a SAML login refreshes without one.
    pub fn client_secret(&self) -> Result<Option<&SecretSetting>> {
        match &self.client_secret {
            None if !self.is_saml() => Err(self.location.missing(&[&settings::CLIENT_SECRET])),
            client_secret => Ok(client_secret.as_ref()),
        }
    }

    /// The password or the SAML assertion; `None` for client credentials.
    ///
    /// Fails with [`ErrorKind::Rejected`] if it is entered at each login: the login has ended.
    pub fn grant_secret(&self) -> Result<Option<&SecretSetting>> {
        let Some(setting) = self.grant.kind().secret() else { return Ok(None) };
        self.grant_secret.as_ref().map(Some).ok_or_else(|| match self.login_hint() {
            Some(hint) => {
                let name = &self.location.profile;
                let profile = name.as_ref().map_or_else(String::new, |name| format!(" of profile {}", name.value));
                let problem = format!("the login{profile} is over, and its {} is stored nowhere", setting.name);
                Error::new(ErrorKind::Rejected, problem).hint(hint)
            }
            None => self.location.missing(&[setting]),
        })
    }

    pub fn is_saml(&self) -> bool {
        matches!(self.grant, GrantType::Saml { .. })
    }

    /// Whether a new token can be obtained without the refresh token.
    pub fn can_use_own_grant(&self) -> bool {
        self.grant == GrantType::ClientCredentials || self.grant_secret.is_some()
    }

    /// Whether the grant would send the same assertion each time, although it may be sent only once.
    pub fn has_one_assertion(&self) -> bool {
        self.is_saml()
            && self.grant_secret.as_ref().is_some_and(|setting| !matches!(setting.secret, SecretSource::Command(_)))
    }

    /// Whether the refresh grant has a URL of its own.
    pub fn has_own_refresh_url(&self) -> bool {
        self.token_url != self.refresh_url
    }

    /// Whether a command or secret store supplies one of the secrets.
    pub fn runs_commands(&self) -> bool {
        [&self.client_secret, &self.grant_secret].into_iter().flatten().any(SecretSetting::runs_program)
    }

    /// The digest of the client secret's source: see [`SecretSetting::digest`].
    pub fn client_secret_source(&self) -> String {
        source_digest(&settings::CLIENT_SECRET, self.client_secret.as_ref())
    }

    pub fn grant_secret_source(&self) -> String {
        self.grant.kind().secret().map(|setting| source_digest(setting, self.grant_secret.as_ref())).unwrap_or_default()
    }

    /// The digest of both sources.
    pub fn credentials_source(&self) -> String {
        let (client_secret, grant_secret) = (self.client_secret_source(), self.grant_secret_source());
        digest::name(b"credentials", [client_secret.as_bytes(), grant_secret.as_bytes()])
    }

    /// The error for missing secrets, if there is no refresh token.
    pub fn missing(&self) -> Option<Error> {
        self.client_secret().err().or_else(|| self.grant_secret().err())
    }

    /// The error for an assertion that was already sent.
    pub fn sent_twice(&self) -> Option<Error> {
        let assertion = self.grant_secret.as_ref()?;
        let hint = match &assertion.secret {
            SecretSource::File(path) => format!("put a new assertion into {}", path.display()),
            SecretSource::Command(_) => "let the command print a new assertion each time".to_owned(),
            _ => format!("run `{}` with a new assertion", self.location.saml_login_command()),
        };
        let problem = format!("{} was sent already, and is not sent twice", assertion.describe());
        Some(Error::new(ErrorKind::Rejected, problem).hint(hint))
    }

    /// The hint if only an interactive login can get a new token.
    pub fn login_hint(&self) -> Option<String> {
        let command = if self.is_saml() { self.location.saml_login_command() } else { self.location.login_command() };
        (self.is_login && self.grant_secret.is_none()).then(|| format!("run `{command}`"))
    }
}

fn source_digest(setting: &Setting, source: Option<&SecretSetting>) -> String {
    source.map_or_else(|| digest::name(b"missing", [setting.name.as_bytes()]), SecretSetting::digest)
}

/// The settings of a token command.
#[derive(Debug)]
pub struct CommandConfig {
    pub command: Command,
    pub setting: SecretSetting,
    /// The working directory: that of the configuration file. The token is cached for all callers, so it must not
    /// depend on the caller's directory.
    pub dir: PathBuf,
}

impl CommandConfig {
    /// Fails if the profile's token does not come from a command.
    pub fn resolve(setting: SecretSetting, location: &ProfileLocation) -> Result<Self> {
        let SecretSource::Command(command) = &setting.secret else {
            let mut error = location.missing_token_command();
            error.message.push_str(&format!(" for the grant \"{COMMAND_GRANT}\""));
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

/// A unique text for the word, which may be a path that is not UTF-8.
fn exact(word: &OsStr) -> Cow<'_, str> {
    word.to_str().map_or_else(|| format!("\0{}", hex(word.as_encoded_bytes())).into(), Cow::from)
}
