//! What a server said about a failure, made fit to be shown.

use super::response::{Answer, ServerError};
use crate::http::client::Response;

/// Status, code, message and request id. It may hold line breaks, and secrets that the server repeats.
pub fn error_message(response: &Response, answer: &Answer) -> String {
    let mut said = format!("HTTP {}", response.status);
    match (&answer.error, &answer.status_message) {
        (Some(error), _) => said.push_str(&told(error)),
        (None, Some(message)) => said.push_str(&format!(", {message}")),
        (None, None) if answer.is_json => {}
        (None, None) => said.push_str(&snippet(response)),
    }
    if let Some(id) = answer.request_id.as_ref().or(response.request_id.as_ref()) {
        said.push_str(&format!(" (request id {id})"));
    }
    said
}

/// Whether the body is HTML or XML: a proxy's, a gateway's, a login page's, never the service's.
pub fn is_markup(response: &Response) -> bool {
    let first = |body: &[u8]| body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    response.body.as_ref().is_ok_and(|body| first(body) == Some(b'<'))
}

/// An error of the server as it goes on after the status.
fn told(error: &ServerError) -> String {
    let field = error.field.as_ref().map(|field| format!("field {field}"));
    let parts = [&error.code, &error.message, &field];
    parts.into_iter().flatten().map(|part| format!(", {part}")).collect()
}

/// A body that is plain text; of HTML and of bytes that are none only the fact.
fn snippet(response: &Response) -> String {
    let Ok(body) = &response.body else { return String::new() };
    match std::str::from_utf8(body) {
        Ok("") => ", no body".to_owned(),
        _ if is_markup(response) => ", an HTML page".to_owned(),
        // A body that came with success may hold a token in a form that is not understood: it is not shown.
        _ if response.status < 300 => String::new(),
        Ok(text) => format!(", {text}"),
        Err(_) => ", no text".to_owned(),
    }
}
