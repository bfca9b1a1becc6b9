//! What a host gets: the token, its account and its expiry.

use std::iter;
use std::time::Duration;

use time::OffsetDateTime;

use crate::settings;
use crate::sys::env;
use crate::token::{AccessToken, rfc3339, span};

#[derive(Debug)]
pub struct Credential<'a> {
    pub token: &'a AccessToken,
    pub account: Option<&'a str>,
    /// The section of the SDKs' file.
    pub section: &'a str,
    pub now: OffsetDateTime,
}

impl Credential<'_> {
    pub fn token(&self) -> &str {
        self.token.value.expose()
    }

    pub fn expiry(&self) -> Option<String> {
        self.token.advertised_expiry().and_then(rfc3339)
    }

    pub fn expires_in(&self) -> Option<u64> {
        self.token.advertised_expiry().map(|at| span(self.now, at)).map(|left: Duration| left.as_secs())
    }

    /// The variables that Spotinst's clients read, one line each, made by `line`. Both variables of the account are
    /// set, because a client that reads only the missing one would silently use the token's default account.
    pub fn variables(&self, line: impl Fn(&str, &str) -> String) -> Vec<u8> {
        let names = settings::ACCOUNT.variables.iter().copied();
        let account = self.account.into_iter().flat_map(|account| names.clone().map(move |name| (name, account)));
        let set = iter::once((env::TOKEN, self.token())).chain(account);
        set.map(|(name, value)| line(name, value)).collect::<String>().into_bytes()
    }
}
