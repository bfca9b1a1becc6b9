//! Reads an answer of a token endpoint: Spotinst's envelope in all its known shapes, and plain RFC 6749.
//! Pure: bytes in, values out. Whatever is not needed is not looked at, and nothing here panics on any input.

use serde_json::Value;

use crate::sys::secret::Secret;
use crate::token::{MAX_LIFETIME, is_bearer_token};

/// What a body says, each part if it is there.
#[derive(Debug, Default)]
pub struct Answer {
    /// The access token.
    pub access_token: Option<Secret>,
    /// `expires_in` of the access token: seconds from the start of the request.
    pub expires_in: Option<u64>,
    /// The type of the access token, where told.
    pub token_type: Option<String>,
    /// The refresh token.
    pub refresh_token: Option<Secret>,
    /// Lifetime of the refresh token, in seconds from the start of the request.
    pub refresh_expires_in: Option<u64>,
    /// Whether there was an access token that no header could carry.
    pub malformed_token: bool,
    /// What the server says went wrong.
    pub error: Option<ServerError>,
    /// The envelope's own word on its status: all that some failures say.
    pub status_message: Option<String>,
    /// The id that the service's support can find the request by.
    pub request_id: Option<String>,
    /// Whether the body was JSON at all.
    pub is_json: bool,
}

/// An error as the server tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// Such as `invalid_grant` (RFC 6749, section 5.2), `ValidationError` or `NOAUTH`.
    pub code: Option<String>,
    /// Text for a person.
    pub message: Option<String>,
    /// The field that the server names.
    pub field: Option<String>,
}

impl Answer {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Self {
        let Ok(mut root) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let mut answer = Self {
            is_json: true,
            request_id: text(&root, "/request/id"),
            error: error(&root),
            // {"response":{"status":{"code":429,"message":"Too Many Requests"},"data":"Rate limit exceeded"}}
            status_message: text(&root, "/response/data").or_else(|| text(&root, "/response/status/message")),
            ..Self::default()
        };
        // RFC 6749, section 5.1, or one of Spotinst's items: both are looked for in the same way.
        answer.merge(&mut root);
        if let Some(Value::Array(items)) = root.pointer_mut("/response/items") {
            for item in items {
                answer.merge(item);
            }
        }
        answer
    }

    /// Takes over what one object holds. The real service puts the refresh token into an item of its own, whose
    /// `expiresIn` is then the refresh token's.
    fn merge(&mut self, item: &mut Value) {
        let life = seconds(item, &["expiresIn", "expires_in"]);
        let access = take(item, &["accessToken", "access_token"]);
        self.malformed_token |= access.as_ref().is_some_and(|token| !is_bearer_token(token.expose()));
        let access = access.filter(|token| is_bearer_token(token.expose()));
        let refresh = take(item, &["refreshToken", "refresh_token"]);
        if let Some(token) = refresh {
            let own = seconds(item, &["refreshExpiresIn", "refresh_expires_in", "refresh_token_expires_in"]);
            self.refresh_expires_in = own.or(if access.is_none() { life } else { None });
            self.refresh_token = Some(token);
        }
        if let Some(token) = access {
            self.expires_in = life.or_else(|| self.expires_in.take());
            self.token_type = text(item, "/tokenType").or_else(|| text(item, "/token_type"));
            self.access_token = Some(token);
        }
    }
}

/// What the body says went wrong, in any of the known shapes.
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

/// The string at a JSON pointer.
fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

/// Moves a secret string out of an object, so that no copy stays behind.
fn take(item: &mut Value, names: &[&str]) -> Option<Secret> {
    names.iter().find_map(|name| match item.get_mut(name).map(Value::take) {
        Some(Value::String(text)) if !text.is_empty() => Some(Secret::from(text)),
        _ => None,
    })
}

/// A number of seconds. Some brokers write numbers as strings.
fn seconds(item: &Value, names: &[&str]) -> Option<u64> {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    let value = names.iter().find_map(|name| item.get(name)).and_then(number)?;
    // Not a number compares false and is none; less than nothing is nothing.
    (value.is_finite()).then(|| value.clamp(0.0, MAX_LIFETIME.as_secs_f64()) as u64)
}

#[cfg(test)]
mod tests;
