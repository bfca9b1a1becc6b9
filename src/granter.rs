//! Who grants tokens: a token endpoint, or a command. Each has a cache of its own, and is asked by one caller at a time.

use crate::budget::RefreshLimits;
use crate::cache::Cache;
use crate::cache::entry::{Entry, Remembered};
use crate::command_grant;
use crate::refresh::{Ended, Outcome, Refresher};
use crate::settings::credentials::EndpointSettings;
use crate::settings::token_command::CommandSettings;
use crate::voice::Voice;

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
    pub fn refresh(self, entry: &Entry, force: bool, is_spare: bool, limits: RefreshLimits, voice: Voice) -> Outcome {
        match self {
            Granter::Endpoint(settings) => Refresher::new(settings, limits, voice).refresh(entry, force),
            Granter::Command(settings) => {
                Outcome::new(command_grant::run(settings, is_spare, limits, voice), limits.exchange())
            }
        }
    }

    /// Obtains a token that nobody else will see: see [`Refresher::refresh_unsaved`].
    pub fn refresh_unsaved(self, entry: &Entry, force: bool, limits: RefreshLimits, voice: Voice) -> Ended {
        match self {
            Granter::Endpoint(settings) => Refresher::new(settings, limits, voice).refresh_unsaved(entry, force),
            Granter::Command(settings) => command_grant::run(settings, false, limits, voice),
        }
    }

    /// Whether the failure of somebody else's refresh is this caller's too: see [`Refresher::concerns_us`].
    pub fn concerns_us(self, remembered: &Remembered, limits: RefreshLimits, voice: Voice) -> bool {
        match self {
            Granter::Endpoint(settings) => Refresher::new(settings, limits, voice).concerns_us(remembered),
            Granter::Command(_) => true,
        }
    }
}
