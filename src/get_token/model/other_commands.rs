//! The steps of `logout`, `invalidate` and `login`, and what all steps share.

use super::caller::Request;
use super::entries::access_token;
use super::receive::Next;
use super::state::{At, Kind, Profile, Reply, UNREAD};
use super::turn::{Cause, Ended, Step, Turn, cause};
use crate::cache::entry::Entry;
use crate::cache::entry::fixtures::at;
use crate::error::{ErrorKind, Result};
use crate::get_token::decisions::rate_limit;
use crate::get_token::fetch_result::FetchError;
use crate::get_token::next_entry::next_entry;
use crate::token::AccessToken;

impl super::caller::Caller {
    /// Whether this process gets a token.
    pub fn is_get(&self) -> bool {
        !matches!(self.kind, Kind::Invalidate | Kind::Logout | Kind::Login)
    }
}

impl Turn<'_> {
    /// `invalidate` checks whether the rejected token is the cached one.
    pub fn look_for_rejected(self, can_read: bool) -> Option<Step> {
        match self.has_rejected_token() {
            _ if !can_read => self.end(Ended::Failed(Cause::CannotCache)),
            true => self.go_to(At::WaitForLock),
            false => self.end(Ended::Done),
        }
    }

    fn has_rejected_token(&self) -> bool {
        let entry = self.world.entries.get(self.state.entry);
        entry.token.as_ref().is_some_and(|token| token.value.is_same(&access_token(1)))
    }

    /// `logout`, `invalidate` and `login` with the lock.
    pub fn do_locked(mut self, can_write: bool) -> Option<Step> {
        if self.at() != At::Locked || self.caller().is_get() {
            return None;
        }
        match self.caller().kind {
            Kind::Logout => self.forget_tokens(can_write),
            Kind::Invalidate => {
                if self.has_rejected_token() {
                    let next = Entry { token: None, ..self.world.entries.get(self.state.entry).clone() };
                    self.replace_or_remove(&next, can_write);
                }
                self.state.known.is_invalidated = true;
                self.end(Ended::Done)
            }
            _ => self.log_in(can_write),
        }
    }

    pub fn forget_tokens(mut self, can_write: bool) -> Option<Step> {
        let entry = self.world.entries.get(self.state.entry).clone();
        let had_tokens = entry.token.is_some() || entry.refresh_token.is_some();
        match entry.without_tokens(at(self.state.now.into())) {
            None => self.state.entry = 0,
            Some(kept) if had_tokens => self.replace_or_remove(&kept, can_write),
            Some(_) => {}
        }
        self.state.known.logged_out = self.state.next_token;
        self.state.is_login_lost |= self.world.profile == Profile::Login;
        self.end(Ended::Done)
    }

    fn replace_or_remove(&mut self, entry: &Entry, can_write: bool) {
        self.state.entry = if can_write { self.world.entries.number(entry) } else { 0 };
        if !can_write {
            self.state.rejected_at = Default::default();
            self.state.is_login_lost |= self.world.profile == Profile::Login;
        }
    }

    fn log_in(mut self, can_reserve: bool) -> Option<Step> {
        if let Some(error) = rate_limit(self.world.entries.get(self.state.entry), at(self.state.now.into())) {
            return self.fail(&error);
        }
        if !can_reserve {
            return self.end(Ended::Failed(Cause::CannotCache));
        }
        self.process().entry = self.state.entry;
        self.send(Request::Own)
    }

    /// Handles the reply to a login. Only success and a rate limit are published.
    pub fn receive_login(mut self, can_write: bool) -> Option<Step> {
        if self.at() != At::Answered || self.caller().kind != Kind::Login {
            return None;
        }
        let process = *self.process();
        let mut send = |_| Some((process.replies[0], process.asked_at[0]));
        let fetched = self.caller().fetch_by_own_grant(&Entry::default(), process.asked_at[0], &mut send)?;
        if let Err(FetchError::New { error, .. }) = &fetched
            && error.kind != ErrorKind::RateLimited
        {
            // The user sees the error. At this server, the new refresh token replaces the old one.
            if process.replies[0] != Reply::Rejected {
                self.lose_successor();
            }
            return self.fail(error);
        }
        if !can_write {
            self.lose_successor();
            return self.end(Ended::Failed(Cause::CannotCache));
        }
        let next = next_entry(self.world.entries.get(process.entry).clone(), fetched.into(), self.publication(false));
        let failure = next.failure.as_ref().map(|failure| &failure.error);
        let ended = failure.map_or(Ended::Done, |error| Ended::Failed(cause(error)));
        let next = Next::of(&mut self.world.entries, &next, ended);
        self.write(&next);
        self.state.is_login_lost &= ended != Ended::Done;
        self.end(ended)
    }

    /// The entry as it was read without the lock; nothing if it could not be read.
    pub fn before(&self) -> Option<&Entry> {
        let before = self.state.processes[self.me].before;
        (before != UNREAD).then(|| self.world.entries.get(before))
    }

    pub fn use_concurrent_result(&self, entry: u16) -> Option<Result<AccessToken>> {
        let is_late = self.state.processes[self.me].is_late;
        let entry = self.world.entries.get(entry);
        self.caller().use_concurrent_result(self.before(), entry, self.state.now, is_late, self.world.wrong)
    }

    pub fn use_concurrent_result_or_fail(self, entry: u16) -> Option<Step> {
        let result = if self.caller().is_get() { self.use_concurrent_result(entry) } else { None };
        let now = self.state.now;
        match result {
            Some(result) => self.end_with(result, now),
            None => self.end(Ended::Failed(Cause::LockHeld)),
        }
    }

    /// The entry of a login cannot be read, so it is not changed.
    pub fn print_token_in_hand_or_fail(self) -> Option<Step> {
        let now = self.state.now;
        let before = self.before().cloned().unwrap_or_default();
        match self.caller().usable_token(&before, now).cloned() {
            Some(token) => self.print(&token, now),
            None => self.end(Ended::Failed(Cause::CannotCache)),
        }
    }

    pub fn print_token_in_hand(mut self) -> Option<Step> {
        let looked_at = self.process().looked_at;
        let token = self.before()?.token.clone()?;
        self.print(&token, looked_at)
    }

    pub fn end_with(self, result: Result<AccessToken>, looked_at: i32) -> Option<Step> {
        let ended = self.ended(result, looked_at);
        self.end(ended)
    }

    /// A refresh token was issued, or may have been, that never reaches the cache.
    pub fn lose_successor(&mut self) {
        let asked = self.process().requests[0].is_some();
        self.state.is_login_lost |= asked && self.world.profile == Profile::Login;
    }

    pub fn kill(mut self) -> Option<Step> {
        match self.at() {
            At::Start | At::Ended => None,
            At::Sent | At::Answered => {
                self.lose_successor();
                self.end(Ended::Killed)
            }
            _ => self.end(Ended::Killed),
        }
    }
}
