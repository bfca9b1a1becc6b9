//! Every documented error of the token endpoint, of the API, and of a gateway or portal in front of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::reply::Reply;
use crate::token_reply::{Style, Tokens, envelope};

/// The value of `X-RateLimit-Limit`. The real one is not published.
const RATE_LIMIT: u32 = 60;

impl Reply {
    /// The envelope with a status and without `errors`, as the API sends it with a 401.
    pub fn failed(status: u16) -> Self {
        Self::json(status, &envelope(status, json!({})))
    }

    /// 400 with one entry in `errors` and no `field`.
    pub fn validation_error(message: &str) -> Self {
        Self::errors(400, &json!({"code": "ValidationError", "message": message}))
    }

    /// 400 with one entry in `errors` that names the invalid field.
    pub fn validation_error_in(field: &str, message: &str) -> Self {
        let error = json!({"code": "ValidationError", "message": message, "field": field});
        Self::errors(400, &error)
    }

    /// 401 in the API's envelope.
    pub fn unauthorized() -> Self {
        Self::failed(401)
    }

    /// 200, but with `response.errors`, so it is a failure.
    pub fn ok_with_errors() -> Self {
        let message = "the credentials are not valid";
        Self::errors(200, &json!({"code": "InvalidCredentials", "message": message}))
    }

    /// 200 with a refresh token, but no access token.
    pub fn without_access_token() -> Self {
        let item = json!({"refreshToken": "eyJ.refresh.only", "tokenType": "bearer", "expiresIn": 1_209_600});
        let response = json!({"kind": "spotinst:oauth2:token", "items": [item], "count": 1});
        Self::json(200, &envelope(200, response))
    }

    /// 200 with an empty list of items.
    pub fn without_items() -> Self {
        let response = json!({"kind": "spotinst:oauth2:token", "items": [], "count": 0});
        Self::json(200, &envelope(200, response))
    }

    /// 429 that does not say when to retry.
    pub fn rate_limited() -> Self {
        let response = json!({"data": "Rate limit exceeded"});
        Self::json(429, &envelope(429, response))
    }

    /// 429 with the API's three headers; the limit ends after `reset`, in whole seconds.
    pub fn rate_limited_until_reset(reset: Duration) -> Self {
        Self::rate_limited()
            .with_header("X-RateLimit-Limit", RATE_LIMIT)
            .with_header("X-RateLimit-Remaining", 0)
            .with_header("X-RateLimit-Reset", reset.as_secs())
    }

    /// 429 with `Retry-After` only (RFC 9110, section 10.2.3), in whole seconds, as gateways send it.
    pub fn rate_limited_retry_after(wait: Duration) -> Self {
        Self::rate_limited().with_header("Retry-After", wait.as_secs())
    }

    /// The short error body in the tests of a published client, with any status.
    pub fn no_auth(status: u16) -> Self {
        let response = json!({"error": "invalid auth", "error_id": "NOAUTH"});
        Self::json(status, &json!({"response": response}))
    }

    /// An error of RFC 6749 (section 5.2), such as 400 `invalid_grant` or 401 `invalid_client`.
    pub fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        let document = json!({"error": error, "error_description": description});
        Self::json(status, &document)
    }

    /// 400 with the plain text `Bad Request`.
    pub fn bad_request() -> Self {
        Self::new(400, "Bad Request").with_header("Content-Type", "text/plain")
    }

    /// 502 with a gateway's HTML page.
    pub fn gateway_page() -> Self {
        Self::page(502, "502 Bad Gateway", "The server is temporarily unable.")
    }

    /// 200 with the page of a captive portal, which replies instead of any `http` server.
    pub fn captive_portal() -> Self {
        Self::page(200, "Welcome to our Wi-Fi", "Please accept our terms.")
    }

    /// Any status without a body.
    pub fn empty(status: u16) -> Self {
        Self::new(status, "")
    }

    /// A redirect (301, 302, 307, 308) to `url`. The last two ask the client to send its secrets again.
    pub fn redirect(status: u16, url: &str) -> Self {
        Self::empty(status).with_header("Location", url)
    }

    /// A valid reply with `access` after so many MiB of spaces. A client should stop reading before it.
    pub fn huge(mebibytes: usize, access: &str) -> Self {
        let padding = " ".repeat(mebibytes << 20);
        Self::access_only(access).with_body(|body| [padding.into_bytes(), body].concat())
    }

    /// 200 with `depth` nested JSON arrays instead of the items.
    pub fn nested(depth: usize) -> Self {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"response":{{"items":{open}{close}}}}}"#);
        Self::new(200, body).with_header("Content-Type", "application/json")
    }

    /// A valid reply except for a byte in the token that is not UTF-8.
    pub fn invalid_utf8() -> Self {
        Self::with_byte_in_token(0xFF)
    }

    /// A valid reply except for a raw NUL in the token.
    pub fn nul_byte() -> Self {
        Self::with_byte_in_token(0)
    }

    fn errors(status: u16, error: &Value) -> Self {
        let response = json!({"errors": [error]});
        Self::json(status, &envelope(status, response))
    }

    fn page(status: u16, title: &str, text: &str) -> Self {
        let body = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body><h1>{title}</h1><p>{text}</p></body></html>\n"
        );
        Self::new(status, body).with_header("Content-Type", "text/html")
    }

    /// A reply with the token `eyJ*rest`, in which `byte` replaces the asterisk.
    fn with_byte_in_token(byte: u8) -> Self {
        let replace = |each: u8| if each == b'*' { byte } else { each };
        let reply = Style::OneItem.reply(&Tokens::access("eyJ*rest"));
        reply.with_body(|body| body.into_iter().map(replace).collect())
    }
}
