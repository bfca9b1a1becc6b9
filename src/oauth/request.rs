//! A grant's request to a token endpoint.

use std::cmp::Reverse;

use super::redaction;
use crate::http::client::Field;
use crate::sys::secret::Secret;
use crate::url::Endpoint;

/// A grant and its own secrets.
#[derive(Debug)]
pub enum Grant<'a> {
    /// RFC 6749, section 4.3.
    Password { username: &'a str, password: &'a Secret },
    /// RFC 6749, section 6.
    Refresh { refresh_token: &'a Secret },
    /// RFC 6749, section 4.4.
    ClientCredentials,
}

impl Grant<'_> {
    /// The value of `grant_type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::Refresh { .. } => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }

    pub fn is_refresh(&self) -> bool {
        matches!(self, Self::Refresh { .. })
    }

    /// The hint where the server rejects it.
    pub fn rejected_hint(&self) -> &'static str {
        match self {
            Self::Password { .. } => "check user name, password, client id and client secret",
            Self::Refresh { .. } => "the refresh token has expired or was revoked",
            Self::ClientCredentials => "check client id and client secret",
        }
    }
}

/// One token request. The client's credentials are form fields, as the service wants them.
#[derive(Debug)]
pub struct GrantRequest<'a> {
    pub endpoint: &'a Endpoint,
    pub grant: Grant<'a>,
    pub client_id: &'a str,
    pub client_secret: &'a Secret,
}

impl GrantRequest<'_> {
    /// The fields. Encoding them is `ureq`'s part: clients that paste raw values break on `&`, `+`, `%`.
    pub fn form(&self) -> Vec<Field<'_>> {
        let mut form = match &self.grant {
            Grant::Password { username, password } => vec![("username", *username), ("password", password.expose())],
            Grant::Refresh { refresh_token } => vec![("refresh_token", refresh_token.expose())],
            Grant::ClientCredentials => Vec::new(),
        };
        form.push(("grant_type", self.grant.name()));
        form.push(("client_id", self.client_id));
        form.push(("client_secret", self.client_secret.expose()));
        form
    }

    /// The text without our secrets, should the server repeat one; nothing where one is still in it, in an encoding that
    /// cannot be redacted.
    pub fn redacted(&self, text: String) -> Option<String> {
        let mut secrets = self.form();
        secrets.retain(|(name, _)| matches!(*name, "password" | "refresh_token" | "client_secret"));
        // The longest first: where one holds another, redacting the shorter one would leave the rest of it.
        secrets.sort_by_key(|(_, secret)| Reverse(secret.len()));
        let text = secrets.iter().fold(text, |text, (_, secret)| redaction::without(text, secret));
        let holds_secret = secrets.iter().any(|(_, secret)| redaction::holds(&text, secret));
        (!holds_secret).then_some(text)
    }
}
