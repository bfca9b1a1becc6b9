//! Whether a URI's server may get the token. Any URI in somebody's build file can reach this, so what is doubtful is
//! refused, even where RFC 3986 has a meaning for it: another program, which is to send the token, may find another.

use std::net::Ipv6Addr;

use crate::endpoint::Endpoint;
use crate::failure::{Failure, Kind};

/// The domain of Spotinst: it and all below it may get the token.
const DOMAIN: &str = "spotinst.io";

/// The server of a URI.
#[derive(Debug, PartialEq, Eq)]
pub struct Recipient {
    is_tls: bool,
    /// In lower case; an IPv6 address in its brackets and shortest form.
    host: String,
    port: u16,
}

impl Recipient {
    /// The server of a URI.
    ///
    /// # Errors
    /// It is no `http` or `https` URI, or one that programs may read in different ways. It is not repeated: it may
    /// hold a password.
    pub fn parse(uri: &str) -> Result<Self, Failure> {
        Self::read(uri).map_err(|problem| refused(format!("the URI {problem}")))
    }

    fn read(uri: &str) -> Result<Self, &'static str> {
        if !uri.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("holds a space, a control character or one that is not ASCII");
        }
        if uri.contains(['\\', '#']) {
            return Err("holds a backslash or a fragment");
        }
        let (scheme, rest) = uri.split_once("://").ok_or("is not an absolute one")?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err("is not https"),
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("holds a user name or password");
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of a bare IPv6 address is inside of its brackets.
            Some((host, port)) if !port.ends_with(']') => (host, number(port).ok_or("has an odd port")?),
            _ => (authority, if is_tls { 443 } else { 80 }),
        };
        let host = if host.starts_with('[') { address(host) } else { name(host) };
        Ok(Self { is_tls, host: host.ok_or("has an odd host")?, port })
    }

    /// Whether it may get the token: by TLS alone if it is Spotinst's, or if it is the server of `api`.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, api: &Endpoint) -> Result<(), Failure> {
        let is_below = self.host.strip_suffix(DOMAIN).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if (self.is_tls && is_below) || Self::read(api.as_str()).is_ok_and(|api| api == *self) {
            return Ok(());
        }
        let scheme = if self.is_tls { "https" } else { "http" };
        let problem = format!("{scheme}://{}:{} gets no token: it is not of Spotinst", self.host, self.port);
        Err(refused(problem))
    }
}

fn refused(problem: String) -> Failure {
    Failure::new(Kind::Other, problem).hint(format!(
        "tokens go to https://{DOMAIN}, to what is below it, and to the server of SPOTINST_API_URL or `api_url`"
    ))
}

/// A port in digits, without a sign or leading zeros.
fn number(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// A host's name in lower case: labels as RFC 1123 has them, no dot at the end, nothing encoded.
fn name(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (text.len() <= 253 && text.split('.').all(is_label)).then(|| text.to_ascii_lowercase())
}

/// An IPv6 address in brackets.
fn address(text: &str) -> Option<String> {
    let address: Ipv6Addr = text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    Some(format!("[{address}]"))
}
