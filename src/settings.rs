//! The table of all settings. Each setting is one row; command line, resolution, hints, `status`, man page and
//! `contrib/docs/settings.md` are derived from it.
//!
//! To add a setting, add a row, list it in [`SETTINGS`], and use it.

use StatusRow::{Always, IfSet, Never, WithCredentials, WithGrant, WithPassword, WithSaml, WithToken};
use ValueKind::{Account, BaseUrl, Boolean, Duration, Path, Secret, Text, TimeLimit, Url};

/// A setting: its name in each place where it can be set, and the kind of its value.
#[derive(Debug)]
pub struct Setting {
    /// The name in messages and in `status`.
    pub name: &'static str,
    pub kind: ValueKind,
    pub status: StatusRow,
    pub flag: Option<Flag>,
    /// The environment variables; the first one that is set counts.
    pub variables: &'static [&'static str],
    /// The variable that names a file with the value.
    pub file_variable: Option<&'static str>,
    /// The key in the configuration file; a secret also has keys for a file, a command and a secret store.
    pub key: Option<&'static str>,
    /// The default value; for a path, the default as documented.
    pub default: Option<&'static str>,
    /// One line for help and docs; the part after a semicolon is only in the docs.
    pub help: &'static str,
}

/// An option of the command line.
#[derive(Debug)]
pub struct Flag {
    /// Such as `--timeout`.
    pub long: &'static str,
    pub short: Option<char>,
    pub value_name: &'static str,
    /// Whether `-h` shows it, too.
    pub is_in_short_help: bool,
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Text,
    /// Never shown; can come from a file, a command or a secret store.
    Secret,
    Boolean,
    Path,
    Url,
    /// A URL that paths are appended to.
    BaseUrl,
    Account,
    Duration,
    /// A duration that is not zero.
    TimeLimit,
}

/// When `status` lists a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusRow {
    Always,
    /// Only if it is set.
    IfSet,
    /// Only with a static token or a token command.
    WithToken,
    /// Only where a grant needs credentials; with a SAML assertion only where it is set.
    WithCredentials,
    /// Only with the password grant.
    WithPassword,
    /// Only where the grant is a SAML assertion.
    WithSaml,
    /// Only if a grant is set or needed.
    WithGrant,
    Never,
}

/// A row with the required fields; the others are empty.
const fn setting(name: &'static str, kind: ValueKind, status: StatusRow) -> Setting {
    let (variables, file_variable) = (&[] as &[_], None);
    Setting { name, kind, status, flag: None, variables, file_variable, key: None, default: None, help: "" }
}

pub static TOKEN: Setting = setting("token", Secret, WithToken).with_key("token").with_help(
    "permanent token, or the command of the grant \"command\"; \
     no variable sets it: `SPOTINST_TOKEN` is output, never input",
);

pub static USERNAME: Setting = setting("user name", Text, WithPassword)
    .with_variables(&["SPOTINST_USERNAME", "SPOTINST_EMAIL", "SPOTINST_USER"])
    .with_key("username")
    .with_help("user name of the password grant");

pub static PASSWORD: Setting = setting("password", Secret, WithPassword)
    .with_variables(&["SPOTINST_PASSWORD"])
    .with_file_variable("SPOTINST_PASSWORD_FILE")
    .with_key("password")
    .with_help("password of the password grant");

pub static CLIENT_ID: Setting = setting("client id", Text, WithCredentials)
    .with_variables(&["SPOTINST_CLIENT_ID"])
    .with_key("client_id")
    .with_help("client id of the API client");

pub static CLIENT_SECRET: Setting = setting("client secret", Secret, WithCredentials)
    .with_variables(&["SPOTINST_CLIENT_SECRET"])
    .with_file_variable("SPOTINST_CLIENT_SECRET_FILE")
    .with_key("client_secret")
    .with_help("client secret of the API client");

pub static GRANT: Setting = setting("grant", Text, WithGrant)
    .with_variables(&["SPOTINST_CRED_GRANT"])
    .with_key("grant")
    .with_default("password")
    .with_help(
        "grant that obtains a token: password, saml, client_credentials or command; \
         `saml` is for single sign-on, `client_credentials` for a broker of your own",
    );

pub static ORGANIZATION_ID: Setting = setting("organization id", Text, WithSaml)
    .with_variables(&["SPOTINST_ORGANIZATION_ID"])
    .with_key("organization_id")
    .with_help("organization that a SAML assertion is for");

pub static SAML_ASSERTION: Setting = setting("SAML assertion", Secret, WithSaml)
    .with_file_variable("SPOTINST_SAML_ASSERTION_FILE")
    .with_key("saml_assertion")
    .with_help("SAML response of the identity provider, as base64 or XML; it is sent once");

pub static SAML_URL: Setting = setting("SAML URL", Url, WithSaml)
    .with_variables(&["SPOTINST_SAML_URL"])
    .with_key("saml_url")
    .with_default("https://oauth.spotinst.io/samlToken")
    .with_help("URL that obtains a token for a SAML assertion");

pub static TOKEN_URL: Setting = setting("token URL", Url, WithCredentials)
    .with_variables(&["SPOTINST_TOKEN_URL"])
    .with_key("token_url")
    .with_default("https://oauth.spotinst.io/token")
    .with_help("URL that obtains a token");

pub static REFRESH_URL: Setting = setting("refresh URL", Url, WithCredentials)
    .with_variables(&["SPOTINST_REFRESH_URL"])
    .with_key("refresh_url")
    .with_default("https://api.spotinst.io/token")
    .with_help("URL of the refresh grant; the token URL, or the SAML URL, where only that is set");

pub static ACCOUNT: Setting = setting("account", Account, Always)
    .with_variables(&["SPOTINST_ACCOUNT", "SPOTINST_ACCOUNT_ID"])
    .with_key("account")
    .with_help("account that is printed with the token");

pub static API_URL: Setting = setting("API URL", BaseUrl, Always)
    .with_variables(&["SPOTINST_API_URL"])
    .with_key("api_url")
    .with_default("https://api.spotinst.io")
    .with_help("base URL of the API, for get and status --check");

pub static TIMEOUT: Setting = setting("time limit", TimeLimit, Always)
    .with_flag(Flag { long: "--timeout", short: None, value_name: "DURATION", is_in_short_help: false })
    .with_variables(&["SPOTINST_CRED_TIMEOUT"])
    .with_default("8s")
    .with_help("time limit of the whole exchange with the server");

pub static COMMAND_TIMEOUT: Setting = setting("command limit", TimeLimit, IfSet).with_key("command_timeout").with_help(
    "time limit of the commands that print secrets, for those that prompt for input; \
     without it they share the limit of the exchange",
);

pub static STORE_REFRESH_TOKEN: Setting = setting("store refresh token", Boolean, IfSet)
    .with_key("store_refresh_token")
    .with_help("false keeps the refresh token, which lives 14 days, off the disk");

pub static SECRET_STORE: Setting = setting("secret store", Text, IfSet).with_key("secret_store").with_help(
    "keychain for the refresh token and the secrets of `login`: osxkeychain, wincred, secretservice, pass; \
     the program `docker-credential-NAME`",
);

pub static CA_FILE: Setting = setting("CA file", Path, IfSet).with_key("ca_file").with_help(
    "PEM file of the only root certificates to trust; \
     else `SSL_CERT_FILE` and `SSL_CERT_DIR` name the roots",
);

pub static LOGIN: Setting = setting("login", Boolean, Never)
    .with_key("login")
    .with_help("true where the password is typed, or the SAML assertion given, at each login");

pub static MIN_TTL: Setting = setting("minimum lifetime", Duration, Never)
    .with_flag(Flag { long: "--min-ttl", short: None, value_name: "DURATION", is_in_short_help: true })
    .with_help("minimum lifetime left of the token: 30s, 15m, 1h");

pub static FORMAT: Setting = setting("format", Text, Never)
    .with_flag(Flag { long: "--format", short: Some('f'), value_name: "FORMAT", is_in_short_help: true })
    .with_variables(&["SPOTINST_CRED_FORMAT"])
    .with_default("token")
    .with_help("output format");

pub static PROFILE: Setting = setting("profile", Text, Never)
    .with_flag(Flag { long: "--profile", short: Some('p'), value_name: "NAME", is_in_short_help: true })
    .with_variables(&["SPOTINST_CRED_PROFILE"])
    .with_help("profile to use; else `default_profile` at the top of the file, else the profile named `default`");

pub static CONFIG: Setting = setting("configuration", Path, Never)
    .with_flag(Flag { long: "--config", short: None, value_name: "FILE", is_in_short_help: false })
    .with_variables(&["SPOTINST_CRED_CONFIG"])
    .with_default("~/.config/spotinst-cred/config.toml")
    .with_help("configuration file; profiles, one [profiles.NAME] each");

pub static CACHE_DIR: Setting = setting("cache", Path, Never)
    .with_flag(Flag { long: "--cache-dir", short: None, value_name: "DIR", is_in_short_help: false })
    .with_variables(&["SPOTINST_CRED_CACHE_DIR"])
    .with_default("~/.cache/spotinst-cred/")
    .with_help("directory of the cache; one file per identity, and its lock");

pub static SDK_FILE: Setting = setting("SDK file", Path, Never)
    .with_variables(&["SPOTINST_CREDENTIALS_FILE", "SPOTINST_SHARED_CREDENTIALS_FILE"])
    .with_default("~/.spotinst/credentials")
    .with_help("credentials file of the Spotinst SDKs; INI, YAML or JSON; read if nothing else is configured");

pub static SDK_PROFILE: Setting = setting("SDK profile", Text, Never)
    .with_variables(&["SPOTINST_CREDENTIALS_PROFILE", "SPOTINST_PROFILE"])
    .with_default("default")
    .with_help("section of the credentials file of the SDKs; without a configuration `--profile` names it, too");

/// All settings, in the order in which they are listed everywhere.
pub static SETTINGS: [&Setting; 26] = [
    &PROFILE,
    &TOKEN,
    &USERNAME,
    &PASSWORD,
    &CLIENT_ID,
    &CLIENT_SECRET,
    &GRANT,
    &ORGANIZATION_ID,
    &SAML_ASSERTION,
    &SAML_URL,
    &TOKEN_URL,
    &REFRESH_URL,
    &ACCOUNT,
    &API_URL,
    &MIN_TTL,
    &CONFIG,
    &CACHE_DIR,
    &TIMEOUT,
    &COMMAND_TIMEOUT,
    &STORE_REFRESH_TOKEN,
    &SECRET_STORE,
    &CA_FILE,
    &LOGIN,
    &FORMAT,
    &SDK_FILE,
    &SDK_PROFILE,
];

/// The settings of a password login. If none of them is set, the user has not logged in yet.
pub static PASSWORD_LOGIN: [&Setting; 4] = [&USERNAME, &PASSWORD, &CLIENT_ID, &CLIENT_SECRET];

/// The key at the top of the configuration file that names the profile to use.
pub const DEFAULT_PROFILE: &str = "default_profile";

/// The endings of the keys for a secret's file, for a command that prints it, and for the secret store that `login`
/// put it in.
pub const FILE_ENDING: &str = "_file";
pub const COMMAND_ENDING: &str = "_command";
pub const STORE_ENDING: &str = "_store";

impl Setting {
    const fn with_flag(self, flag: Flag) -> Self {
        Self { flag: Some(flag), ..self }
    }

    const fn with_variables(self, variables: &'static [&'static str]) -> Self {
        Self { variables, ..self }
    }

    const fn with_file_variable(self, name: &'static str) -> Self {
        Self { file_variable: Some(name), ..self }
    }

    const fn with_key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    const fn with_default(self, value: &'static str) -> Self {
        Self { default: Some(value), ..self }
    }

    const fn with_help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    pub fn is(&self, other: &Setting) -> bool {
        std::ptr::eq(self, other)
    }

    /// The option of the command line, which the setting must have.
    pub fn flag(&self) -> &'static str {
        self.flag.as_ref().map_or("", |flag| flag.long)
    }

    /// The first variable, which the setting must have.
    pub fn variable(&self) -> &'static str {
        self.variables.first().copied().unwrap_or_default()
    }

    /// The key, which the setting must have.
    pub fn key(&self) -> &'static str {
        self.key.unwrap_or_default()
    }

    pub fn file_key(&self) -> String {
        self.key().to_owned() + FILE_ENDING
    }

    pub fn command_key(&self) -> String {
        self.key().to_owned() + COMMAND_ENDING
    }

    pub fn store_key(&self) -> String {
        self.key().to_owned() + STORE_ENDING
    }

    pub fn keys(&self) -> Vec<String> {
        let Some(key) = self.key else { return Vec::new() };
        [""].iter().chain(self.endings()).map(|ending| key.to_owned() + ending).collect()
    }

    /// The endings of a secret's other keys. An assertion is good once, so no store has one.
    pub fn endings(&self) -> &'static [&'static str] {
        match self.kind {
            ValueKind::Secret if self.is(&SAML_ASSERTION) => &[FILE_ENDING, COMMAND_ENDING],
            ValueKind::Secret => &[FILE_ENDING, COMMAND_ENDING, STORE_ENDING],
            _ => &[],
        }
    }

    /// All variables; the one for a file is last.
    pub fn all_variables(&self) -> impl Iterator<Item = &'static str> {
        self.variables.iter().copied().chain(self.file_variable)
    }

    pub fn variable_or_key(&self) -> String {
        format!("{} or `{}`", self.variable(), self.key())
    }

    /// All variables, and the keys to write by hand. Only `login` puts a secret into a store.
    pub fn ways(&self) -> String {
        let variables: Vec<_> = self.all_variables().collect();
        let written = self.keys().into_iter().filter(|key| !key.ends_with(STORE_ENDING));
        let keys: Vec<_> = written.map(|key| format!("`{key}`")).collect();
        format!("{}: {} or {}", self.name, variables.join(", "), keys.join(", "))
    }

    /// The part of the help that `--help` shows.
    pub fn summary(&self) -> &'static str {
        self.help.split("; ").next().unwrap_or_default()
    }

    pub fn flag_or_variable(&self) -> String {
        format!("{} or {}", self.flag(), self.variable())
    }
}

/// The variables that hold secrets or name their files. They are removed from the environment of every program that
/// is run.
pub fn secret_variables() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter(|setting| setting.kind == ValueKind::Secret).flat_map(|setting| setting.all_variables())
}

/// The hint for a command that waits for a refresh of its own profile, or calls itself recursively.
pub fn another_profile_hint() -> String {
    format!("use another profile in the command: spotinst-cred {} NAME", PROFILE.flag())
}

#[cfg(test)]
mod tests;
