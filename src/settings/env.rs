//! The environment: the one place that reads it, and the one list of the variables that are read.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use directories::ProjectDirs;

use super::origin::{Given, Origin};
use crate::failure::Failure;
use crate::oauth::http::ProxySetting;
use crate::secret::Secret;

pub const USERNAME: &[&str] = &["SPOTINST_USERNAME", "SPOTINST_EMAIL", "SPOTINST_USER"];
pub const PASSWORD: &str = "SPOTINST_PASSWORD";
pub const PASSWORD_FILE: &str = "SPOTINST_PASSWORD_FILE";
pub const CLIENT_ID: &[&str] = &["SPOTINST_CLIENT_ID"];
pub const CLIENT_SECRET: &str = "SPOTINST_CLIENT_SECRET";
pub const CLIENT_SECRET_FILE: &str = "SPOTINST_CLIENT_SECRET_FILE";
pub const ACCOUNT: &[&str] = &["SPOTINST_ACCOUNT", "SPOTINST_ACCOUNT_ID"];
pub const GRANT: &[&str] = &["SPOTINST_CRED_GRANT"];
pub const TOKEN_URL: &[&str] = &["SPOTINST_TOKEN_URL"];
pub const REFRESH_URL: &[&str] = &["SPOTINST_REFRESH_URL"];
pub const API_URL: &[&str] = &["SPOTINST_API_URL"];
pub const PROFILE: &[&str] = &["SPOTINST_CRED_PROFILE"];
pub const CONFIG: &str = "SPOTINST_CRED_CONFIG";
pub const CACHE_DIR: &str = "SPOTINST_CRED_CACHE_DIR";
pub const FORMAT: &[&str] = &["SPOTINST_CRED_FORMAT"];
pub const TIMEOUT: &[&str] = &["SPOTINST_CRED_TIMEOUT"];
pub const SDK_FILE: &str = "SPOTINST_CREDENTIALS_FILE";
pub const SDK_PROFILE: &[&str] = &["SPOTINST_CREDENTIALS_PROFILE"];
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// What is being refreshed around this process, and by which commands: their names, parted by colons; set by itself.
pub const INSIDE: &str = "SPOTINST_CRED_INSIDE";
pub const GITHUB_ENV: &str = "GITHUB_ENV";
pub const KUBERNETES_EXEC_INFO: &[&str] = &["KUBERNETES_EXEC_INFO"];

/// The variables that hold secrets or name their files, and the token that we made. No command of the user's gets them.
/// The SDKs' own file (`SPOTINST_CREDENTIALS_FILE`) is not ours to take away.
pub const SECRETS: [&str; 5] = [PASSWORD, PASSWORD_FILE, CLIENT_SECRET, CLIENT_SECRET_FILE, "SPOTINST_TOKEN"];

/// The first of these variables that is set. An empty one counts as not set: CI systems hand out empty variables for
/// secrets that a job may not see.
///
/// # Errors
/// It is not UTF-8.
pub fn text(names: &[&'static str]) -> Result<Option<Given<String>>, Failure> {
    let Some(Given { value, origin }) = names.iter().find_map(|name| raw(name)) else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(value) => Ok(Some(Given { value, origin })),
        Err(_) => Err(Failure::settings(format!("{origin} is not valid UTF-8")).hint("set it again, in UTF-8")),
    }
}

/// The path that this variable holds, if it is set and not empty.
pub fn path(name: &'static str) -> Option<Given<PathBuf>> {
    raw(name).map(|given| given.map(PathBuf::from))
}

/// The names of what this process runs inside of.
pub fn inside() -> Vec<String> {
    let names = raw(INSIDE).and_then(|given| given.value.into_string().ok()).unwrap_or_default();
    names.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Whether this process runs inside of what has this name.
pub fn is_inside(name: &str) -> bool {
    inside().iter().any(|outer| outer == name)
}

/// Whether the user wants colours on a terminal: `NO_COLOR` is not set, and the terminal is no dumb one.
pub fn wants_colour() -> bool {
    raw("NO_COLOR").is_none() && raw("TERM").is_none_or(|given| given.value != "dumb")
}

/// Whether this variable is set to nothing: worth a word where its value is missed.
#[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
pub fn is_empty(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
fn raw(name: &'static str) -> Option<Given<OsString>> {
    let value = env::var_os(name).filter(|value| !value.is_empty())?;
    let origin = Origin::Variable(name);
    Some(Given { value, origin })
}

/// The proxy for `https` URLs, by the usual variables, those in lower case first as curl has it.
///
/// # Errors
/// A variable is not UTF-8.
pub fn proxy() -> Result<Option<ProxySetting>, Failure> {
    const PROXY: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let Some(Given { value, origin: Origin::Variable(variable) }) = text(PROXY)? else {
        return Ok(None);
    };
    let entries = text(&["no_proxy", "NO_PROXY"])?.map(|given| given.value).unwrap_or_default();
    let entries = entries.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    Ok(Some(ProxySetting { variable, url: Secret::from(value), no_proxy: entries.map(str::to_owned).collect() }))
}

/// The variable that names the roots to trust, if one does.
pub fn roots_variable() -> Option<&'static str> {
    [SSL_CERT_FILE, "SSL_CERT_DIR"].into_iter().find(|name| raw(name).is_some())
}

/// Found out once: it takes a dozen variables, and configuration and cache both ask.
static PROJECT_DIRS: LazyLock<Option<ProjectDirs>> = LazyLock::new(|| ProjectDirs::from("", "", "spotinst-cred"));

/// The platform's directories for this program; none where there is no home.
pub fn project_dirs() -> Option<&'static ProjectDirs> {
    PROJECT_DIRS.as_ref()
}

/// The path that begins with `~/`, in the home directory; nothing for any other, or where there is no home.
pub fn below_home(path: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix("~").ok()?;
    Some(home()?.join(rest))
}

/// The home directory.
pub fn home() -> Option<PathBuf> {
    env::home_dir().filter(|home| !home.as_os_str().is_empty())
}
