//! The state that the threads of one stand-in share: the request log, the scripted replies, and the behavior after them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::gate::Barrier;
use crate::reply::Reply;
use crate::request::Request;
use crate::sync::{Event, lock};

/// How long a test waits for requests before it fails: far longer than any machine needs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Decides on the reply to a request.
pub type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// What the stand-in replies when no scripted reply is left.
pub enum Behavior {
    Always(Reply),
    Handler(Arc<Handler>),
}

pub struct ServerState {
    /// Set when the stand-in is dropped. It ends every wait.
    pub stop: Event,
    inner: Mutex<Inner>,
    request_logged: Condvar,
}

struct Inner {
    connections: usize,
    requests: Vec<Request>,
    script: VecDeque<Reply>,
    behavior: Behavior,
    barriers: Vec<Arc<Barrier>>,
}

impl ServerState {
    pub fn new(behavior: Behavior) -> Self {
        let inner =
            Inner { connections: 0, requests: Vec::new(), script: VecDeque::new(), behavior, barriers: Vec::new() };
        Self { stop: Event::default(), inner: Mutex::new(inner), request_logged: Condvar::new() }
    }

    /// Counts a connection. Returns the next reply if it ends the connection before a request is read.
    pub fn count_connection(&self) -> Option<Reply> {
        let mut inner = lock(&self.inner);
        inner.connections += 1;
        match (inner.script.front(), &inner.behavior) {
            (Some(next), _) if next.needs_no_request() => inner.script.pop_front(),
            (None, Behavior::Always(reply)) if reply.needs_no_request() => Some(reply.clone()),
            _ => None,
        }
    }

    /// Logs a request, decides on the reply, and returns it when all gates are open.
    pub fn reply_to(&self, request: &Request) -> Reply {
        let (handler, barriers) = self.log(request);
        let reply = handler(request);
        for barrier in barriers {
            barrier.wait(&self.stop);
        }
        reply
    }

    pub fn connections(&self) -> usize {
        lock(&self.inner).connections
    }

    pub fn requests(&self) -> Vec<Request> {
        lock(&self.inner).requests.clone()
    }

    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.inner).script.extend(replies);
    }

    pub fn set_behavior(&self, behavior: Behavior) {
        lock(&self.inner).behavior = behavior;
    }

    pub fn hold(&self, barrier: Arc<Barrier>) {
        lock(&self.inner).barriers.push(barrier);
    }

    /// Waits until `n` requests are logged. Returns `false` after [`REQUEST_TIMEOUT`].
    pub fn wait_for_requests(&self, n: usize) -> bool {
        let is_short = |inner: &mut Inner| inner.requests.len() < n;
        let waited = self.request_logged.wait_timeout_while(lock(&self.inner), REQUEST_TIMEOUT, is_short);
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        inner.requests.len() >= n
    }

    /// Ends every wait.
    pub fn stop(&self) {
        self.stop.set();
        let barriers = lock(&self.inner).barriers.clone();
        for barrier in barriers {
            barrier.wake();
        }
    }

    /// Logs and takes the next scripted reply under one lock, so that replies follow the order of the log.
    fn log(&self, request: &Request) -> (Arc<Handler>, Vec<Arc<Barrier>>) {
        let mut inner = lock(&self.inner);
        inner.requests.push(request.clone());
        self.request_logged.notify_all();
        let handler = match (inner.script.pop_front(), &inner.behavior) {
            (Some(reply), _) => constant(reply),
            (None, Behavior::Always(reply)) => constant(reply.clone()),
            (None, Behavior::Handler(handler)) => Arc::clone(handler),
        };
        (handler, inner.barriers.clone())
    }
}

fn constant(reply: Reply) -> Arc<Handler> {
    Arc::new(move |_| reply.clone())
}
