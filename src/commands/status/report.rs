//! The report. Its fields are those of the JSON document.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::cache_state::{CacheState, TokenState};
use crate::commands::Problem;
use crate::config::Config;
use crate::config::provider::TokenProvider;
use crate::config::report::{ConfigReport, ReportedValue};
use crate::error::{Error, Result};
use crate::get_token::{provider, static_provider};
use crate::oauth::api::Account;
use crate::settings::{self, Setting};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::clock;
use crate::token::AccessToken;

#[derive(Serialize)]
pub struct Report {
    /// The version of the document.
    version: u8,
    pub profile: Option<Sourced<String>>,
    #[serde(serialize_with = "by_key")]
    pub settings: Vec<(&'static str, Option<ReportedValue>)>,
    pub configuration: Option<Place>,
    pub cache: Option<Place>,
    /// Why no token can be obtained without the user.
    #[serde(serialize_with = "as_problem")]
    problem: Option<Error>,
    /// Other profiles that are invalid.
    pub unusable_profiles: Vec<UnusableProfile>,
    /// The cache entry, if there is a cache and the identity is known.
    #[serde(flatten)]
    pub tokens: Option<CacheState>,
    /// A static token, if it is known without fetching it and has an expiry.
    #[serde(rename = "token", skip_serializing_if = "Option::is_none")]
    pub given_token: Option<TokenState>,
    /// A login that ends soon and that only the user can renew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_end: Option<LoginEnd>,
    /// Whether the user has not logged in yet.
    #[serde(skip)]
    pub is_new: bool,
    /// The text that is shown if there is no cache.
    #[serde(skip)]
    pub instead_of_tokens: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
}

/// A file or directory that is used.
#[derive(Serialize)]
pub struct Place {
    pub path: String,
    pub from: ValueSource,
    pub exists: bool,
}

#[derive(Serialize)]
pub struct UnusableProfile {
    pub name: String,
    #[serde(flatten)]
    pub problem: Problem,
}

#[derive(Serialize)]
pub struct LoginEnd {
    pub seconds_left: u64,
    pub hint: String,
}

/// The API's answer about the token, and whether the secret stores return their secrets.
#[derive(Serialize)]
pub struct Check {
    accepted: bool,
    pub accounts: Vec<Account>,
    /// Why there is no token, or why the API does not accept it.
    #[serde(serialize_with = "as_problem")]
    pub problem: Option<Error>,
    pub stores: Vec<StoreCheck>,
}

#[derive(Serialize)]
pub struct StoreCheck {
    pub store: String,
    pub secret: &'static str,
    /// Why it did not return the secret.
    #[serde(serialize_with = "as_problem")]
    pub problem: Option<Error>,
}

impl Check {
    pub fn new(accounts: Result<Vec<Account>>, stores: Vec<StoreCheck>) -> Self {
        let (accounts, problem) = match accounts {
            Ok(accounts) => (accounts, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Self { accepted: problem.is_none(), accounts, problem, stores }
    }

    fn problems(&self) -> impl Iterator<Item = &Error> {
        self.problem.iter().chain(self.stores.iter().filter_map(|store| store.problem.as_ref()))
    }
}

impl Report {
    pub fn new(report: ConfigReport, check: Option<Check>) -> Self {
        let ConfigReport { profile, config_file, cache_dir, settings, unusable_profiles, config } = report;
        let cache = config.as_ref().ok().and_then(provider::cache);
        let tokens = cache.map(|cache| CacheState::read(&cache, clock::now()));
        let given_token = config.as_ref().ok().and_then(given_token);
        let problem = problem(&config, tokens.as_ref());
        let ends_soon = tokens.as_ref().and_then(|tokens| tokens.ends_soon);
        let login_hint = config.as_ref().ok().and_then(provider::login_hint);
        let is_set = |one: &Setting| settings.iter().any(|(name, value)| *name == one.name && value.is_some());
        let is_new = !settings::PASSWORD_LOGIN.into_iter().any(is_set);
        Self {
            version: 1,
            profile,
            settings,
            configuration: config_file.map(place),
            cache: cache_dir.map(place),
            problem,
            unusable_profiles: unusable_profiles.into_iter().map(UnusableProfile::from).collect(),
            tokens,
            login_end: ends_soon.zip(login_hint).map(|(left, hint)| LoginEnd { seconds_left: left.as_secs(), hint }),
            is_new: config.is_err() && is_new,
            instead_of_tokens: match config.map(|config| config.provider) {
                Ok(TokenProvider::Static(_)) if given_token.is_some() => "not cached",
                Ok(TokenProvider::Static(_)) => "permanent, not cached",
                Ok(_) => "no cache is used",
                Err(_) => "none",
            },
            given_token,
            check,
        }
    }

    /// The first problem. Failed checks come before what was known.
    pub fn error(&self) -> Option<&Error> {
        self.check.iter().flat_map(Check::problems).chain(&self.problem).next()
    }
}

impl From<(String, Error)> for UnusableProfile {
    fn from((name, error): (String, Error)) -> Self {
        Self { name, problem: error.into() }
    }
}

fn place(Sourced { value, source }: Sourced<PathBuf>) -> Place {
    Place { path: value.display().to_string(), from: source, exists: value.exists() }
}

fn given_token(config: &Config) -> Option<TokenState> {
    let TokenProvider::Static(setting) = &config.provider else { return None };
    let now = clock::now();
    let token = AccessToken::given(setting.value()?.clone(), now);
    token.expires_at.map(|_| TokenState::of_access(Some(&token), now))
}

/// Why no token can be obtained without the user: a setting is missing, the login has ended, or the credentials are
/// rejected.
fn problem(config: &Result<Config>, tokens: Option<&CacheState>) -> Option<Error> {
    let config = match config {
        Ok(config) => config,
        Err(error) => return Some(error.clone()),
    };
    if tokens.is_some_and(|tokens| tokens.token.is_usable()) {
        return None;
    }
    let missing = match &config.provider {
        TokenProvider::Static(token) => {
            token.value().and_then(|value| static_provider::checked(token, value.clone(), Duration::ZERO).err())
        }
        TokenProvider::Endpoint(endpoint) if tokens.is_none_or(|tokens| !tokens.can_refresh) => {
            let unreadable = tokens.and_then(|tokens| tokens.unreadable.clone());
            endpoint.missing().map(|missing| unreadable.unwrap_or(missing))
        }
        _ => None,
    };
    missing.or_else(|| {
        let failure = tokens?.failure.as_ref()?;
        let is_of_others = |rejected: &String| provider::has_other_credentials(&config.provider, rejected);
        failure.rejection.clone().filter(|_| !failure.fingerprint.as_ref().is_some_and(is_of_others))
    })
}

fn as_problem<S: Serializer>(error: &Option<Error>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    error.clone().map(Problem::from).serialize(serializer)
}

/// The settings as a map; `user name` has the key `user_name`.
fn by_key<S: Serializer>(
    settings: &[(&'static str, Option<ReportedValue>)],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(settings.iter().map(|(name, value)| (name.to_lowercase().replace(' ', "_"), value)))
}
