//! Parses a token endpoint's response: Spotinst's envelope in all its known forms, and plain RFC 6749. Ignores unknown
//! fields, and never panics.

use std::time::Duration;

use serde_json::Value;

use crate::sys::secret::Secret;
use crate::token::{MAX_LIFETIME, is_bearer_token};

/// The fields of a body that are present.
#[derive(Debug, Default)]
pub struct TokenResponse {
    pub access_token: Option<Secret>,
    /// The access token's lifetime from the start of the request.
    pub expires_in: Option<Duration>,
    pub token_type: Option<String>,
    pub refresh_token: Option<Secret>,
    /// The refresh token's lifetime from the start of the request.
    pub refresh_expires_in: Option<Duration>,
    /// Whether there was an access token that cannot be sent in a header.
    pub is_token_malformed: bool,
    pub error: Option<ServerError>,
    /// The message of the envelope's status, which is the only message of some failures.
    pub status_message: Option<String>,
    /// The id that the service's support needs to find the request.
    pub request_id: Option<String>,
    /// Whether the body is JSON.
    pub is_json: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// Such as `invalid_grant` (RFC 6749, section 5.2), `ValidationError` or `NOAUTH`.
    pub code: Option<String>,
    pub message: Option<String>,
    /// The field that the error is about.
    pub field: Option<String>,
}

impl TokenResponse {
    pub fn parse(body: &[u8]) -> Self {
        let Ok(mut root) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let mut response = Self {
            is_json: true,
            request_id: text(&root, "/request/id"),
            error: error(&root),
            // {"response":{"status":{"code":429,"message":"Too Many Requests"},"data":"Rate limit exceeded"}}
            status_message: text(&root, "/response/data").or_else(|| text(&root, "/response/status/message")),
            ..Self::default()
        };
        // The root object is RFC 6749, section 5.1. Spotinst's items are parsed in the same way.
        response.merge(&mut root);
        if let Some(Value::Array(items)) = root.pointer_mut("/response/items") {
            for item in items {
                response.merge(item);
            }
        }
        response
    }

    /// Adds the fields of one object. The real service returns the refresh token in a separate item, where `expiresIn`
    /// is the refresh token's lifetime.
    fn merge(&mut self, item: &mut Value) {
        let lifetime = seconds(item, &["expiresIn", "expires_in"]);
        let access = take(item, &["accessToken", "access_token"]);
        self.is_token_malformed |= access.as_ref().is_some_and(|token| !is_bearer_token(token.expose()));
        let access = access.filter(|token| is_bearer_token(token.expose()));
        let refresh = take(item, &["refreshToken", "refresh_token"]);
        if let Some(token) = refresh {
            let own = seconds(item, &["refreshExpiresIn", "refresh_expires_in", "refresh_token_expires_in"]);
            self.refresh_expires_in = own.or(if access.is_none() { lifetime } else { None });
            self.refresh_token = Some(token);
        }
        if let Some(token) = access {
            self.expires_in = lifetime.or_else(|| self.expires_in.take());
            self.token_type = text(item, "/tokenType").or_else(|| text(item, "/token_type"));
            self.access_token = Some(token);
        }
    }
}

/// The error in the body, in any known form.
fn error(root: &Value) -> Option<ServerError> {
    // {"response":{"errors":[{"code":…,"message":…,"field":…}]}}: only `message` is certain.
    if let Some(first) = root.pointer("/response/errors/0") {
        return Some(ServerError {
            code: text(first, "/code"),
            message: text(first, "/message"),
            field: text(first, "/field"),
        });
    }
    // {"response":{"error":"invalid auth","error_id":"NOAUTH"}}
    if let Some(message) = text(root, "/response/error") {
        return Some(ServerError { code: text(root, "/response/error_id"), message: Some(message), field: None });
    }
    // {"error":"invalid_grant","error_description":"…"}: RFC 6749, section 5.2.
    text(root, "/error").map(|code| ServerError {
        code: Some(code),
        message: text(root, "/error_description"),
        field: None,
    })
}

/// The string at a JSON pointer. An empty string counts as missing, because some brokers send an empty `error` together
/// with a token.
fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Moves a secret string out of an object, so that no copy remains.
fn take(item: &mut Value, names: &[&str]) -> Option<Secret> {
    names.iter().find_map(|name| match item.get_mut(name).map(Value::take) {
        Some(Value::String(text)) if !text.is_empty() => Some(Secret::from(text)),
        _ => None,
    })
}

/// A number of seconds. Some brokers send numbers as strings.
fn seconds(item: &Value, names: &[&str]) -> Option<Duration> {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    let value = names.iter().find_map(|name| item.get(name)).and_then(number).filter(|value| value.is_finite())?;
    Some(Duration::from_secs(value.clamp(0.0, MAX_LIFETIME.as_secs_f64()) as u64))
}

#[cfg(test)]
mod tests;
