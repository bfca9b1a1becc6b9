//! Who grants tokens: a token endpoint, or a command. Each has a cache of its own, and is asked by one caller at a time.

use crate::budget::RefreshLimits;
use crate::cache::Cache;
use crate::cache::entry::Entry;
use crate::command_grant;
use crate::refresh::{Outcome, Refresher};
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

    /// Renews the entry's token: see [`Refresher::refresh`].
    pub fn refresh(self, entry: &Entry, force: bool, limits: RefreshLimits, voice: Voice) -> Outcome {
        match self {
            Granter::Endpoint(settings) => Refresher::new(settings, limits, voice).refresh(entry, force),
            Granter::Command(settings) => command_grant::run(settings, limits, voice),
        }
    }

    /// Obtains a token that nobody else will see.
    pub fn obtain_anew(self, limits: RefreshLimits, voice: Voice) -> Outcome {
        match self {
            Granter::Endpoint(settings) => Refresher::new(settings, limits, voice).obtain_anew(None),
            Granter::Command(settings) => command_grant::run(settings, limits, voice),
        }
    }
}
