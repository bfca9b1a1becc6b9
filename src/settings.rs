//! The table of all settings. Each is one row; command line, resolution, hints, `status`, man page and
//! `contrib/docs/settings.md` are made of it.
//!
//! A new setting is a row here, its line in [`SETTINGS`], and its use.

/// What a setting is called in each place where it can be given, and what it takes.
#[derive(Debug)]
pub struct Setting {
    /// What messages and `status` call it.
    pub name: &'static str,
    pub flag: Option<Flag>,
    /// The environment variables; the first one that is set counts.
    pub variables: &'static [&'static str],
    /// The variable that names a file with the value.
    pub file_variable: Option<&'static str>,
    /// The key in the configuration file; a secret also has the keys that end with `_file` and `_command`.
    pub key: Option<&'static str>,
    /// The value where nothing else is given; of a path, how it is documented.
    pub default: Option<&'static str>,
    pub kind: ValueKind,
    pub status: StatusRow,
    /// One line, for help and documents.
    pub help: &'static str,
    /// What else the documents say.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test writes the documents"))]
    pub details: &'static str,
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
    /// It is never shown, and can come from a file or a command.
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

/// Where `status` shows a setting among the values that it lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusRow {
    Always,
    /// Only where it is set.
    IfSet,
    /// Only where a token is printed as it is, or comes from a command.
    WithToken,
    /// Only where a grant needs credentials.
    WithCredentials,
    /// Only where the grant is the user's password.
    WithPassword,
    /// Where a grant is named or needed.
    WithGrant,
    Never,
}

const NOTHING: Setting = Setting {
    name: "",
    flag: None,
    variables: &[],
    file_variable: None,
    key: None,
    default: None,
    kind: ValueKind::Text,
    status: StatusRow::Never,
    help: "",
    details: "",
};

pub static TOKEN: Setting = Setting {
    name: "token",
    key: Some("token"),
    kind: ValueKind::Secret,
    status: StatusRow::WithToken,
    help: "permanent token, or the command of the grant \"command\"",
    details: "no variable gives it: `SPOTINST_TOKEN` is output, never input",
    ..NOTHING
};

pub static USERNAME: Setting = Setting {
    name: "user name",
    variables: &["SPOTINST_USERNAME", "SPOTINST_EMAIL", "SPOTINST_USER"],
    key: Some("username"),
    status: StatusRow::WithPassword,
    help: "user name of the password grant",
    ..NOTHING
};

pub static PASSWORD: Setting = Setting {
    name: "password",
    variables: &["SPOTINST_PASSWORD"],
    file_variable: Some("SPOTINST_PASSWORD_FILE"),
    key: Some("password"),
    kind: ValueKind::Secret,
    status: StatusRow::WithPassword,
    help: "password of the password grant",
    ..NOTHING
};

pub static CLIENT_ID: Setting = Setting {
    name: "client id",
    variables: &["SPOTINST_CLIENT_ID"],
    key: Some("client_id"),
    status: StatusRow::WithCredentials,
    help: "client id of the API client",
    ..NOTHING
};

pub static CLIENT_SECRET: Setting = Setting {
    name: "client secret",
    variables: &["SPOTINST_CLIENT_SECRET"],
    file_variable: Some("SPOTINST_CLIENT_SECRET_FILE"),
    key: Some("client_secret"),
    kind: ValueKind::Secret,
    status: StatusRow::WithCredentials,
    help: "client secret of the API client",
    ..NOTHING
};

pub static GRANT: Setting = Setting {
    name: "grant",
    variables: &["SPOTINST_CRED_GRANT"],
    key: Some("grant"),
    default: Some("password"),
    status: StatusRow::WithGrant,
    help: "grant that obtains a token: password, client_credentials or command",
    details: "`client_credentials` is for a broker of your own",
    ..NOTHING
};

pub static TOKEN_URL: Setting = Setting {
    name: "token URL",
    variables: &["SPOTINST_TOKEN_URL"],
    key: Some("token_url"),
    default: Some("https://oauth.spotinst.io/token"),
    kind: ValueKind::Url,
    status: StatusRow::WithCredentials,
    help: "URL that obtains a token",
    ..NOTHING
};

pub static REFRESH_URL: Setting = Setting {
    name: "refresh URL",
    variables: &["SPOTINST_REFRESH_URL"],
    key: Some("refresh_url"),
    default: Some("https://api.spotinst.io/token"),
    kind: ValueKind::Url,
    status: StatusRow::WithCredentials,
    help: "URL of the refresh grant",
    details: "the token URL where only that is set",
    ..NOTHING
};

pub static ACCOUNT: Setting = Setting {
    name: "account",
    variables: &["SPOTINST_ACCOUNT", "SPOTINST_ACCOUNT_ID"],
    key: Some("account"),
    kind: ValueKind::Account,
    status: StatusRow::Always,
    help: "account that is handed out beside the token",
    ..NOTHING
};

pub static API_URL: Setting = Setting {
    name: "API URL",
    variables: &["SPOTINST_API_URL"],
    key: Some("api_url"),
    default: Some("https://api.spotinst.io"),
    kind: ValueKind::BaseUrl,
    status: StatusRow::Always,
    help: "base URL of the API, for get and status --check",
    ..NOTHING
};

pub static TIMEOUT: Setting = Setting {
    name: "time limit",
    flag: Some(Flag { long: "--timeout", short: None, value_name: "DURATION", is_in_short_help: false }),
    variables: &["SPOTINST_CRED_TIMEOUT"],
    default: Some("8s"),
    kind: ValueKind::TimeLimit,
    status: StatusRow::Always,
    help: "limit of the whole exchange",
    ..NOTHING
};

pub static COMMAND_TIMEOUT: Setting = Setting {
    name: "command limit",
    key: Some("command_timeout"),
    kind: ValueKind::TimeLimit,
    status: StatusRow::IfSet,
    help: "time limit of the commands that print secrets, where a person must act",
    details: "without it they share the limit of the exchange",
    ..NOTHING
};

pub static STORE_REFRESH_TOKEN: Setting = Setting {
    name: "store refresh token",
    key: Some("store_refresh_token"),
    kind: ValueKind::Boolean,
    status: StatusRow::IfSet,
    help: "false keeps the refresh token, which lives 14 days, off the disk",
    ..NOTHING
};

pub static CA_FILE: Setting = Setting {
    name: "CA file",
    key: Some("ca_file"),
    kind: ValueKind::Path,
    status: StatusRow::IfSet,
    help: "PEM file of the only root certificates to trust",
    details: "else `SSL_CERT_FILE` and `SSL_CERT_DIR` name the roots",
    ..NOTHING
};

pub static LOGIN: Setting = Setting {
    name: "login",
    key: Some("login"),
    kind: ValueKind::Boolean,
    help: "true where the password is typed at each login",
    ..NOTHING
};

pub static MIN_TTL: Setting = Setting {
    name: "least life",
    flag: Some(Flag { long: "--min-ttl", short: None, value_name: "DURATION", is_in_short_help: true }),
    kind: ValueKind::Duration,
    help: "the token must live at least this long: 30s, 15m, 1h",
    ..NOTHING
};

pub static FORMAT: Setting = Setting {
    name: "format",
    flag: Some(Flag { long: "--format", short: Some('f'), value_name: "FORMAT", is_in_short_help: true }),
    variables: &["SPOTINST_CRED_FORMAT"],
    default: Some("token"),
    help: "shape of the output",
    ..NOTHING
};

pub static PROFILE: Setting = Setting {
    name: "profile",
    flag: Some(Flag { long: "--profile", short: Some('p'), value_name: "NAME", is_in_short_help: true }),
    variables: &["SPOTINST_CRED_PROFILE"],
    help: "profile to use",
    details: "else `default_profile` at the top of the file, else the profile named `default`",
    ..NOTHING
};

pub static CONFIG: Setting = Setting {
    name: "configuration",
    flag: Some(Flag { long: "--config", short: None, value_name: "FILE", is_in_short_help: false }),
    variables: &["SPOTINST_CRED_CONFIG"],
    default: Some("~/.config/spotinst-cred/config.toml"),
    kind: ValueKind::Path,
    help: "configuration file",
    details: "profiles, one [profiles.NAME] each",
    ..NOTHING
};

pub static CACHE_DIR: Setting = Setting {
    name: "cache",
    flag: Some(Flag { long: "--cache-dir", short: None, value_name: "DIR", is_in_short_help: false }),
    variables: &["SPOTINST_CRED_CACHE_DIR"],
    default: Some("~/.cache/spotinst-cred/"),
    kind: ValueKind::Path,
    help: "directory of the cache",
    details: "one file per identity, and its lock",
    ..NOTHING
};

pub static SDK_FILE: Setting = Setting {
    name: "SDK file",
    variables: &["SPOTINST_CREDENTIALS_FILE"],
    default: Some("~/.spotinst/credentials"),
    kind: ValueKind::Path,
    help: "credentials file of the Spotinst SDKs",
    details: "read where nothing else is configured",
    ..NOTHING
};

pub static SDK_PROFILE: Setting = Setting {
    name: "SDK profile",
    variables: &["SPOTINST_CREDENTIALS_PROFILE"],
    default: Some("default"),
    help: "section of the credentials file of the SDKs",
    ..NOTHING
};

/// All settings, in the order in which they are listed everywhere.
pub static SETTINGS: [&Setting; 22] = [
    &PROFILE,
    &TOKEN,
    &USERNAME,
    &PASSWORD,
    &CLIENT_ID,
    &CLIENT_SECRET,
    &GRANT,
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
    &CA_FILE,
    &LOGIN,
    &FORMAT,
    &SDK_FILE,
    &SDK_PROFILE,
];

/// The key at the top of the configuration file that names the profile to use.
pub const DEFAULT_PROFILE: &str = "default_profile";

impl Setting {
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
        format!("{}_file", self.key())
    }

    pub fn command_key(&self) -> String {
        format!("{}_command", self.key())
    }

    /// All keys, for messages.
    pub fn keys(&self) -> Vec<String> {
        match (self.key, self.kind) {
            (None, _) => Vec::new(),
            (Some(key), ValueKind::Secret) => vec![key.to_owned(), self.file_key(), self.command_key()],
            (Some(key), _) => vec![key.to_owned()],
        }
    }

    /// All variables, that of a file last.
    pub fn all_variables(&self) -> impl Iterator<Item = &'static str> {
        self.variables.iter().copied().chain(self.file_variable)
    }

    /// Both ways to set it, for a hint.
    pub fn variable_or_key(&self) -> String {
        format!("{} or `{}`", self.variable(), self.key())
    }

    /// The option and its variable, for a hint.
    pub fn flag_or_variable(&self) -> String {
        format!("{} or {}", self.flag(), self.variable())
    }
}

/// The variables that hold secrets or name their files. No command or program that is run from here inherits them.
pub fn secret_variables() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter(|setting| setting.kind == ValueKind::Secret).flat_map(|setting| setting.all_variables())
}

/// The hint for a command that waits for its own profile's refresh, or starts processes without end.
pub fn another_profile_hint() -> String {
    format!("let the command name another profile: spotinst-cred {} NAME", PROFILE.flag())
}

#[cfg(test)]
mod tests;
