//! Reads environment variables; no other module does. The variables of settings are listed in `settings`.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use directories::BaseDirs;

use super::os;
use super::secret::Secret;
use crate::error::{Error, Result};
use crate::sourced::{Sourced, ValueSource};

/// The variable that users export the token in. This program never reads it.
pub const TOKEN: &str = "SPOTINST_TOKEN";

/// Set for the commands that this program runs during a refresh: the names of the enclosing identities and commands,
/// separated by colons. It detects recursion.
pub const OUTER_REFRESHES: &str = "SPOTINST_CRED_INSIDE";

pub const PATH: &str = "PATH";
pub const GITHUB_ENV: &str = "GITHUB_ENV";
pub const KUBERNETES_EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
pub const SSL_CERT_DIR: &str = "SSL_CERT_DIR";

/// The value of the first of these variables that is set. An empty one counts as not set: CI systems pass empty
/// variables for secrets that a job may not see.
///
/// Fails if it is not UTF-8.
pub fn text(names: &[&'static str]) -> Result<Option<Sourced<String>>> {
    let Some(Sourced { value, source }) = names.iter().find_map(|name| raw(name)) else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(value) => Ok(Some(Sourced { value, source })),
        Err(_) => Err(Error::config(format!("{source} is not valid UTF-8")).hint("set it again, in UTF-8")),
    }
}

/// The path in this variable, if it is set and not empty.
pub fn path(name: &'static str) -> Option<Sourced<PathBuf>> {
    raw(name).map(|sourced| sourced.map(PathBuf::from))
}

/// Whether the variable is set to an empty value. Messages mention this if a value is missing.
#[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
pub fn is_empty(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
fn raw(name: &'static str) -> Option<Sourced<OsString>> {
    let value = env::var_os(name).filter(|value| !value.is_empty())?;
    Some(Sourced { value, source: ValueSource::Variable(name) })
}

/// The directories of `PATH`, or nothing if it is not set. Empty entries, which mean the working directory, are left
/// out, so that a program in an untrusted repository is never run.
pub fn search_path() -> Option<Vec<PathBuf>> {
    let path = raw_path()?;
    Some(env::split_paths(&path).filter(|dir| !dir.as_os_str().is_empty()).collect())
}

/// `PATH` without its empty entries, or nothing if it has none.
pub fn cleaned_path() -> Option<OsString> {
    let path = raw_path()?;
    let has_empty = env::split_paths(&path).any(|dir| dir.as_os_str().is_empty());
    if has_empty { env::join_paths(search_path()?).ok() } else { None }
}

#[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
fn raw_path() -> Option<OsString> {
    env::var_os(PATH)
}

/// The names in [`OUTER_REFRESHES`].
pub fn outer_refreshes() -> Vec<String> {
    let names = raw(OUTER_REFRESHES).and_then(|sourced| sourced.value.into_string().ok()).unwrap_or_default();
    names.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Whether an outer process runs this one while it refreshes this identity. Then this process must not wait for the
/// lock.
pub fn is_inside_refresh_of(identity: &str) -> bool {
    outer_refreshes().iter().any(|outer| outer == identity)
}

/// Whether the user wants colors: `NO_COLOR` is not set, and `TERM` is not `dumb`.
pub fn wants_color() -> bool {
    raw("NO_COLOR").is_none() && raw("TERM").is_none_or(|sourced| sourced.value != "dumb")
}

/// The proxy settings of the environment.
#[derive(Clone, Debug)]
pub struct ProxySetting {
    /// The variable's name, for messages. The URL may contain a password and is never shown.
    pub variable: &'static str,
    pub url: Secret,
    /// The entries of `NO_PROXY`.
    pub no_proxy: Vec<String>,
}

/// The proxy for `https` URLs, from the first variable that is set.
pub fn proxy() -> Result<Option<ProxySetting>> {
    let Some(Sourced { value, source: ValueSource::Variable(variable) }) = text(os::PROXY_VARIABLES)? else {
        return Ok(None);
    };
    let entries = text(&["no_proxy", "NO_PROXY"])?.map(|sourced| sourced.value).unwrap_or_default();
    let entries = entries.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    Ok(Some(ProxySetting { variable, url: Secret::from(value), no_proxy: entries.map(str::to_owned).collect() }))
}

/// The variable that names the trusted root certificates, if one is set.
pub fn roots_variable() -> Option<&'static str> {
    [SSL_CERT_FILE, SSL_CERT_DIR].into_iter().find(|name| raw(name).is_some())
}

/// Cached, because it reads a dozen variables and both configuration and cache need it.
static BASE_DIRS: LazyLock<Option<BaseDirs>> = LazyLock::new(BaseDirs::new);

/// The platform's path of the configuration file; nothing without a home directory.
pub fn default_config_file() -> Option<PathBuf> {
    BASE_DIRS.as_ref().map(|dirs| dirs.config_dir().join(os::CONFIG_DIR).join("config.toml"))
}

/// The platform's cache directory; nothing without a home directory.
///
/// As root, if that directory would belong to another user (`sudo` keeps `HOME` on many systems), it is below root's
/// own home instead: the other user could not use files that root creates. Fails if the owner cannot be determined.
pub fn default_cache_dir() -> io::Result<Option<PathBuf>> {
    let Some(dirs) = BASE_DIRS.as_ref() else {
        return Ok(None);
    };
    let dir = dirs.cache_dir();
    if os::current_user() == os::ROOT {
        // For a directory below the home, the owner of the home counts: root may have created the directory there
        // earlier.
        let [home, bytes] = [dirs.home_dir(), dir].map(|path| path.as_os_str().as_encoded_bytes());
        let is_below = bytes.strip_prefix(home).is_some_and(|rest| rest.starts_with(b"/"));
        let place = if is_below { dirs.home_dir() } else { dir };
        if os::other_owner_of_place(place)?.is_some() {
            return Ok(os::root_home()?.map(|home| home.join(".cache/spotinst-cred")));
        }
    }
    Ok(Some(dir.join(os::CACHE_DIR)))
}

/// Expands a leading `~/` to the home directory. Returns nothing for other paths, or without a home directory.
pub fn expand_home(path: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix("~").ok()?;
    Some(home()?.join(rest))
}

pub fn home() -> Option<&'static Path> {
    BASE_DIRS.as_ref().map(BaseDirs::home_dir)
}
