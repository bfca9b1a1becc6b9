//! What it takes to ask a token endpoint, put together from environment and profile.

use std::path::PathBuf;

use super::file::Profile;
use super::missing::{CLIENT_ID, CLIENT_SECRET, PASSWORD, TOKEN_COMMAND, USERNAME, missing};
use super::profile::{Place, Selected};
use super::{token_command, value};
use crate::cache::Cache;
use crate::cli::Options;
use crate::error::{Error, ErrorKind};
use crate::secret_source::{SecretSetting, SecretSource};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::env;
use crate::sys::secret::Secret;
use crate::text::one_line;
use crate::transport::Transport;
use crate::url::Endpoint;

const TOKEN_URL: &str = "https://oauth.spotinst.io/token";
const REFRESH_URL: &str = "https://api.spotinst.io/token";
const API_URL: &str = "https://api.spotinst.io";

/// The grant by which a new token is obtained when no refresh token serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749, section 4.3, for this user name.
    Password { username: String },
    /// RFC 6749, section 4.4.
    ClientCredentials,
}

/// What it takes to ask a token endpoint. The secrets may be missing as long as none is needed.
#[derive(Debug)]
pub struct EndpointSettings {
    /// How a token is obtained.
    pub grant: GrantType,
    /// Where.
    pub token_url: Endpoint,
    /// Where it is renewed.
    pub refresh_url: Endpoint,
    /// `client_id`
    pub client_id: String,
    /// The user's password: for the password grant alone.
    pub password: Option<SecretSetting>,
    /// `client_secret`
    client_secret: Option<SecretSetting>,
    /// Whether the cache may hold the refresh token, which lives for 14 days; the access token dies after two hours.
    pub store_refresh_token: bool,
    /// Trust and proxy.
    pub transport: Transport,
    /// The directory of the cache; none with `--no-cache`, or where there is no home.
    cache_dir: Option<PathBuf>,
    /// The password is typed by a person at each `login` and stored nowhere.
    is_login: bool,
    /// Where missing values could be written.
    place: Place,
}

impl EndpointSettings {
    /// The cache of this identity, if there is one.
    pub fn cache(&self) -> Option<Cache> {
        let (grant, username) = match &self.grant {
            GrantType::Password { username } => ("password", username.as_str()),
            GrantType::ClientCredentials => ("client_credentials", ""),
        };
        let identity = [self.token_url.as_str(), self.refresh_url.as_str(), grant, &self.client_id, username];
        self.cache_dir.as_ref().map(|dir| Cache::new(dir.clone(), &identity))
    }

    /// The client secret's source.
    ///
    /// # Errors
    /// There is none.
    pub fn client_secret(&self) -> Result<&SecretSetting, Error> {
        self.client_secret.as_ref().ok_or_else(|| missing(&[&CLIENT_SECRET], &self.place))
    }

    /// The password's source.
    ///
    /// # Errors
    /// There is none: [`ErrorKind::Rejected`] where it is typed at each login, which is then over.
    pub fn password(&self) -> Result<&SecretSetting, Error> {
        self.password.as_ref().ok_or_else(|| match self.login_hint() {
            Some(hint) => {
                let problem = format!("the login{} is over, and its password is stored nowhere", self.place.owner());
                Error::new(ErrorKind::Rejected, problem).hint(hint)
            }
            None => missing(&[&PASSWORD], &self.place),
        })
    }

    /// What is missing for a call that finds nothing in the cache.
    pub fn missing(&self) -> Option<Error> {
        let password = match &self.grant {
            GrantType::Password { .. } => self.password().err(),
            GrantType::ClientCredentials => None,
        };
        self.client_secret().err().or(password)
    }

    /// The next step where only a person can get a new token.
    pub fn login_hint(&self) -> Option<String> {
        (self.is_login && self.password.is_none()).then(|| format!("run `{}`", self.place.login_command()))
    }
}

/// What a grant takes, as far as it is set.
#[derive(Debug)]
pub struct Credentials {
    /// The user name.
    pub username: Option<Sourced<String>>,
    /// The password's source.
    pub password: Option<SecretSetting>,
    /// `client_id`
    pub client_id: Option<Sourced<String>>,
    /// The client secret's source.
    pub client_secret: Option<SecretSetting>,
    /// The name of the grant.
    pub grant: Option<Sourced<String>>,
    token_url: Option<Sourced<String>>,
    refresh_url: Option<Sourced<String>>,
}

impl Credentials {
    /// The environment's values, else the profile's.
    ///
    /// # Errors
    /// A variable is not UTF-8, or two name the same secret.
    pub fn resolve(profile: &Profile) -> Result<Self, Error> {
        let password = secret_from_env("password", env::PASSWORD, env::PASSWORD_FILE)?;
        let client_secret = secret_from_env("client secret", env::CLIENT_SECRET, env::CLIENT_SECRET_FILE)?;
        Ok(Self {
            username: env::text(env::USERNAME)?.or_else(|| profile.username.clone()),
            password: password.or_else(|| profile.password.clone()),
            client_id: env::text(env::CLIENT_ID)?.or_else(|| profile.client_id.clone()),
            client_secret: client_secret.or_else(|| profile.client_secret.clone()),
            grant: grant(profile)?,
            token_url: env::text(env::TOKEN_URL)?.or_else(|| profile.token_url.clone()),
            refresh_url: env::text(env::REFRESH_URL)?.or_else(|| profile.refresh_url.clone()),
        })
    }

    /// Whether nothing at all is set, no broker's URL either: whoever names one does not mean a permanent token.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.username, &self.client_id, &self.grant, &self.token_url, &self.refresh_url];
        let secrets = [&self.password, &self.client_secret];
        texts.into_iter().all(|given| given.is_none()) && secrets.into_iter().all(|setting| setting.is_none())
    }

    /// The settings of the endpoint.
    ///
    /// # Errors
    /// What names the identity is missing, or a value does not parse.
    pub fn endpoint(self, options: &Options, selected: &Selected) -> Result<EndpointSettings, Error> {
        let profile = &selected.profile;
        let is_password = self.is_password_grant(&selected.place)?;
        let grant = match &self.username {
            _ if !is_password => Some(GrantType::ClientCredentials),
            Some(given) => Some(GrantType::Password { username: given.value.clone() }),
            None => None,
        };
        let (Some(grant), Some(client_id)) = (grant, &self.client_id) else {
            return Err(self.missing(is_password, &selected.place));
        };
        let (token_url, refresh_url) = self.endpoints()?;
        let is_login = is_password && profile.login.as_ref().is_some_and(|login| login.value);
        Ok(EndpointSettings {
            grant,
            token_url: token_url.value,
            refresh_url: refresh_url.value,
            client_id: client_id.value.clone(),
            client_secret: self.client_secret,
            password: self.password.filter(|_| is_password),
            store_refresh_token: profile.store_refresh_token.as_ref().is_none_or(|given| given.value),
            transport: transport(profile)?,
            cache_dir: cache_dir(options).map(|given| given.value),
            is_login,
            place: selected.place.clone(),
        })
    }

    /// Where tokens are obtained and renewed. Where only the first is set, the second is the same: the tokens of
    /// somebody else's broker never go to Spotinst.
    ///
    /// # Errors
    /// One is not `https`, nor `http` to a loopback address.
    pub fn endpoints(&self) -> Result<(Sourced<Endpoint>, Sourced<Endpoint>), Error> {
        let endpoint = |what, given: Option<&Sourced<String>>, usual: &str| {
            let given = given.cloned().unwrap_or_else(|| Sourced::default(usual.to_owned()));
            Ok(Sourced { value: value::endpoint(what, &given, usual)?, source: given.source })
        };
        let refresh_url = self.refresh_url.as_ref().or(self.token_url.as_ref());
        Ok((
            endpoint("token URL", self.token_url.as_ref(), TOKEN_URL)?,
            endpoint("refresh URL", refresh_url, REFRESH_URL)?,
        ))
    }

    /// Whether it takes a user's password.
    ///
    /// # Errors
    /// The grant is unknown, or one that this profile cannot have.
    pub fn is_password_grant(&self, place: &Place) -> Result<bool, Error> {
        let Some(Sourced { value, source: origin }) = &self.grant else {
            return Ok(true);
        };
        match value.as_str() {
            "password" => Ok(true),
            "client_credentials" => Ok(false),
            token_command::GRANT => Err(missing(&[&TOKEN_COMMAND], place)),
            other => {
                let problem = format!("the grant from {origin} is unknown: \"{}\"", one_line(other));
                Err(Error::config(problem).hint("known are password, client_credentials and command"))
            }
        }
    }

    /// Everything that is missing.
    fn missing(&self, is_password: bool, place: &Place) -> Error {
        let set = [
            (&USERNAME, self.username.is_some() || !is_password),
            (&PASSWORD, self.password.is_some() || !is_password),
            (&CLIENT_ID, self.client_id.is_some()),
            (&CLIENT_SECRET, self.client_secret.is_some()),
        ];
        let wanted: Vec<_> = set.into_iter().filter(|(_, is_set)| !is_set).map(|(wanted, _)| wanted).collect();
        missing(&wanted, place)
    }
}

/// The name of the grant: of `SPOTINST_CRED_GRANT`, else the profile's.
///
/// # Errors
/// The variable is not UTF-8.
pub fn grant(profile: &Profile) -> Result<Option<Sourced<String>>, Error> {
    Ok(env::text(env::GRANT)?.or_else(|| profile.grant.clone()))
}

/// A secret that the environment gives, by value or by file. Both are one too many.
fn secret_from_env(
    what: &'static str,
    by_value: &'static str,
    by_file: &'static str,
) -> Result<Option<SecretSetting>, Error> {
    let value = env::text(&[by_value])?.map(|given| given.map(|text| SecretSource::Value(Secret::from(text))));
    let file = env::path(by_file).map(|given| given.map(SecretSource::File));
    if value.is_some() && file.is_some() {
        let problem = format!("{by_value} and {by_file} are both set");
        return Err(Error::config(problem).hint("unset one of them"));
    }
    Ok(value.or(file).map(|Sourced { value: source, source: origin }| SecretSetting {
        name: what,
        secret: source,
        source: origin,
    }))
}

/// The base of the API that tokens are for: of `SPOTINST_API_URL`, else the profile's, else Spotinst's own.
///
/// # Errors
/// It is not `https`, nor `http` to a loopback address.
pub fn api_url(keyed: Option<&Sourced<String>>) -> Result<Sourced<Endpoint>, Error> {
    let given = env::text(env::API_URL)?.or_else(|| keyed.cloned());
    let Sourced { value, source: origin } = given.unwrap_or_else(|| Sourced::default(API_URL.to_owned()));
    let base = Sourced { value: value.trim_end_matches('/').to_owned(), source: origin };
    Ok(Sourced { value: value::endpoint("API URL", &base, API_URL)?, source: base.source })
}

/// Trust and proxy.
///
/// # Errors
/// A variable is not UTF-8.
pub fn transport(profile: &Profile) -> Result<Transport, Error> {
    Ok(Transport { ca_file: profile.ca_file.clone(), roots_variable: env::roots_variable(), proxy: env::proxy()? })
}

/// The directory of the cache; none with `--no-cache`, or where there is no home.
pub fn cache_dir(options: &Options) -> Option<Sourced<PathBuf>> {
    if options.no_cache {
        return None;
    }
    let from_flag = options.cache_dir.clone().map(|value| Sourced { value, source: ValueSource::Flag("--cache-dir") });
    let usual = || env::project_dirs().map(|dirs| Sourced::default(dirs.cache_dir().to_owned()));
    from_flag.or_else(|| env::path(env::CACHE_DIR)).or_else(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one default that no test can follow over the network.
    #[test]
    fn the_defaults_are_spotinsts_two_hosts() {
        let nothing = Credentials {
            username: None,
            password: None,
            client_id: None,
            client_secret: None,
            grant: None,
            token_url: None,
            refresh_url: None,
        };
        let urls = nothing.endpoints().map(|(token, refresh)| (token.value.to_string(), refresh.value.to_string()));
        let expected = ("https://oauth.spotinst.io/token".to_owned(), "https://api.spotinst.io/token".to_owned());
        assert_eq!(urls, Ok(expected));
    }
}
