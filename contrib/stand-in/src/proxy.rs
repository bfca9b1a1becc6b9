//! An HTTP proxy for `https` URLs. It accepts `CONNECT HOST:PORT` (RFC 9110, section 9.3.6) and connects every client to
//! one stand-in, whatever the host: a client can use the service's real host names without leaving the machine.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crate::reply::Reply;
use crate::request::Request;
use crate::sync::{Event, lock};

/// One request to the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// `CONNECT`, unless the client used it as a proxy for `http`.
    pub method: String,
    /// The host and port to connect to.
    pub target: String,
    /// The header `Proxy-Authorization`.
    pub authorization: Option<String>,
}

/// A running proxy. Dropping it closes all its connections.
#[must_use = "the proxy stops when it is dropped"]
pub struct Proxy {
    addr: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

struct State {
    upstream: SocketAddr,
    /// Sent to every client instead of a tunnel.
    refusal: Mutex<Option<Reply>>,
    tunnels: Mutex<Vec<Tunnel>>,
    live: Mutex<Vec<TcpStream>>,
    stop: Event,
}

impl Proxy {
    /// Listens on a free port. Every tunnel leads to `upstream`.
    pub fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has a free port");
        let addr = listener.local_addr().expect("a listening socket has an address");
        let (refusal, tunnels, live) = Default::default();
        let state = Arc::new(State { upstream, refusal, tunnels, live, stop: Event::default() });
        let acceptor = thread::spawn({
            let state = Arc::clone(&state);
            move || accept(&listener, &state)
        });
        Self { addr, state, acceptor: Some(acceptor) }
    }

    /// Its URL, for `HTTPS_PROXY`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Its URL with credentials, such as `user:password`, already percent-encoded.
    #[must_use]
    pub fn url_with(&self, credentials: &str) -> String {
        format!("http://{credentials}@{}", self.addr)
    }

    /// Sends this reply to every client from now on instead of opening a tunnel.
    pub fn refuse(&self, reply: Reply) {
        *lock(&self.state.refusal) = Some(reply);
    }

    /// All requests so far, in order.
    #[must_use]
    pub fn tunnels(&self) -> Vec<Tunnel> {
        lock(&self.state.tunnels).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.stop.set();
        // A connection wakes the acceptor, which blocks in `accept`. If none can be made, leave the thread blocked.
        let woken = TcpStream::connect(self.addr);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            drop(acceptor.join());
        }
        for stream in lock(&self.state.live).drain(..) {
            // This fails if the peer has closed the connection already.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    while let Ok((client, _)) = listener.accept() {
        if state.stop.is_set() {
            return;
        }
        let state = Arc::clone(state);
        // An error here is the peer's doing: there is nobody to report it to.
        thread::spawn(move || drop(serve(&client, &state)));
    }
}

fn serve(mut client: &TcpStream, state: &State) -> io::Result<()> {
    lock(&state.live).push(client.try_clone()?);
    let request = Request::read(&mut client)?;
    lock(&state.tunnels).push(Tunnel {
        authorization: request.header("proxy-authorization").map(str::to_owned),
        method: request.method,
        target: request.target,
    });
    let refusal = lock(&state.refusal).clone();
    match refusal {
        Some(reply) => reply.send(&mut client, &state.stop).and_then(|()| client.shutdown(Shutdown::Both)),
        None => tunnel(client, state),
    }
}

/// Copies bytes both ways until both sides have ended.
fn tunnel(mut client: &TcpStream, state: &State) -> io::Result<()> {
    let server = TcpStream::connect(state.upstream)?;
    lock(&state.live).push(server.try_clone()?);
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    thread::scope(|scope| {
        scope.spawn(|| copy(client, &server));
        copy(&server, client);
    });
    Ok(())
}

/// Copies bytes one way, then ends that direction.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Write));
}
