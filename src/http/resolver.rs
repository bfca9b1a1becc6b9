//! Resolves host names with the system's name service. Not with `ureq`'s own resolver, which panics if it cannot spawn
//! a thread; here the whole exchange already runs on a thread.

use std::net::ToSocketAddrs;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The maximum number of addresses of one host to try; `ureq` has space for no more.
const MAX_ADDRESSES: usize = 16;

/// A resolver without a time limit: its caller needs a deadline.
#[derive(Debug)]
pub struct SystemResolver {
    /// Refuses addresses other than loopback, for plain http.
    pub only_loopback: bool,
}

impl Resolver for SystemResolver {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let mut addresses = self.empty();
        for address in (host, port).to_socket_addrs()?.take(MAX_ADDRESSES) {
            // A name server may return any address for `localhost`, and http is not encrypted.
            if self.only_loopback && !address.ip().is_loopback() {
                let address = address.ip();
                let problem = format!("{host} resolves to {address}, and plain http is allowed for this machine only");
                return Err(Error::Other(problem.into()));
            }
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}
