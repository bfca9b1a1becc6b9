//! A local server that behaves like Spotinst's token endpoints.
//!
//! By default it behaves as documented (`spotinst`). A test can script the next replies (`token_reply`, `error_reply`),
//! let them fail on the wire (`network_fault`), hold them back ([`Gate`]), and look at the requests ([`Request`]).
//! The service has two hosts, `oauth.spotinst.io` and `api.spotinst.io`, which know each other's tokens: see
//! [`StandIn::sibling`].
#![warn(missing_docs, clippy::must_use_candidate, clippy::return_self_not_must_use)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "support for tests: it fails by panicking and reads the clock itself"
)]

mod error_reply;
mod form;
mod gate;
pub mod jwt;
mod network_fault;
pub mod proxy;
pub mod reply;
mod request;
mod server;
mod server_state;
pub mod spotinst;
mod sync;
pub mod tls;
pub mod token_reply;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use self::server_state::{Behavior, ServerState};
use self::spotinst::{ServiceSettings, Spotinst};

pub use self::gate::Gate;
pub use self::reply::Reply;
pub use self::request::Request;

/// A running server. Dropping it closes all connections and waits for their threads.
#[must_use = "the server stops when it is dropped"]
pub struct StandIn {
    addr: SocketAddr,
    state: Arc<ServerState>,
    service: Arc<Spotinst>,
    identity: Option<tls::Identity>,
    acceptor: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Serves `http` on a free port of the loopback interface.
    pub fn start() -> Self {
        Self::serve(any_port(), None, Arc::default())
    }

    /// Serves `https` on a free port of the loopback interface.
    pub fn start_tls(identity: &tls::Identity) -> Self {
        Self::serve(any_port(), Some(identity.clone()), Arc::default())
    }

    /// Serves on a listening socket: `https` if there is an identity, else `http`.
    pub fn start_on(listener: TcpListener, identity: Option<&tls::Identity>) -> Self {
        Self::serve(listener, identity.cloned(), Arc::default())
    }

    /// Starts a second server of the same service, as `api.spotinst.io` is to `oauth.spotinst.io`. They share settings
    /// and tokens; each has its own request log, script and gates.
    pub fn sibling(&self) -> Self {
        Self::serve(any_port(), self.identity.clone(), Arc::clone(&self.service))
    }

    fn serve(listener: TcpListener, identity: Option<tls::Identity>, service: Arc<Spotinst>) -> Self {
        let addr = listener.local_addr().expect("a listening socket has an address");
        let state = Arc::new(ServerState::new(documented_behavior(&service)));
        let acceptor = thread::spawn({
            let (state, identity) = (Arc::clone(&state), identity.clone());
            move || server::serve(&listener, identity.as_ref(), &state)
        });
        Self { addr, state, service, identity, acceptor: Some(acceptor) }
    }

    /// The URL of the token endpoint, by address: `http://127.0.0.1:PORT/token`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/token", self.base())
    }

    /// The URL of the server without a path.
    #[must_use]
    pub fn base(&self) -> String {
        self.base_at(&self.addr.ip().to_string())
    }

    /// The URL of the server under another name of this machine, such as `localhost`.
    #[must_use]
    pub fn base_at(&self, host: &str) -> String {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://{host}:{}", self.addr.port())
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// All requests so far, in the order of arrival, without those that were not HTTP.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests()
    }

    /// The `grant_type` of all requests so far; empty for a request without one.
    #[must_use]
    pub fn grants(&self) -> Vec<String> {
        self.requests().iter().map(Request::grant).collect()
    }

    /// How many connections were accepted, with or without a request.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.connections()
    }

    /// All access tokens that the service issued, in order.
    #[must_use]
    pub fn issued(&self) -> Vec<String> {
        self.service.issued()
    }

    /// Waits until `n` requests have arrived since the start, replied to or not.
    ///
    /// # Panics
    /// If fewer arrive within a minute.
    #[track_caller]
    pub fn wait_for_requests(&self, n: usize) {
        if !self.state.wait_for_requests(n) {
            let grants = self.grants();
            panic!("timed out waiting for {n} requests, got {}: {grants:?}", grants.len());
        }
    }

    /// Sends these replies to the next requests, one each, before any other behavior.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.script(replies);
    }

    /// Sends this reply to every request after the scripted ones.
    pub fn always(&self, reply: Reply) {
        self.state.set_behavior(Behavior::Always(reply));
    }

    /// Lets `handler` reply to every request after the scripted ones. If it panics, the connection ends.
    pub fn handler(&self, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        self.state.set_behavior(Behavior::Handler(Arc::new(handler)));
    }

    /// Behaves as documented again, after the scripted replies.
    pub fn default_behavior(&self) {
        self.state.set_behavior(documented_behavior(&self.service));
    }

    /// Changes the settings of the documented service, for this server and all siblings.
    pub fn settings(&self, change: impl FnOnce(&mut ServiceSettings)) {
        self.service.change(change);
    }

    /// The documented service, for a handler that replaces only some of its replies.
    #[must_use]
    pub fn service(&self) -> Arc<Spotinst> {
        Arc::clone(&self.service)
    }

    /// Holds back every reply from now on until the returned gate is opened or dropped. A request is logged, and its
    /// reply decided on, when it arrives.
    pub fn close_gate(&self) -> Gate {
        let gate = Gate::closed();
        self.hold(&gate);
        gate
    }

    /// Holds back every reply until `gate` is open. Several stand-ins can share a gate; with several gates, a reply
    /// waits for all of them.
    pub fn hold(&self, gate: &Gate) {
        self.state.hold(gate.barrier());
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.state.stop();
        // A connection wakes the acceptor, which blocks in `accept`. If none can be made, leave the thread blocked.
        let woken = TcpStream::connect(self.addr);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            // The thread of a handler that panicked has printed the panic: do not panic again while dropping.
            drop(acceptor.join());
        }
    }
}

fn any_port() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has a free port")
}

fn documented_behavior(service: &Arc<Spotinst>) -> Behavior {
    let service = Arc::clone(service);
    Behavior::Handler(Arc::new(move |request| service.reply_to(request)))
}
