//! The grants that obtain a token when there is no refresh token.

use super::profile::ProfileLocation;
use super::secret_source::{SecretSetting, SecretSource};
use super::sources::Sources;
use crate::error::{Error, Result};
use crate::settings::{self, Setting};
use crate::sourced::Sourced;
use crate::sys::digest;
use crate::text::one_line;
use crate::token::is_account;

pub const PASSWORD_GRANT: &str = "password";
pub const SAML_GRANT: &str = "saml";
const CLIENT_CREDENTIALS_GRANT: &str = "client_credentials";
pub const COMMAND_GRANT: &str = "command";

/// The grant that obtains a token when there is no refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749, section 4.3.
    Password { username: String },
    /// An assertion of the organization's identity provider, for single sign-on.
    Saml {
        organization_id: String,
        /// A substitute for the user of the assertion: see [`subject`].
        subject: String,
    },
    /// RFC 6749, section 4.4.
    ClientCredentials,
}

/// The kind of a grant, before its values are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    Password,
    Saml,
    ClientCredentials,
}

impl GrantType {
    /// The grant with its values; `None` if one is missing.
    pub fn resolve(
        kind: GrantKind,
        sources: &Sources,
        secret: Option<&SecretSetting>,
        location: &ProfileLocation,
    ) -> Result<Option<Self>> {
        Ok(match kind {
            GrantKind::Password => {
                sources.text(&settings::USERNAME)?.map(|name| Self::Password { username: name.value })
            }
            GrantKind::Saml => {
                let subject = subject(secret, location);
                organization_id(sources)?.map(|organization_id| Self::Saml { organization_id, subject })
            }
            GrantKind::ClientCredentials => Some(Self::ClientCredentials),
        })
    }

    /// The parts of the cache key that depend on the grant.
    pub fn identity<'a>(&'a self, client_id: &'a str) -> Vec<&'a str> {
        match self {
            Self::Password { username } => vec![PASSWORD_GRANT, client_id, username],
            Self::Saml { organization_id, subject } => vec![SAML_GRANT, client_id, organization_id, subject],
            Self::ClientCredentials => vec![CLIENT_CREDENTIALS_GRANT, client_id, ""],
        }
    }

    pub fn kind(&self) -> GrantKind {
        match self {
            Self::Password { .. } => GrantKind::Password,
            Self::Saml { .. } => GrantKind::Saml,
            Self::ClientCredentials => GrantKind::ClientCredentials,
        }
    }
}

impl GrantKind {
    /// The grant's own secret, beside the client's.
    pub fn secret(self) -> Option<&'static Setting> {
        match self {
            Self::Password => Some(&settings::PASSWORD),
            Self::Saml => Some(&settings::SAML_ASSERTION),
            Self::ClientCredentials => None,
        }
    }

    /// The setting of the URL that it is sent to.
    pub fn url(self) -> &'static Setting {
        if self == Self::Saml { &settings::SAML_URL } else { &settings::TOKEN_URL }
    }
}

/// The organization id, which must need no encoding in a URL.
fn organization_id(sources: &Sources) -> Result<Option<String>> {
    let Some(Sourced { value, source }) = sources.text(&settings::ORGANIZATION_ID)? else { return Ok(None) };
    if is_account(&value) {
        return Ok(Some(value));
    }
    let problem = format!("the organization id from {source} is not an id: \"{}\"", one_line(&value));
    Err(Error::config(problem).hint("it has letters, digits, `.`, `_` and `-` only"))
}

/// The user of an assertion is not known before it is sent. Its file, command or profile is used instead, so that two
/// users never share tokens.
fn subject(assertion: Option<&SecretSetting>, location: &ProfileLocation) -> String {
    match assertion {
        Some(setting) if !matches!(setting.secret, SecretSource::Value(_)) => setting.digest(),
        _ => {
            let file = location.file.as_deref().map(|path| path.as_os_str().as_encoded_bytes());
            digest::name(b"profile", [file.unwrap_or_default(), location.profile_name().as_bytes()])
        }
    }
}

/// Whether the profile's token command is a grant; otherwise it prints a permanent token.
pub fn is_command_grant(sources: &Sources) -> Result<bool> {
    Ok(sources.text(&settings::GRANT)?.is_some_and(|grant| grant.value == COMMAND_GRANT))
}

/// The kind of the grant. Fails if it is unknown, or is `command` without a token command.
pub fn grant_kind(sources: &Sources, location: &ProfileLocation) -> Result<GrantKind> {
    let Some(Sourced { value, source }) = sources.text(&settings::GRANT)? else {
        return Ok(GrantKind::Password);
    };
    match value.as_str() {
        PASSWORD_GRANT => Ok(GrantKind::Password),
        SAML_GRANT => Ok(GrantKind::Saml),
        CLIENT_CREDENTIALS_GRANT => Ok(GrantKind::ClientCredentials),
        COMMAND_GRANT => Err(location.missing_token_command()),
        unknown => {
            let problem = format!("the grant from {source} is unknown: \"{}\"", one_line(unknown));
            let known = [PASSWORD_GRANT, SAML_GRANT, CLIENT_CREDENTIALS_GRANT].join(", ");
            Err(Error::config(problem).hint(format!("expected one of {known} and {COMMAND_GRANT}")))
        }
    }
}
