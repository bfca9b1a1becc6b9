//! Finds the addresses of a host, within the time limit and without a panic: `ureq`'s own resolver starts a thread in
//! a way that panics where the system has none to give, and starts one even where the host is an address already.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The most addresses of one host that are tried: all that `ureq` has room for.
const MOST: usize = 16;

/// The system's name service, asked in a thread that is left behind when time runs out.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?.to_owned();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let found = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => ask(host, port, timeout)?,
        };
        let mut addresses = self.empty();
        for address in found.into_iter().take(MOST) {
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// Asks the system's name service.
fn ask(host: String, port: u16, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
    let (send, receive) = mpsc::channel();
    let look = move || -> io::Result<Vec<SocketAddr>> { Ok((host.as_str(), port).to_socket_addrs()?.collect()) };
    thread::Builder::new().spawn(move || send.send(look()))?;
    receive.recv_timeout(*timeout.after).map_err(|_| Error::Timeout(timeout.reason))?.map_err(Error::Io)
}
