//! What follows a reply: a second request, or the end of the call.

use std::time::Duration;

use super::caller::Request;
use super::entries::{Entries, number_of};
use super::server::SHORT;
use super::state::{At, Credentials, Kind, Known, Process, Reply};
use super::turn::{Ended, Step, Turn};
use super::wrong::Wrong;
use crate::cache::entry::Entry;
use crate::cache::entry::fixtures::at;
use crate::get_token::decisions::from_cache;
use crate::get_token::decisions::grants::NextGrant;
use crate::get_token::fetch_result::{FetchError, FetchResult};
use crate::get_token::next_entry::{Publication, next_entry};

/// What the replies so far mean.
#[derive(Clone, Copy)]
pub enum Received {
    Asks(Request),
    /// Nothing is published.
    Ends(Ended),
    Publishes(Next),
}

/// The entry that a fetch leads to, and how its call ends.
#[derive(Clone, Copy)]
pub struct Next {
    entry: u16,
    /// The new token of a fetch that succeeded.
    token: Option<u8>,
    ended: Ended,
}

impl Next {
    pub fn of(entries: &mut Entries, next: &Entry, ended: Ended) -> Self {
        let token = next.token.as_ref().filter(|_| next.failure.is_none()).map(|token| number_of(&token.value));
        Self { entry: entries.number(next), token, ended }
    }
}

impl Turn<'_> {
    pub fn receive(mut self, can_write: bool) -> Option<Step> {
        if self.at() != At::Answered || self.caller().kind == Kind::Login {
            return None;
        }
        match self.received() {
            Received::Publishes(next) => self.publish(next, can_write),
            _ if !can_write => None,
            Received::Asks(request) => self.send(request),
            Received::Ends(ended) => self.end(ended),
        }
    }

    /// Computed once for the same replies: the shipped code reads and judges them, which takes a while.
    fn received(&mut self) -> Received {
        let process = Process { before: 0, looked_at: 0, known: Known::default(), ..*self.process() };
        let key = (self.me, process, self.state.now, self.state.revision);
        if let Some(received) = self.world.received.get(&key) {
            return *received;
        }
        let received = self.judge();
        self.world.received.insert(key, received);
        received
    }

    fn judge(&mut self) -> Received {
        let process = *self.process();
        let entry = self.world.entries.get(process.entry).clone();
        let (mut sent, mut wanted) = (0, None);
        let mut send = |request| {
            sent += 1;
            match process.replies.get(sent - 1) {
                Some(Reply::None) | None => {
                    wanted = Some(request);
                    None
                }
                Some(reply) => Some((*reply, process.asked_at[sent - 1])),
            }
        };
        // The own grant was planned when it was sent.
        let own = process.requests.iter().position(|request| *request == Some(Request::Own));
        let planned_at = own.map_or(self.state.now, |own| process.asked_at[own]);
        let grant = match (process.requests[0], &entry.refresh_token) {
            (Some(Request::Refresh(_)), Some(token)) => NextGrant::Refresh(token),
            _ => NextGrant::Own,
        };
        let result = self.caller().fetch(&entry, grant, planned_at, &mut send);
        let is_short = process.replies.iter().any(|reply| matches!(reply, Reply::ShortLived(_)));
        let age = Duration::from_secs(if is_short { SHORT.1 } else { 0 });
        match result {
            None => Received::Asks(wanted.expect("a request")),
            Some(result) if process.is_alone => Received::Ends(self.uncached(result, age)),
            Some(result) => Received::Publishes(self.next(result, age)),
        }
    }

    /// What follows the result of a fetch.
    pub fn next(&mut self, mut result: FetchResult, age: Duration) -> Next {
        if self.world.wrong == Some(Wrong::NoFingerprint) {
            result.client_rejection = None;
            result.outcome = result.outcome.map_err(FetchError::without_fingerprint);
        }
        let (process, now) = (*self.process(), self.state.now);
        let publication = self.publication(process.is_late);
        let next = next_entry(self.world.entries.get(process.entry).clone(), result, publication);
        let result = self.caller().refresh_result(&next, now, process.is_late, age);
        // A new token counts from its request, and by the time that passed here.
        let answered = process.replies.iter().rposition(|reply| *reply != Reply::None);
        let looked_at = match answered {
            Some(last) if next.failure.is_none() => process.asked_at[last] + age.as_secs() as i32,
            _ => now,
        };
        let ended = self.ended(result, looked_at);
        Next::of(&mut self.world.entries, &next, ended)
    }

    /// The end of a call that cannot cache anything.
    pub fn uncached(&mut self, result: FetchResult, age: Duration) -> Ended {
        let (process, now) = (*self.process(), self.state.now);
        let looked_at = process.asked_at[0] + age.as_secs() as i32;
        let result = match result.outcome {
            Ok(issued) => self.caller().checked(issued.access, process.is_late, age),
            Err(FetchError::New { error, .. }) => Err(error),
            Err(FetchError::Cached(failure)) => Err(from_cache(&failure, at(now.into()))),
        };
        self.ended(result, looked_at)
    }

    pub fn publication(&self, is_late: bool) -> Publication {
        Publication {
            revision: (self.state.revision + 1).to_string(),
            now: at(self.state.now.into()),
            spread: 0.0,
            exchange: self.caller().time_left(is_late),
            keeps_refresh_token: self.caller().keeps_refresh_token(),
        }
    }

    /// Publishes the result of a fetch, and ends with it.
    pub fn publish(mut self, next: Next, can_write: bool) -> Option<Step> {
        if can_write {
            self.write(&next);
        } else {
            self.lose_successor();
        }
        self.end(next.ended)
    }

    /// Publishes an entry, and notes what the invariants need to know of it.
    pub fn write(&mut self, next: &Next) {
        let process = *self.process();
        self.state.entry = next.entry;
        self.state.revision += 1;
        for (request, reply) in process.requests.into_iter().zip(process.replies) {
            let Some(request) = request else { continue };
            let credentials = self.caller().credentials(request);
            if reply == Reply::Rejected && credentials != Credentials::Right {
                self.state.rejected_at[credentials as usize] = Some(self.state.now);
            }
            if let (Request::Refresh(token), true) = (request, reply != Reply::Lost) {
                self.state.unanswered &= !(1 << token);
                let is_used = matches!(reply, Reply::Tokens(_) | Reply::ShortLived(_) | Reply::WithoutAccess(_));
                self.state.used |= u16::from(is_used) << token;
            }
        }
        if let Some(token) = next.token {
            self.state.rejected_at = Default::default();
            self.state.known.published = token;
        }
    }
}
