//! The URL of a token endpoint or of the API, checked: secrets go there.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// An `https` URL, or an `http` one of a loopback address. It holds no user name, password or fragment, so it can be
/// shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Checks a URL.
    ///
    /// # Errors
    /// Says what is wrong with it, without repeating it: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "is not a URL")?;
        let authority = uri.authority().ok_or("is not an absolute URL")?;
        if authority.as_str().contains('@') {
            return Err("holds a user name or password, which do not belong there");
        }
        if authority.host().is_empty() {
            return Err("names no host");
        }
        let is_bare = authority.as_str() == authority.host();
        if !is_bare && authority.port_u16().is_none_or(|port| port == 0) {
            return Err("has no number from 1 to 65535 as its port");
        }
        if text.contains('#') {
            return Err("holds a fragment (#…), which is never sent");
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self(text.to_owned())),
            Some("http") if is_loopback(authority.host()) => Ok(Self(text.to_owned())),
            Some("http") => Err(
                "is not https: http is allowed to a loopback address only, as it would show the secrets to the network",
            ),
            _ => Err("is not https"),
        }
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether secrets are encrypted on the way.
    pub fn is_tls(&self) -> bool {
        self.0.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the host of a URL is this machine whatever a name server says.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
