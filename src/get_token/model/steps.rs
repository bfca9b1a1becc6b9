//! The steps of a call for a token, as in `get_token/mod.rs`, with the real decisions.

use std::time::Duration;

use super::caller::Request;
use super::state::{At, Kind, NOBODY, UNREAD};
use super::turn::{Cause, Ended, Step, Turn};
use super::wrong::Wrong;
use crate::cache::entry::Entry;
use crate::get_token::decisions::Action;
use crate::get_token::decisions::grants::{NextGrant, needs_refresh_token};
use crate::get_token::next_entry::attempt;

impl Turn<'_> {
    /// Reads the entry without the lock, and decides.
    pub fn look(mut self, can_read: bool) -> Option<Step> {
        if self.at() != At::Start {
            return None;
        }
        self.start();
        match self.caller().kind {
            Kind::Invalidate => return self.look_for_rejected(can_read),
            Kind::Logout | Kind::Login if !can_read => return None,
            Kind::Logout if self.world.wrong == Some(Wrong::LogoutWithoutLock) => return self.forget_tokens(true),
            Kind::Logout | Kind::Login => return self.go_to(At::WaitForLock),
            _ => {}
        }
        let (entry, now) = (self.state.entry, self.state.now);
        self.process().before = if can_read { entry } else { UNREAD };
        let before = if can_read { self.world.entries.get(entry) } else { &Entry::default() };
        match self.caller().look(before, now) {
            Action::Serve(token) => self.print(&token, now),
            Action::RefreshEarly(_) => {
                self.process().looked_at = now;
                self.go_to(At::TryLock)
            }
            Action::Fail(error) => self.fail(&error),
            Action::Refresh => self.go_to(At::WaitForLock),
        }
    }

    /// Gets the lock; `is_late` if that took nearly all of its time.
    pub fn take_lock(mut self, is_late: bool) -> Option<Step> {
        let can_wait = self.at() == At::WaitForLock;
        if self.state.lock != NOBODY || !(can_wait || (self.at() == At::TryLock && !is_late)) {
            return None;
        }
        self.state.lock = self.me as u8;
        self.process().is_late = is_late;
        self.go_to(At::Locked)
    }

    /// Another process holds the lock. A process with a usable token prints it; others continue to wait.
    pub fn lock_is_held(self) -> Option<Step> {
        match self.at() {
            _ if self.state.lock == NOBODY => None,
            At::TryLock => self.print_token_in_hand(),
            At::WaitForLock if self.world.wrong == Some(Wrong::HeldIsUnavailable) => self.cannot_lock(),
            _ => None,
        }
    }

    pub fn cannot_lock(self) -> Option<Step> {
        match self.at() {
            At::TryLock => self.print_token_in_hand(),
            At::WaitForLock if self.caller().is_get() => {
                let before = self.before().cloned().unwrap_or_default();
                self.cannot_cache(before)
            }
            At::WaitForLock => self.end(Ended::Failed(Cause::CannotCache)),
            _ => None,
        }
    }

    /// The wait for the lock times out.
    pub fn give_up(self) -> Option<Step> {
        let entry = self.state.entry;
        match self.at() {
            At::WaitForLock if self.state.lock != NOBODY => self.use_concurrent_result_or_fail(entry),
            _ => None,
        }
    }

    /// With the lock: reads the entry again, and uses another process's result or reserves space.
    pub fn read_again(mut self, can_read: bool, can_reserve: bool) -> Option<Step> {
        if self.at() != At::Locked || !self.caller().is_get() {
            return None;
        }
        let is_blind = self.world.wrong == Some(Wrong::NoSecondRead) && self.before().is_some();
        let before = self.process().before;
        let entry = match can_read {
            _ if is_blind => before,
            true => self.state.entry,
            false => 0,
        };
        let is_late = self.process().is_late;
        if !self.caller().has_time_for_exchange(is_late) {
            return self.use_concurrent_result_or_fail(entry);
        }
        if !can_read && !self.caller().can_use_own_grant {
            return self.print_token_in_hand_or_fail();
        }
        if !can_read {
            self.state.rejected_at = Default::default();
        }
        if !is_blind && let Some(result) = self.use_concurrent_result(entry) {
            let now = self.state.now;
            return self.end_with(result, now);
        }
        if !can_reserve {
            let entry = self.world.entries.get(entry).clone();
            return self.cannot_cache(entry);
        }
        self.process().entry = entry;
        if self.world.wrong == Some(Wrong::OldRefreshToken)
            && let Some(before) = self.before()
        {
            let refresh_token = before.refresh_token.clone();
            let old = Entry { refresh_token, ..self.world.entries.get(entry).clone() };
            self.process().entry = self.world.entries.number(&old);
        }
        self.go_to(At::Reserved)
    }

    /// Chooses the grant, publishes the attempt and sends the request; or publishes why nothing is sent.
    pub fn begin(mut self, can_write: bool) -> Option<Step> {
        if self.at() != At::Reserved || !self.caller().is_get() {
            return None;
        }
        let number = self.process().entry;
        let entry = self.world.entries.get(number).clone();
        match self.caller().plan(&entry, self.state.now) {
            Err(error) => {
                let next = self.next(Err(error).into(), Duration::ZERO);
                self.publish(next, can_write)
            }
            Ok(_) if !can_write => self.cannot_cache(entry),
            Ok(grant) => {
                if self.state.entry != 0 {
                    self.state.entry = self.world.entries.number(&attempt(&entry, grant));
                }
                let request = match grant {
                    NextGrant::Refresh(token) => Request::of(token),
                    NextGrant::Own => Request::Own,
                };
                self.send(request)
            }
        }
    }

    /// Nothing can be cached: other callers are not blocked, and no refresh token is spent.
    fn cannot_cache(mut self, entry: Entry) -> Option<Step> {
        self.release();
        let now = self.state.now;
        if let Some(token) = self.caller().usable_token(&entry, now).cloned() {
            return self.print(&token, now);
        }
        if needs_refresh_token(&entry, self.caller().can_use_own_grant) {
            return self.end(Ended::Failed(Cause::CannotCache));
        }
        self.process().is_alone = true;
        self.process().entry = self.world.entries.number(&entry);
        let mut wanted = None;
        let mut send = |request| {
            wanted = Some(request);
            None
        };
        match (self.caller().fetch_by_own_grant(&entry, now, &mut send), wanted) {
            (None, Some(request)) => self.send(request),
            (Some(result), _) => {
                let ended = self.uncached(result.into(), Duration::ZERO);
                self.end(ended)
            }
            (None, None) => None,
        }
    }
}
