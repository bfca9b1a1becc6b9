//! Resolves host names by the system's name service. `ureq`'s own resolver does so in a thread, and panics where none
//! can be started; the whole exchange has a thread of its own already.

use std::net::ToSocketAddrs;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The most addresses of one host that are tried: all that `ureq` has room for.
const MAX_ADDRESSES: usize = 16;

/// It has no time limit: its caller needs a deadline.
#[derive(Debug)]
pub struct SystemResolver {
    /// Refuses all but loopback addresses: for plain http.
    pub only_loopback: bool,
}

impl Resolver for SystemResolver {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let mut addresses = self.empty();
        for address in (host, port).to_socket_addrs()?.take(MAX_ADDRESSES) {
            // A name server may say anything of `localhost`, and nothing of http is encrypted.
            if self.only_loopback && !address.ip().is_loopback() {
                let problem = format!("{host} resolves to {}, and http is allowed to this machine only", address.ip());
                return Err(Error::Other(problem.into()));
            }
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}
