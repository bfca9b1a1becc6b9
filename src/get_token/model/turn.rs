//! A turn: one process in a state, which takes a step.

use std::collections::HashMap;
use std::rc::Rc;

use super::caller::{Caller, MIN_TTL, Request};
use super::entries::{Entries, number_of};
use super::hash::Fast;
use super::receive::Received;
use super::state::{At, Configuration, Credentials, Kind, Known, NOBODY, PROBE, Process, Profile, Reply, Start, State};
use super::wrong::Wrong;
use crate::cache::entry::fixtures::at;
use crate::error::{Error, ErrorKind, Result};
use crate::token::AccessToken;

/// Data that is constant while a configuration is explored.
pub struct World {
    pub profile: Profile,
    pub callers: Vec<Caller>,
    pub entries: Entries,
    pub wrong: Option<Wrong>,
    /// See [`Turn::received`].
    pub received: HashMap<(usize, Process, i32, u8), Received, Fast>,
    /// See [`World::moves`].
    pub moves: HashMap<(usize, State), Moves, Fast>,
    /// See [`super::invariants::next_call_succeeds`].
    pub probes: HashMap<State, bool, Fast>,
}

/// Steps, each with its row in [`super::events::EVENTS`].
pub type Moves = Rc<[(u8, Step)]>;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Printed {
        token: u8,
        /// Whether it has the requested lifetime left, by the last time that the process read the clock.
        is_usable: bool,
    },
    Failed(Cause),
    /// The command succeeded.
    Done,
    Killed,
}

/// The cause of a failure, according to its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Rejected(Credentials),
    /// Its own source.
    Broken,
    RateLimited,
    LockHeld,
    CannotCache,
    Other,
}

/// A step, and its visible effects.
#[derive(Clone, Copy)]
pub struct Step {
    pub state: State,
    pub ended: Option<Ended>,
    pub sent: Option<Request>,
}

pub struct Turn<'w> {
    pub world: &'w mut World,
    pub state: State,
    pub me: usize,
}

impl World {
    pub fn new(configuration: &Configuration, wrong: Option<Wrong>) -> Self {
        let mut kinds = configuration.kinds.clone();
        kinds.resize(PROBE + 1, Kind::Plain);
        let callers = kinds.into_iter().map(|kind| Caller::new(kind, configuration.profile)).collect();
        Self {
            profile: configuration.profile,
            callers,
            entries: Entries::default(),
            wrong,
            received: HashMap::default(),
            moves: HashMap::default(),
            probes: HashMap::default(),
        }
    }

    pub fn first_state(&mut self, start: Start, count: usize) -> State {
        let profile = self.profile;
        let mut processes = [Process { at: At::Ended, ..Process::default() }; PROBE + 1];
        processes[..count].fill(Process::default());
        State {
            processes,
            entry: self.entries.first(profile, start),
            lock: NOBODY,
            now: 0,
            revision: 0,
            live: match start {
                Start::None => 0,
                // The successor, which no process received.
                Start::Spent => 2,
                _ => 1,
            },
            login: 1,
            next_token: 3,
            on_the_way: 0,
            happened: 0,
            known: Known { published: 1, ..Known::default() },
            used: 0,
            unanswered: if start == Start::Spent { 1 << 1 } else { 0 },
            rejected_at: if start == Start::Spent && profile == Profile::NoRefreshToken {
                [None, Some(0), None, None]
            } else {
                [None; 4]
            },
            is_login_lost: profile == Profile::Login && matches!(start, Start::None | Start::Spent),
        }
    }
}

impl Turn<'_> {
    pub fn process(&mut self) -> &mut Process {
        &mut self.state.processes[self.me]
    }

    pub fn at(&self) -> At {
        self.state.processes[self.me].at
    }

    pub fn caller(&self) -> &Caller {
        &self.world.callers[self.me]
    }

    /// Starts the process, and records what it must respect from now on.
    pub fn start(&mut self) {
        let published = if self.caller().request.force { self.state.known.published } else { 0 };
        self.process().known = Known { published, ..self.state.known };
    }

    pub fn go_to(mut self, at: At) -> Option<Step> {
        self.process().at = at;
        Some(Step { state: self.state, ended: None, sent: None })
    }

    pub fn send(mut self, request: Request) -> Option<Step> {
        let now = self.state.now;
        let process = self.process();
        let slot = process.requests.iter().position(Option::is_none).unwrap();
        process.requests[slot] = Some(request);
        process.asked_at[slot] = now;
        process.at = At::Sent;
        if let Request::Refresh(token) = request {
            self.state.unanswered |= 1 << token;
        }
        Some(Step { state: self.state, ended: None, sent: Some(request) })
    }

    pub fn reply(mut self, reply: Reply) -> Option<Step> {
        let process = self.process();
        let slot = process.replies.iter().position(|reply| *reply == Reply::None).unwrap();
        process.replies[slot] = reply;
        self.go_to(At::Answered)
    }

    /// The request that has no reply yet.
    pub fn open_request(&self) -> Request {
        let process = &self.state.processes[self.me];
        let slot = process.replies.iter().position(|reply| *reply == Reply::None).unwrap();
        process.requests[slot].unwrap()
    }

    pub fn release(&mut self) {
        if usize::from(self.state.lock) == self.me {
            self.state.lock = NOBODY;
        }
    }

    pub fn end(mut self, ended: Ended) -> Option<Step> {
        self.release();
        *self.process() = Process { at: At::Ended, ..Process::default() };
        Some(Step { state: self.state, ended: Some(ended), sent: None })
    }

    pub fn fail(self, error: &Error) -> Option<Step> {
        self.end(Ended::Failed(cause(error)))
    }

    /// Ends with the token. The process last read the clock at `looked_at`.
    pub fn print(self, token: &AccessToken, looked_at: i32) -> Option<Step> {
        let ended = self.ended(Ok(token.clone()), looked_at);
        self.end(ended)
    }

    pub fn ended(&self, result: Result<AccessToken>, looked_at: i32) -> Ended {
        match result {
            Ok(token) => {
                let is_usable = self.is_usable(&token, looked_at);
                Ended::Printed { token: number_of(&token.value), is_usable }
            }
            Err(error) => Ended::Failed(cause(&error)),
        }
    }

    /// Whether a token is usable, computed independently of the real code: a minute is left, or half of a short
    /// lifetime.
    fn is_usable(&self, token: &AccessToken, looked_at: i32) -> bool {
        let seconds = |moment: time::OffsetDateTime| (moment - at(0)).whole_seconds();
        let (from, to) = (seconds(token.obtained_at), seconds(token.expires_at.unwrap()));
        let min_ttl = if self.caller().kind == Kind::MinTtl { MIN_TTL } else { 0 };
        let left = to - i64::from(looked_at);
        i64::from(looked_at) >= from - 60 && left > 60.min((to - from) / 2) && left >= i64::from(min_ttl)
    }
}

pub fn cause(error: &Error) -> Cause {
    let message = &error.message;
    let rejected = |credentials| message.contains(&format!("rejected={credentials:?}="));
    let all = [
        Credentials::Right,
        Credentials::WrongPassword,
        Credentials::WrongSecret,
        Credentials::WrongSecretWithRefreshToken,
    ];
    match all.into_iter().find(|credentials| rejected(*credentials)) {
        Some(credentials) => Cause::Rejected(credentials),
        None if message.contains("broken") => Cause::Broken,
        None if error.kind == ErrorKind::RateLimited => Cause::RateLimited,
        None => Cause::Other,
    }
}
