//! The bytes that each host wants. Each format is one function from an [`Answer`] to its document: JSON documents in
//! `json`, what a shell evaluates in `shell`, lines that a program reads in `lines`.

mod github;
pub mod json;
mod lines;
mod shell;

use std::time::Duration;

use clap::ValueEnum;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use crate::failure::Failure;
use crate::settings::env;
use crate::token::{AccessToken, span};

pub use github::EnvironmentFile;

/// RFC 3339 in whole seconds: Bazel parses no fraction.
const RFC3339: StaticFormatDescription = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// The shape of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The token alone, on one line
    Token,
    /// A JSON document: token, type, expiry, account
    Json,
    /// An HTTP header, for `curl -H @-`
    Header,
    /// Exports for sh, bash, dash, zsh and ksh, for `eval`
    Sh,
    /// Lines of an environment file: .env, docker, systemd
    Dotenv,
    /// Exports for fish, for `source`
    Fish,
    /// Assignments for PowerShell, for Invoke-Expression
    Powershell,
    /// For GitHub Actions: masks the token in the log and appends to GITHUB_ENV
    Github,
    /// The INI file of the Spotinst SDKs
    Ini,
    /// The YAML file of the Serverless Framework plugin
    Yaml,
    /// An ExecCredential for kubectl and other Kubernetes clients
    Kubernetes,
    /// An object of strings for the `external` data source of Terraform and OpenTofu
    Terraform,
}

/// What is told to the host.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The token.
    pub token: &'a AccessToken,
    /// The account that goes with it.
    pub account: Option<&'a str>,
    /// The present moment, for lifetimes.
    pub now: OffsetDateTime,
}

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|format| format.name() == name)
    }

    /// All names, for messages.
    pub fn names() -> String {
        Self::value_variants().iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
    }

    /// The name, as the command line has it.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether all readers of this format demand an account.
    pub fn needs_account(self) -> bool {
        matches!(self, Format::Ini | Format::Yaml)
    }

    /// What the document needs from its surroundings, read before a token is obtained: what cannot be answered should
    /// not cost a request.
    ///
    /// # Errors
    /// The host asks for a version of its protocol that is not spoken here, or a file that it names cannot be opened.
    pub fn prepare(self) -> Result<Renderer, Failure> {
        Ok(match self {
            Format::Kubernetes => Renderer::Kubernetes(json::api_version(env::text(env::KUBERNETES_EXEC_INFO)?)?),
            Format::Github => Renderer::Github(EnvironmentFile::open()?),
            Format::Token => Renderer::Plain(lines::token),
            Format::Json => Renderer::Plain(json::json),
            Format::Header => Renderer::Plain(lines::header),
            Format::Sh => Renderer::Plain(shell::sh),
            Format::Dotenv => Renderer::Plain(lines::dotenv),
            Format::Fish => Renderer::Plain(shell::fish),
            Format::Powershell => Renderer::Plain(shell::powershell),
            Format::Ini => Renderer::Plain(lines::ini),
            Format::Yaml => Renderer::Plain(lines::yaml),
            Format::Terraform => Renderer::Plain(json::terraform),
        })
    }
}

/// A format that is ready to be written.
#[derive(Debug)]
pub enum Renderer {
    /// It needs nothing but the answer.
    Plain(fn(&Answer<'_>) -> Vec<u8>),
    /// With the version of the protocol that the host speaks.
    Kubernetes(&'static str),
    /// With the file that takes what is not for stdout.
    Github(EnvironmentFile),
}

impl Renderer {
    /// The one document that goes to stdout, its final newline included.
    pub fn render(&self, answer: &Answer<'_>) -> Vec<u8> {
        match self {
            Renderer::Plain(format) => format(answer),
            Renderer::Kubernetes(api_version) => json::kubernetes(answer, api_version),
            Renderer::Github(_) => github::mask(answer),
        }
    }
}

impl Answer<'_> {
    /// The token's text.
    fn token(&self) -> &str {
        self.token.value.expose()
    }

    /// The expiry as hosts are told it.
    fn expiry(&self) -> Option<String> {
        self.token.told_expiry().and_then(|at| at.format(RFC3339).ok())
    }

    /// The time until the expiry that hosts are told, in whole seconds.
    fn expires_in(&self) -> Option<u64> {
        self.token.told_expiry().map(|at| span(self.now, at)).map(|left: Duration| left.as_secs())
    }

    /// The variables that Spotinst's clients read, each that there is a value for, as one line made by `line`.
    fn variables(&self, line: impl Fn(&str, &str) -> String) -> Vec<u8> {
        let account = self.account.map(|account| ("SPOTINST_ACCOUNT", account));
        let set = [Some(("SPOTINST_TOKEN", self.token())), account];
        set.into_iter().flatten().map(|(name, value)| line(name, value)).collect::<String>().into_bytes()
    }
}
