//! What a server says about a failure, for a person.

use super::response::{ServerError, TokenResponse};
use crate::http::client::Response;

/// Status, code, message and request id. It may hold line breaks, and secrets that the server repeats.
pub fn error_message(response: &Response, body: &TokenResponse) -> String {
    let mut text = format!("HTTP {}", response.status);
    match (&body.error, &body.status_message) {
        (Some(error), _) => text.push_str(&server_error(error)),
        (None, Some(message)) => text.push_str(&format!(", {message}")),
        (None, None) if body.is_json => {}
        (None, None) => text.push_str(&snippet(response)),
    }
    if let Some(id) = body.request_id.as_ref().or(response.request_id.as_ref()) {
        text.push_str(&format!(" (request id {id})"));
    }
    text
}

/// Whether the body is HTML or XML: a proxy's, a gateway's, a login page's, never the service's.
pub fn is_markup(response: &Response) -> bool {
    let first = |body: &[u8]| body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    response.body.as_ref().is_ok_and(|body| first(body) == Some(b'<'))
}

/// The error as it follows the status.
fn server_error(error: &ServerError) -> String {
    let field = error.field.as_ref().map(|field| format!("field {field}"));
    let parts = [&error.code, &error.message, &field];
    parts.into_iter().flatten().map(|part| format!(", {part}")).collect()
}

/// A body that is plain text; of HTML and of invalid text only the fact.
fn snippet(response: &Response) -> String {
    let Ok(body) = &response.body else { return String::new() };
    match str::from_utf8(body) {
        Ok("") => ", no body".to_owned(),
        _ if is_markup(response) => ", an HTML page".to_owned(),
        // A body that came with success may hold a token in a form that is not understood.
        _ if response.status < 300 => String::new(),
        Ok(text) => format!(", {text}"),
        Err(_) => ", no text".to_owned(),
    }
}
