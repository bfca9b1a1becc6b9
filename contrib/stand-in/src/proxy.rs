//! A proxy for `https`, as companies have them: it hears `CONNECT HOST:PORT` (RFC 9110, section 9.3.6) and joins the
//! connection to a stand-in, whatever host was named. So a client can believe to talk to any host in the world.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::Reply;
use super::gate::{Event, lock};
use super::http::read_request;

/// What a client asked of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// `CONNECT`, unless the client took it for a proxy of `http`.
    pub method: String,
    /// The host and port to be reached.
    pub target: String,
    /// `Proxy-Authorization`.
    pub authorization: Option<String>,
}

/// A running proxy. Dropping it cuts all its connections.
pub struct Proxy {
    addr: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

struct State {
    to: SocketAddr,
    /// What is answered in place of a tunnel.
    refusal: Mutex<Option<Reply>>,
    log: Mutex<Vec<Tunnel>>,
    live: Mutex<Vec<TcpStream>>,
    stop: Event,
}

impl Proxy {
    /// Listens on a port of the system's choice; every tunnel leads to `to`.
    pub fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has a free port");
        let addr = listener.local_addr().expect("a listening socket has one");
        let (refusal, log, live) = Default::default();
        let state = Arc::new(State { to, refusal, log, live, stop: Event::default() });
        let acceptor = thread::spawn({
            let state = Arc::clone(&state);
            move || accept(&listener, &state)
        });
        Self { addr, state, acceptor: Some(acceptor) }
    }

    /// Its URL, for `HTTPS_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Its URL with a user name and a password, both percent-encoded already.
    pub fn url_with(&self, credentials: &str) -> String {
        format!("http://{credentials}@{}", self.addr)
    }

    /// Answers every client with this from now on, and lets none through.
    pub fn refuse(&self, reply: Reply) {
        *lock(&self.state.refusal) = Some(reply);
    }

    /// What was asked so far, in order.
    pub fn tunnels(&self) -> Vec<Tunnel> {
        lock(&self.state.log).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.stop.set();
        // The acceptor sleeps in the kernel until a connection comes. If none can be made it is left asleep.
        let woken = TcpStream::connect(self.addr);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            drop(acceptor.join());
        }
        for stream in lock(&self.state.live).drain(..) {
            // It fails where the peer was faster.
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
        // What fails here is a peer's doing: nobody is to be told.
        thread::spawn(move || drop(serve(&client, &state)));
    }
}

fn serve(mut client: &TcpStream, state: &State) -> io::Result<()> {
    lock(&state.live).push(client.try_clone()?);
    let request = read_request(&mut client)?;
    lock(&state.log).push(Tunnel {
        authorization: request.header("proxy-authorization").map(str::to_owned),
        method: request.method,
        target: request.target,
    });
    let refusal = lock(&state.refusal).clone();
    match refusal {
        Some(reply) => reply.send(&mut client, &state.stop).and_then(|()| client.shutdown(Shutdown::Both)),
        None => join(client, state),
    }
}

/// Carries bytes both ways until both sides have ended.
fn join(mut client: &TcpStream, state: &State) -> io::Result<()> {
    let server = TcpStream::connect(state.to)?;
    lock(&state.live).push(server.try_clone()?);
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    thread::scope(|scope| {
        scope.spawn(|| carry(client, &server));
        carry(&server, client);
    });
    Ok(())
}

/// Carries bytes one way, then tells that no more come.
fn carry(mut from: &TcpStream, mut to: &TcpStream) {
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Write));
}
