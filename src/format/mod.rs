//! The output formats. Each is one function from a [`Credential`] to its document: JSON documents in `json`, what a
//! shell evaluates in `shell`, lines that a program reads in `lines`.

mod credential;
pub mod earlier_output;
mod github;
pub mod json;
mod lines;
mod shell;

use clap::ValueEnum;

use crate::error::Result;
use crate::sys::env;

pub use credential::Credential;
pub use github::EnvironmentFile;

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

impl Format {
    pub fn named(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|format| format.name() == name)
    }

    pub fn names() -> String {
        Self::value_variants().iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
    }

    /// The name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether this is a form of the SDKs' credentials file. All its readers require an account.
    pub fn is_sdk_file(self) -> bool {
        matches!(self, Format::Ini | Format::Yaml)
    }

    /// Reads what the document needs from the environment. Called before a token is obtained, so that a call that
    /// cannot succeed sends no request.
    pub fn prepare(self) -> Result<Renderer> {
        Ok(match self {
            Format::Kubernetes => Renderer::Kubernetes(json::api_version(env::text(&[env::KUBERNETES_EXEC_INFO])?)?),
            Format::Github => Renderer::Github(EnvironmentFile::open()?),
            Format::Token => Renderer::Plain(lines::token),
            Format::Json => Renderer::Plain(json::token_document),
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
    Plain(fn(&Credential<'_>) -> Vec<u8>),
    /// With the version of the protocol that the host asks for.
    Kubernetes(&'static str),
    /// With the file that the variables go to.
    Github(EnvironmentFile),
}

impl Renderer {
    /// The one document that goes to stdout, its final newline included.
    pub fn render(&self, credential: &Credential<'_>) -> Vec<u8> {
        match self {
            Renderer::Plain(format) => format(credential),
            Renderer::Kubernetes(api_version) => json::kubernetes(credential, api_version),
            Renderer::Github(_) => github::mask(credential),
        }
    }
}
