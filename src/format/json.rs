//! JSON documents, each on one line. A field without a value is left out, never `null`.

use serde::Serialize;
use serde_json::{Value, json};

use super::credential::Credential;
use crate::error::Error;
use crate::sourced::Sourced;
use crate::text::one_line;

/// The version of our own document. It changes only if a reader of this version could be misled.
pub const VERSION: u8 = 1;

/// Our own document: a superset of RFC 6749, section 5.1, and of Go's `oauth2.Token`. Its schema is
/// `contrib/json-schema/token.schema.json`.
pub fn token_document(credential: &Credential<'_>) -> Vec<u8> {
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
        access_token: credential.token(),
        token_type: "Bearer",
        expires_in: credential.expires_in(),
        expiry: credential.expiry(),
        account: credential.account,
    })
}

/// An `ExecCredential` of `client.authentication.k8s.io`.
pub fn kubernetes(credential: &Credential<'_>, api_version: &str) -> Vec<u8> {
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
        status: Status { token: credential.token(), expiration_timestamp: credential.expiry() },
    })
}

/// The result of a program of Terraform's `external` data source: every value is a string.
pub fn terraform(credential: &Credential<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct External<'a> {
        token: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expiry: Option<String>,
        /// The earlier name of `expiry`.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<String>,
    }
    let expiry = credential.expiry();
    document(&External {
        token: credential.token(),
        account: credential.account,
        expiry: expiry.clone(),
        expires_at: expiry,
    })
}

/// The response to a `get` of the credential-helper protocol of Bazel, Buck2 and restish.
pub fn request_headers(credential: &Credential<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Response {
        headers: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<String>,
    }
    let authorization = format!("Bearer {}", credential.token());
    document(&Response { headers: json!({ "Authorization": [authorization] }), expires: credential.expiry() })
}

fn document(value: &impl Serialize) -> Vec<u8> {
    // These types always serialize. If not, hosts reject the empty document.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The protocol version that the host requests in `KUBERNETES_EXEC_INFO`; the document must have the same.
pub fn api_version(info: Option<Sourced<String>>) -> Result<&'static str, Error> {
    const V1: &str = "client.authentication.k8s.io/v1";
    const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";
    let Some(Sourced { value, source: origin }) = info else {
        return Ok(V1);
    };
    let info: Value = serde_json::from_str(&value).map_err(|_| {
        Error::config(format!("{origin} is not valid JSON")).hint("kubectl sets it; unset it to test by hand")
    })?;
    let text = |key| info.get(key).and_then(Value::as_str).unwrap_or("");
    match (text("kind"), text("apiVersion")) {
        ("ExecCredential", V1) => Ok(V1),
        ("ExecCredential", V1BETA1) => Ok(V1BETA1),
        (kind, version) => {
            let asked = one_line(&format!("kind \"{kind}\", apiVersion \"{version}\""));
            Err(Error::config(format!("{origin} asks for an unsupported response: {asked}"))
                .hint(format!("set apiVersion in the kubeconfig's `exec` to {V1}")))
        }
    }
}

#[cfg(test)]
mod tests;
