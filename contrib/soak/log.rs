//! What happened: the calls, and the requests that the servers got. Times count from the start of the soak.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::call::Kind;

/// One process of the program.
#[derive(Clone, Debug)]
pub struct Call {
    pub identity: usize,
    pub kind: Kind,
    pub arguments: String,
    pub input: String,
    pub pid: u32,
    pub start: Duration,
    /// `None` while it runs.
    pub end: Option<End>,
    /// Each signal, when it was sent.
    pub signals: Vec<(Duration, &'static str)>,
}

#[derive(Clone, Debug)]
pub struct End {
    pub at: Duration,
    /// How long it was stopped by a signal.
    pub stopped: Duration,
    /// `None` if a signal ended it.
    pub status: Option<i32>,
    /// The access token that it printed.
    pub token: Option<String>,
    pub stderr: String,
    /// What is wrong with its output.
    pub complaint: Option<String>,
}

impl Call {
    pub fn status(&self) -> Option<i32> {
        self.end.as_ref()?.status
    }

    pub fn token(&self) -> Option<&str> {
        self.end.as_ref()?.token.as_deref()
    }

    pub fn ended_at(&self) -> Option<Duration> {
        self.end.as_ref().map(|end| end.at)
    }
}

/// One request to a token endpoint.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub identity: usize,
    /// The call that sent it; `None` if its process had ended when the request was read.
    pub call: Option<usize>,
    pub at: Duration,
    /// When sending the reply started; `None` before that.
    pub replied: Option<Duration>,
    pub grant: String,
    pub refresh_token: Option<String>,
    /// The credentials in the request, without the refresh token.
    pub credentials: String,
    pub status: u16,
    pub fault: &'static str,
    /// The client was sent a complete reply, which may not be the service's own.
    pub is_answered: bool,
    pub issued: Option<Issued>,
    /// The end of the rate limit.
    pub blocked_until: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct Issued {
    pub access: String,
    pub refresh: Option<String>,
    pub expires: Duration,
}

pub struct Log {
    start: Instant,
    inner: Mutex<Records>,
}

#[derive(Default)]
pub struct Records {
    pub calls: Vec<Call>,
    pub exchanges: Vec<Exchange>,
}

impl Log {
    pub fn new() -> Self {
        Self { start: Instant::now(), inner: Mutex::default() }
    }

    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub fn records(&self) -> MutexGuard<'_, Records> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    /// All events of the identity between two times, one line each.
    pub fn story(&self, identity: usize, from: Duration, to: Duration) -> String {
        let mut events = Vec::new();
        for (id, call) in self.calls.iter().enumerate().filter(|(_, call)| call.identity == identity) {
            let name = format!("call {id} (pid {})", call.pid);
            events.push((call.start, format!("{name} starts: {}", call.arguments)));
            events.extend(call.signals.iter().map(|(at, signal)| (*at, format!("{name} gets SIG{signal}"))));
            if let Some(end) = &call.end {
                let how = end.status.map_or("by a signal".to_owned(), |status| format!("with status {status}"));
                let token = end.token.as_deref().map(|token| format!(", prints {}", self.name(token)));
                let stderr = end.stderr.lines().next().unwrap_or_default();
                events.push((end.at, format!("{name} ends {how}{} {stderr}", token.unwrap_or_default())));
            }
        }
        for exchange in self.exchanges.iter().filter(|exchange| exchange.identity == identity) {
            let caller = exchange.call.map_or("a process that has ended".to_owned(), |id| format!("call {id}"));
            let refresh = exchange.refresh_token.as_deref().map(|token| self.name(token)).unwrap_or_default();
            let (grant, credentials) = (&exchange.grant, &exchange.credentials);
            events.push((exchange.at, format!("server: {caller} sends {grant} {refresh} with {credentials}")));
            if let Some(at) = exchange.replied {
                let issued = exchange.issued.as_ref().map(|issued| self.name(&issued.access)).unwrap_or_default();
                let (status, fault) = (exchange.status, exchange.fault);
                events.push((at, format!("server: {caller} is sent {status} {issued} {fault}")));
            }
        }
        events.retain(|(at, _)| (from..=to).contains(at));
        events.sort();
        events.iter().fold(String::new(), |mut story, (at, event)| {
            writeln!(story, "  {:9.3} s  {}", at.as_secs_f64(), event.trim_end()).ok();
            story
        })
    }

    /// A short name of a token: the number of the exchange that issued it.
    fn name(&self, token: &str) -> String {
        let issued = |exchange: &Exchange| {
            let issued = exchange.issued.as_ref()?;
            let kind = if issued.access == token { "T" } else { "R" };
            (issued.access == token || issued.refresh.as_deref() == Some(token)).then_some(kind)
        };
        let found = self.exchanges.iter().enumerate().find_map(|(id, exchange)| Some((id, issued(exchange)?)));
        found.map_or_else(|| "an unknown token".to_owned(), |(id, kind)| format!("{kind}{id}"))
    }
}
