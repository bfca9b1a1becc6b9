//! URLs that secrets may be sent to, and their origins.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ureq::http::Uri;

/// The URL of a token endpoint or of the API: `https`, or `http` to a loopback address. It holds no user name, password
/// or fragment, so it can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    origin: Origin,
}

/// Scheme, host and port of a URL (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub is_tls: bool,
    /// In lower case; an IPv6 address in its brackets and shortest form.
    pub host: String,
    pub port: u16,
}

impl Endpoint {
    /// The error says what is wrong with the text without repeating it: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // The HTTP library validates everything after the authority.
        text.parse::<Uri>().map_err(|_| "is not a URL")?;
        let origin = Origin::parse(text)?;
        if text.contains('#') {
            return Err("must not contain a fragment (#…)");
        }
        if !origin.is_tls && !origin.is_loopback() {
            return Err("is not https: http is only allowed to loopback addresses, as it sends secrets unencrypted");
        }
        Ok(Self { url: text.to_owned(), origin })
    }

    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The URL with one more parameter, of characters that need no encoding.
    pub fn with_query(&self, name: &str, value: &str) -> Self {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        Self { url: format!("{}{separator}{name}={value}", self.url), origin: self.origin.clone() }
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl Origin {
    /// The origin of an absolute `http` or `https` URL. The error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("is not an absolute URL")?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err("is not https"),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("must not contain a user name or password");
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of an IPv6 address without a port is inside its brackets.
            Some((host, port)) if !port.ends_with(']') => (host, port_number(port).ok_or("has an invalid port")?),
            _ => (authority, if is_tls { 443 } else { 80 }),
        };
        if host.is_empty() {
            return Err("has no host");
        }
        Ok(Self { is_tls, host: canonical(host), port })
    }

    /// Whether the host is an IPv6 address, in its canonical form.
    pub fn is_ip_v6(&self) -> bool {
        let address = self.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        address.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok())
    }

    /// Whether the host is this machine, without a DNS lookup.
    fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// A port in digits, without a sign or leading zeros.
fn port_number(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// The host in canonical form, for comparison.
fn canonical(host: &str) -> String {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match address.and_then(|text| text.parse::<Ipv6Addr>().ok()) {
        Some(address) => format!("[{address}]"),
        None => host.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests;
