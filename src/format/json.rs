//! Formats that are JSON documents, each on one line. What there is no value for is left out: never `null`.

use serde::Serialize;

use super::Answer;
use crate::failure::{Failure, one_line};
use crate::settings::origin::Given;

/// The version of our own document. It changes only if a reader of this version could be misled.
pub const VERSION: u8 = 1;

/// Our own document: a superset of RFC 6749, section 5.1, and of Go's `oauth2.Token`. Its schema is
/// `contrib/json-schema/token.schema.json`.
pub fn json(answer: &Answer<'_>) -> Vec<u8> {
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
        version: VERSION,
        access_token: answer.token(),
        token_type: "Bearer",
        expires_in: answer.expires_in(),
        expiry: answer.expiry(),
        account: answer.account,
    })
}

/// An `ExecCredential` of `client.authentication.k8s.io`.
pub fn kubernetes(answer: &Answer<'_>, api_version: &str) -> Vec<u8> {
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
        status: Status { token: answer.token(), expiration_timestamp: answer.expiry() },
    })
}

/// The result of a program of Terraform's `external` data source: every value is a string.
pub fn terraform(answer: &Answer<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct External<'a> {
        token: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<String>,
    }
    document(&External { token: answer.token(), account: answer.account, expires_at: answer.expiry() })
}

/// The answer to a `get` of the credential-helper protocol of Bazel, Buck2 and restish.
pub fn request_headers(answer: &Answer<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Response {
        headers: Headers,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<String>,
    }
    #[derive(Serialize)]
    struct Headers {
        #[serde(rename = "Authorization")]
        authorization: [String; 1],
    }
    let authorization = [format!("Bearer {}", answer.token())];
    document(&Response { headers: Headers { authorization }, expires: answer.expiry() })
}

/// A JSON document on one line.
fn document(value: &impl Serialize) -> Vec<u8> {
    // These types have no way to fail; what cannot be written is not written.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The version of the protocol that the host speaks, by `KUBERNETES_EXEC_INFO`; the answer must carry the same.
pub fn api_version(info: Option<Given<String>>) -> Result<&'static str, Failure> {
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
