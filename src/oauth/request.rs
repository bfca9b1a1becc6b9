//! A token request.

use std::cmp::Reverse;

use super::redaction;
use crate::http::client::{Body, Field};
use crate::sys::secret::Secret;
use crate::url::Endpoint;

/// A grant with its secrets.
#[derive(Debug)]
pub enum Grant<'a> {
    /// RFC 6749, section 4.3.
    Password { username: &'a str, password: &'a Secret },
    /// RFC 6749, section 6.
    Refresh { refresh_token: &'a Secret },
    /// An assertion as XML, which is the whole request.
    Saml { assertion: &'a Secret },
    /// RFC 6749, section 4.4.
    ClientCredentials,
}

impl Grant<'_> {
    /// The value of `grant_type`, for a grant that is sent as a form.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::Refresh { .. } => "refresh_token",
            Self::Saml { .. } => "saml",
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// The hint if the server rejects it.
    pub fn rejected_hint(&self) -> &'static str {
        match self {
            Self::Password { .. } => "check user name, password, client id and client secret",
            Self::Refresh { .. } => "the refresh token has expired or was revoked",
            Self::Saml { .. } => {
                "check the organization id, and get a new assertion: one is good for minutes, and once"
            }
            Self::ClientCredentials => "check client id and client secret",
        }
    }
}

/// A token request. The service expects the client's credentials as form fields.
#[derive(Debug)]
pub struct GrantRequest<'a> {
    pub endpoint: &'a Endpoint,
    pub grant: Grant<'a>,
    pub client_id: Option<&'a str>,
    pub client_secret: Option<&'a Secret>,
}

impl GrantRequest<'_> {
    pub fn body(&self) -> Body<'_> {
        match &self.grant {
            Grant::Saml { assertion } => Body::Xml(assertion.expose()),
            _ => Body::Form(self.form()),
        }
    }

    /// The form fields, not encoded: `ureq` encodes them.
    fn form(&self) -> Vec<Field<'_>> {
        let mut form = match &self.grant {
            Grant::Password { username, password } => vec![("username", *username), ("password", password.expose())],
            Grant::Refresh { refresh_token } => vec![("refresh_token", refresh_token.expose())],
            Grant::Saml { .. } | Grant::ClientCredentials => Vec::new(),
        };
        form.push(("grant_type", self.grant.name()));
        form.extend(self.client_id.map(|id| ("client_id", id)));
        form.extend(self.client_secret.map(|secret| ("client_secret", secret.expose())));
        form
    }

    /// Redacts this request's secrets in the text, if the server repeats any. Returns nothing if one remains in an
    /// encoding that cannot be redacted.
    pub fn redacted(&self, text: String) -> Option<String> {
        if let Grant::Saml { assertion } = self.grant {
            return redaction::without_parts(text, assertion.expose());
        }
        let mut secrets = self.form();
        secrets.retain(|(name, _)| matches!(*name, "password" | "refresh_token" | "client_secret"));
        // Longest first: if one secret contains another, redacting the shorter one first would leave parts of the
        // longer one.
        secrets.sort_by_key(|(_, secret)| Reverse(secret.len()));
        let text = secrets.iter().fold(text, |text, (_, secret)| redaction::without(text, secret));
        let holds_secret = secrets.iter().any(|(_, secret)| redaction::holds(&text, secret));
        (!holds_secret).then_some(text)
    }
}
