//! Where requests are logged and answers are decided on, shared by the threads of all connections.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::gate::{Event, Latch, lock};
use super::http::Request;
use super::reply::Reply;

/// How long a test waits for requests before it fails: far longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A behaviour: what is answered to each request.
pub type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// What is answered when the script is at its end.
pub enum Manner {
    /// The same to every request.
    Always(Reply),
    /// Whatever this says.
    Handler(Arc<Handler>),
}

/// The state of one stand-in.
pub struct Desk {
    /// Happens when the stand-in is dropped.
    pub stop: Event,
    state: Mutex<State>,
    arrived: Condvar,
}

struct State {
    connections: usize,
    log: Vec<Request>,
    script: VecDeque<Reply>,
    manner: Manner,
    latches: Vec<Arc<Latch>>,
}

impl Desk {
    pub fn new(manner: Manner) -> Self {
        let state = State { connections: 0, log: Vec::new(), script: VecDeque::new(), manner, latches: Vec::new() };
        Self { stop: Event::default(), state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// Counts a connection. Returns the reply that is due if it is one that ends the connection unread.
    pub fn greet(&self) -> Option<Reply> {
        let mut state = lock(&self.state);
        state.connections += 1;
        match (state.script.front(), &state.manner) {
            (Some(next), _) if next.precedes_request() => state.script.pop_front(),
            (None, Manner::Always(reply)) if reply.precedes_request() => Some(reply.clone()),
            _ => None,
        }
    }

    /// Logs a request and decides on its answer, in one step, so that the script is followed in the log's order.
    /// Returns when all gates let the answer pass.
    pub fn answer(&self, request: &Request) -> Reply {
        let (decide, latches) = self.log(request);
        let reply = decide(request);
        for latch in latches {
            latch.pass(&self.stop);
        }
        reply
    }

    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).log.clone()
    }

    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.state).script.extend(replies);
    }

    pub fn set_manner(&self, manner: Manner) {
        lock(&self.state).manner = manner;
    }

    pub fn hold(&self, latch: Arc<Latch>) {
        lock(&self.state).latches.push(latch);
    }

    /// Waits until the log has `n` entries; `false` if it has not after a generous time.
    pub fn wait_for_requests(&self, n: usize) -> bool {
        let waited = self.arrived.wait_timeout_while(lock(&self.state), PATIENCE, |state| state.log.len() < n);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.log.len() >= n
    }

    /// Ends every wait.
    pub fn stop(&self) {
        self.stop.set();
        let latches = lock(&self.state).latches.clone();
        for latch in latches {
            latch.wake();
        }
    }

    fn log(&self, request: &Request) -> (Arc<Handler>, Vec<Arc<Latch>>) {
        let mut state = lock(&self.state);
        state.log.push(request.clone());
        self.arrived.notify_all();
        let decide = match (state.script.pop_front(), &state.manner) {
            (Some(reply), _) => constant(reply),
            (None, Manner::Always(reply)) => constant(reply.clone()),
            (None, Manner::Handler(handler)) => Arc::clone(handler),
        };
        (decide, state.latches.clone())
    }
}

fn constant(reply: Reply) -> Arc<Handler> {
    Arc::new(move |_| reply.clone())
}
