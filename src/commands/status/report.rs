//! Everything that is reported.

use super::cache_state::{CacheState, Stage};
use crate::config::provider::TokenProvider;
use crate::config::report::ConfigReport;
use crate::error::Error;
use crate::oauth::api::Account;

pub struct Report {
    pub config: ConfigReport,
    /// Nothing where there is no cache, or no identity to look it up by.
    pub cache: Option<CacheState>,
    /// What the token sees, if that was asked.
    pub accounts: Option<Vec<Account>>,
}

impl Report {
    pub fn provider(&self) -> Result<&TokenProvider, &Error> {
        self.config.config.as_ref().map(|config| &config.provider)
    }

    /// What is missing for a new token.
    pub fn problem(&self) -> Option<Error> {
        match self.provider() {
            Err(error) => Some(error.clone()),
            Ok(TokenProvider::Endpoint(endpoint))
                if self.cache.as_ref().is_none_or(|cache| cache.refresh_token.stage != Stage::Alive) =>
            {
                endpoint.missing()
            }
            Ok(_) => None,
        }
    }
}
