//! A stand-in for Spotinst's token endpoints, on sockets of the loopback interface.
//!
//! Left alone it behaves as documented (`spotinst.rs`); a test can script its next answers (`issued.rs`, `refusal.rs`),
//! let them fail on the wire (`fault.rs`), hold them back (`gate.rs`), and look at what was asked (`http.rs`).
//! The two real hosts are two stand-ins that know each other's tokens: see [`StandIn::twin`].
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "support for tests: it fails by panicking and reads the clock itself"
)]

mod desk;
mod fault;
mod form;
mod gate;
pub mod http;
pub mod issued;
pub mod jwt;
pub mod proxy;
mod refusal;
pub mod reply;
mod server;
pub mod spotinst;
pub mod tls;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use self::desk::{Desk, Manner};
use self::spotinst::{Behaviour, Spotinst};

pub use self::gate::Gate;
pub use self::http::Request;
pub use self::reply::Reply;

/// A running server. Dropping it cuts all connections and waits for their threads.
pub struct StandIn {
    addr: SocketAddr,
    desk: Arc<Desk>,
    service: Arc<Spotinst>,
    identity: Option<tls::Identity>,
    acceptor: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Serves `http` on a port of the system's choice.
    pub fn start() -> Self {
        Self::serve(any_port(), None, Arc::default())
    }

    /// Serves `https` on a port of the system's choice.
    pub fn start_tls(identity: &tls::Identity) -> Self {
        Self::serve(any_port(), Some(identity.clone()), Arc::default())
    }

    /// Serves on a socket that listens already, with TLS if there is an identity.
    pub fn start_on(listener: TcpListener, identity: Option<&tls::Identity>) -> Self {
        Self::serve(listener, identity.cloned(), Arc::default())
    }

    /// A second server of the same service, as `api.spotinst.io` is to `oauth.spotinst.io`: settings and tokens are
    /// shared; the log, the script and the gate are each server's own.
    pub fn twin(&self) -> Self {
        Self::serve(any_port(), self.identity.clone(), Arc::clone(&self.service))
    }

    fn serve(listener: TcpListener, identity: Option<tls::Identity>, service: Arc<Spotinst>) -> Self {
        let addr = listener.local_addr().expect("a listening socket has one");
        let desk = Arc::new(Desk::new(faithful(&service)));
        let acceptor = thread::spawn({
            let (desk, identity) = (Arc::clone(&desk), identity.clone());
            move || server::serve(&listener, identity.as_ref(), &desk)
        });
        Self { addr, desk, service, identity, acceptor: Some(acceptor) }
    }

    /// The token endpoint's URL, by address: `http://127.0.0.1:PORT/token`.
    pub fn url(&self) -> String {
        format!("{}/token", self.base())
    }

    /// The same without a path.
    pub fn base(&self) -> String {
        self.base_at(&self.addr.ip().to_string())
    }

    /// The same under another name for this machine, such as `localhost`.
    pub fn base_at(&self, host: &str) -> String {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://{host}:{}", self.addr.port())
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// All requests so far, in the order of their arrival. Requests that were no HTTP are not among them.
    pub fn requests(&self) -> Vec<Request> {
        self.desk.requests()
    }

    /// The `grant_type` of all requests so far; empty for those without.
    pub fn grants(&self) -> Vec<String> {
        self.requests().iter().map(Request::grant).collect()
    }

    /// How many connections were accepted, whatever became of them.
    pub fn connections(&self) -> usize {
        self.desk.connections()
    }

    /// Every access token that the service issued, in order.
    pub fn issued(&self) -> Vec<String> {
        self.service.issued()
    }

    /// Waits until `n` requests have arrived since the start, answered or not.
    ///
    /// # Panics
    /// After a minute, with the requests that did arrive.
    #[track_caller]
    pub fn wait_for_requests(&self, n: usize) {
        if !self.desk.wait_for_requests(n) {
            let grants = self.grants();
            panic!("waited for {n} requests, {} came: {grants:?}", grants.len());
        }
    }

    /// Answers the next requests with these replies, one each, before all else.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.desk.script(replies);
    }

    /// Answers every request with this reply, once the script is at its end.
    pub fn always(&self, reply: Reply) {
        self.desk.set_manner(Manner::Always(reply));
    }

    /// Lets `handler` answer, once the script is at its end. If it panics the connection ends.
    pub fn handler(&self, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        self.desk.set_manner(Manner::Handler(Arc::new(handler)));
    }

    /// Goes back to behaving as documented, once the script is at its end.
    pub fn faithful(&self) {
        self.desk.set_manner(faithful(&self.service));
    }

    /// Changes what the faithful service does, here and at all twins.
    pub fn settings(&self, change: impl FnOnce(&mut Behaviour)) {
        self.service.set(change);
    }

    /// The faithful service, for a handler that only adds to it.
    pub fn service(&self) -> Arc<Spotinst> {
        Arc::clone(&self.service)
    }

    /// Holds back every answer from now on, until the gate that is returned is opened or dropped. The requests are
    /// logged, and their answers decided on, when they arrive.
    #[must_use = "the gate opens as soon as it is dropped"]
    pub fn close_gate(&self) -> Gate {
        let gate = Gate::shut();
        self.hold(&gate);
        gate
    }

    /// The same with a gate that other stand-ins may have as well. Where there are several gates, an answer passes
    /// when all of them are open.
    pub fn hold(&self, gate: &Gate) {
        self.desk.hold(gate.latch());
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.desk.stop();
        // The acceptor sleeps in the kernel until a connection comes. If none can be made it is left asleep.
        let woken = TcpStream::connect(self.addr);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            // A handler's panic has been printed by its own thread and is no reason to panic while dropping.
            drop(acceptor.join());
        }
    }
}

fn any_port() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has a free port")
}

fn faithful(service: &Arc<Spotinst>) -> Manner {
    let service = Arc::clone(service);
    Manner::Handler(Arc::new(move |request| service.answer(request)))
}
