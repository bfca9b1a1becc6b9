//! The servers that `get` returns the token for. The URI can come from anyone's build file, so an ambiguous one is
//! refused even if RFC 3986 allows it: the program that sends the token may parse it differently.

use crate::error::{Error, Result};
use crate::settings;
use crate::url::{Endpoint, Origin};

/// Spotinst's domain. It and its subdomains may get the token.
const DOMAIN: &str = "spotinst.io";

/// Fails unless the URI's server may get the token: Spotinst's own over TLS, or the server of `api`. The error does
/// not repeat a malformed URI, which may hold a password.
pub fn check(uri: &str, api: &Endpoint) -> Result<()> {
    let origin = parse(uri).map_err(|problem| refused(format!("the URI {problem}")))?;
    let is_below = origin.host.strip_suffix(DOMAIN).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    // A Punycode label can decode to any character, even a dot, and programs differ in what they accept.
    let is_encoded = origin.host.split('.').any(|label| label.starts_with("xn--"));
    if (origin.is_tls && is_below && !is_encoded) || origin == *api.origin() {
        return Ok(());
    }
    Err(refused(format!("{origin} gets no token: it is not a Spotinst server")))
}

/// The origin of a URI, if all programs parse it the same way.
fn parse(uri: &str) -> std::result::Result<Origin, &'static str> {
    if !uri.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("holds a space, a control character or a non-ASCII character");
    }
    if uri.contains(['\\', '#']) {
        return Err("holds a backslash or a fragment");
    }
    let origin = Origin::parse(uri)?;
    if !origin.is_ip_v6() && !is_hostname(&origin.host) {
        return Err("has an invalid host");
    }
    Ok(origin)
}

fn refused(problem: String) -> Error {
    Error::other(problem).hint(format!(
        "tokens go to https://{DOMAIN}, to what is below it, and to the server of {}",
        settings::API_URL.variable_or_key()
    ))
}

/// Labels of RFC 1123, without percent encoding or a trailing dot.
fn is_hostname(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
