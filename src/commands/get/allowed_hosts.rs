//! The servers that `get` hands the token to. Any URI in somebody's build file can reach this, so whatever is doubtful
//! is refused, even where RFC 3986 gives it a meaning: the program that sends the token may read it differently.

use crate::error::{Error, Result};
use crate::settings;
use crate::url::{Endpoint, Origin};

/// Spotinst's domain. It and everything below it may get the token.
const DOMAIN: &str = "spotinst.io";

/// Fails unless the URI's server may get the token: over TLS if it is Spotinst's own, or if it is the server of `api`.
/// A malformed URI is not repeated: it may hold a password.
pub fn check(uri: &str, api: &Endpoint) -> Result<()> {
    let origin = parse(uri).map_err(|problem| refused(format!("the URI {problem}")))?;
    let is_below = origin.host.strip_suffix(DOMAIN).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    // An encoded label can stand for other characters, a dot among them, and programs differ in which they accept.
    let is_encoded = origin.host.split('.').any(|label| label.starts_with("xn--"));
    if (origin.is_tls && is_below && !is_encoded) || origin == *api.origin() {
        return Ok(());
    }
    Err(refused(format!("{origin} gets no token: it is not of Spotinst")))
}

/// The origin of a URI that all programs read in the same way.
fn parse(uri: &str) -> std::result::Result<Origin, &'static str> {
    if !uri.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("holds a space, a control character or one that is not ASCII");
    }
    if uri.contains(['\\', '#']) {
        return Err("holds a backslash or a fragment");
    }
    let origin = Origin::parse(uri)?;
    if !origin.is_ip_v6() && !is_hostname(&origin.host) {
        return Err("has an odd host");
    }
    Ok(origin)
}

fn refused(problem: String) -> Error {
    Error::other(problem).hint(format!(
        "tokens go to https://{DOMAIN}, to what is below it, and to the server of {}",
        settings::API_URL.variable_or_key()
    ))
}

/// Labels as RFC 1123 has them, no dot at the end, nothing encoded.
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
