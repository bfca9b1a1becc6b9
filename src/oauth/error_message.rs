//! Formats a server's error response for the user.

use super::response::{ServerError, TokenResponse};
use crate::http::client::Response;

/// Status, code, message and request id. The text may contain line breaks, and secrets that the server repeats.
pub fn error_message(response: &Response, body: &TokenResponse) -> String {
    let mut text = status(response);
    match (&body.error, &body.status_message) {
        (Some(error), _) => text.push_str(&server_error(error)),
        (None, Some(message)) => text.push_str(&format!(", {message}")),
        (None, None) if body.is_json => {}
        (None, None) => text.push_str(&snippet(response)),
    }
    text + &request_id(response, body)
}

/// Status, code and request id, for a message that repeats a secret.
pub fn brief(response: &Response, body: &TokenResponse) -> String {
    let code = body.error.as_ref().and_then(|error| error.code.as_ref());
    let code = code.map(|code| format!(", {code}")).unwrap_or_default();
    format!("{}{code}{}", status(response), request_id(response, body))
}

pub fn status(response: &Response) -> String {
    format!("HTTP {}", response.status)
}

fn request_id(response: &Response, body: &TokenResponse) -> String {
    let id = body.request_id.as_ref().or(response.request_id.as_ref());
    id.map(|id| format!(" (request id {id})")).unwrap_or_default()
}

/// Whether the body is HTML or XML, which the service never sends: it comes from a proxy, a gateway or a login page.
pub fn is_markup(response: &Response) -> bool {
    let first = |body: &[u8]| body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    response.body.as_ref().is_ok_and(|body| first(body) == Some(b'<'))
}

/// Formats the error to be appended to the status.
fn server_error(error: &ServerError) -> String {
    let field = error.field.as_ref().map(|field| format!("field {field}"));
    let parts = [&error.code, &error.message, &field];
    parts.into_iter().flatten().map(|part| format!(", {part}")).collect()
}

/// A plain text body. For HTML and invalid text, only says that it is that.
fn snippet(response: &Response) -> String {
    let Ok(body) = &response.body else { return String::new() };
    match str::from_utf8(body) {
        Ok("") => ", no body".to_owned(),
        _ if is_markup(response) => ", an HTML page".to_owned(),
        // A success response may contain a token in an unknown format.
        _ if response.status < 300 => String::new(),
        Ok(text) => format!(", {text}"),
        Err(_) => ", not text".to_owned(),
    }
}
