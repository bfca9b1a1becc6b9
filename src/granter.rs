//! Who grants tokens: a token endpoint, or a command. Each has a cache of its own, and is asked by one caller at a time.

use crate::budget::RefreshLimits;
use crate::cache::Cache;
use crate::cache::entry::{CachedFailure, Entry};
use crate::command_grant;
use crate::config::credentials::EndpointSettings;
use crate::config::token_command::CommandSettings;
use crate::refresh::{Ended, Outcome, Refresher};

/// Who grants tokens.
#[derive(Clone, Copy, Debug)]
pub enum Granter<'a> {
    /// A token endpoint, by the grants of OAuth.
    Endpoint(&'a EndpointSettings),
    /// A command that prints a token.
    Command(&'a CommandSettings),
}

impl Granter<'_> {
    /// The cache of this identity, if there is one.
    pub fn cache(self) -> Option<Cache> {
        match self {
            Granter::Endpoint(settings) => settings.cache(),
            Granter::Command(settings) => settings.cache(),
        }
    }

    /// Whether every token lives as long as the one before. A command may hand out one that is half spent.
    pub fn grants_alike(self) -> bool {
        matches!(self, Granter::Endpoint(_))
    }

    /// Whether the cache may hold a refresh token.
    pub fn keeps_refresh_tokens(self) -> bool {
        match self {
            Granter::Endpoint(settings) => settings.store_refresh_token,
            Granter::Command(_) => false,
        }
    }

    /// Renews the entry's token: see [`Refresher::refresh`]. Where it `is_spare`, the one in hand will do, too.
    pub fn refresh(self, entry: &Entry, force: bool, is_spare: bool, limits: RefreshLimits) -> Outcome {
        match self {
            Granter::Endpoint(settings) => Refresher::new(settings, limits).refresh(entry, force),
            Granter::Command(settings) => {
                Outcome::new(command_grant::run(settings, is_spare, limits), limits.exchange())
            }
        }
    }

    /// Obtains a token that nobody else will see: see [`Refresher::refresh_unsaved`].
    pub fn refresh_unsaved(self, entry: &Entry, force: bool, limits: RefreshLimits) -> Ended {
        match self {
            Granter::Endpoint(settings) => Refresher::new(settings, limits).refresh_unsaved(entry, force),
            Granter::Command(settings) => command_grant::run(settings, false, limits),
        }
    }

    /// Whether the failure of somebody else's refresh is this caller's too: see [`Refresher::concerns_us`].
    pub fn concerns_us(self, remembered: &CachedFailure, limits: RefreshLimits) -> bool {
        match self {
            Granter::Endpoint(settings) => Refresher::new(settings, limits).concerns_us(remembered),
            Granter::Command(_) => true,
        }
    }
}
