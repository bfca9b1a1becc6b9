//! The bytes that each host wants. Each format is one function from an [`Answer`] to its document.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use crate::failure::{Failure, one_line};
use crate::settings::env;
use crate::settings::origin::Given;
use crate::token::{AccessToken, span};

/// RFC 3339 in whole seconds: Bazel parses no fraction.
const RFC3339: StaticFormatDescription = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// The shape of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The token alone, on one line
    Token,
    /// A JSON document: token, type, expiry, account
    Json,
    /// An ExecCredential for kubectl and other Kubernetes clients
    Kubernetes,
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

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What the document needs from its surroundings, read before a token is obtained: what cannot be answered should
    /// not cost a request.
    ///
    /// # Errors
    /// The host asks for a version of its protocol that is not spoken here.
    pub fn prepare(self) -> Result<Renderer, Failure> {
        Ok(match self {
            Format::Token => Renderer::Token,
            Format::Json => Renderer::Json,
            Format::Kubernetes => Renderer::Kubernetes(api_version(env::text(env::KUBERNETES_EXEC_INFO)?)?),
        })
    }
}

/// A format that is ready to be written.
#[derive(Debug)]
pub enum Renderer {
    Token,
    Json,
    /// With the version of the protocol that the host speaks.
    Kubernetes(&'static str),
}

impl Renderer {
    /// The one document that goes to stdout, its final newline included.
    pub fn render(&self, answer: &Answer<'_>) -> Vec<u8> {
        match self {
            Renderer::Token => token(answer),
            Renderer::Json => json(answer),
            Renderer::Kubernetes(api_version) => kubernetes(answer, api_version),
        }
    }
}

impl Answer<'_> {
    /// The expiry as hosts are told it.
    fn expiry(&self) -> Option<String> {
        self.token.told_expiry().and_then(|at| at.format(RFC3339).ok())
    }

    /// The time until the expiry that hosts are told, in whole seconds.
    fn expires_in(&self) -> Option<u64> {
        self.token.told_expiry().map(|at| span(self.now, at)).map(|left: Duration| left.as_secs())
    }
}

/// The token, raw.
fn token(answer: &Answer<'_>) -> Vec<u8> {
    format!("{}\n", answer.token.value.expose()).into_bytes()
}

/// Our own document: a superset of RFC 6749, section 5.1, and of Go's `oauth2.Token`.
fn json(answer: &Answer<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u8,
        access_token: &'a str,
        token_type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_in: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expiry: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<&'a str>,
    }
    document(&Document {
        version: 1,
        access_token: answer.token.value.expose(),
        token_type: "Bearer",
        expires_in: answer.expires_in(),
        expiry: answer.expiry(),
        account: answer.account,
    })
}

/// An `ExecCredential` of `client.authentication.k8s.io`.
fn kubernetes(answer: &Answer<'_>, api_version: &str) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct ExecCredential<'a> {
        api_version: &'a str,
        kind: &'static str,
        status: Status<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Status<'a> {
        token: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        expiration_timestamp: Option<String>,
    }
    document(&ExecCredential {
        api_version,
        kind: "ExecCredential",
        status: Status { token: answer.token.value.expose(), expiration_timestamp: answer.expiry() },
    })
}

/// A JSON document on one line.
fn document(value: &impl Serialize) -> Vec<u8> {
    // These types have no way to fail; what cannot be written is not written.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The version of the protocol that the host speaks, by `KUBERNETES_EXEC_INFO`; the answer must carry the same.
fn api_version(info: Option<Given<String>>) -> Result<&'static str, Failure> {
    const V1: &str = "client.authentication.k8s.io/v1";
    const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";
    let Some(Given { value, origin }) = info else {
        return Ok(V1);
    };
    let info: serde_json::Value = serde_json::from_str(&value).map_err(|_| {
        Failure::settings(format!("{origin} is not valid JSON")).hint("kubectl sets it; unset it to test by hand")
    })?;
    let text = |key| info.get(key).and_then(|value| value.as_str()).unwrap_or("");
    match (text("kind"), text("apiVersion")) {
        ("ExecCredential", V1) => Ok(V1),
        ("ExecCredential", V1BETA1) => Ok(V1BETA1),
        (kind, version) => {
            let asked = one_line(&format!("kind \"{kind}\", apiVersion \"{version}\""));
            Err(Failure::settings(format!("{origin} asks for an answer that is not known here: {asked}"))
                .hint(format!("set apiVersion in the kubeconfig's `exec` to {V1}")))
        }
    }
}

#[cfg(test)]
mod tests;
