//! The invariants, one function for each.

use super::caller::{Caller, Request};
use super::entries::number_of;
use super::events::{EVENTS, Event, Fault, Sort};
use super::state::{At, Credentials, Kind, NOBODY, PROBE, Process, State};
use super::turn::{Cause, Ended, Step, World};
use super::wrong::Wrong;
use crate::cache::entry::Entry;

/// A step, with the states before and after it.
pub struct Observed<'a> {
    pub world: &'a World,
    pub before: &'a State,
    pub step: &'a Step,
    pub event: &'a Event,
    pub me: usize,
}

pub struct Invariant {
    pub letter: char,
    pub sentence: &'static str,
    pub holds: fn(&Observed<'_>) -> bool,
}

/// [`lock_holder_lives`] and [`next_call_succeeds`] are checked separately, because they concern states instead of
/// steps.
pub const INVARIANTS: &[Invariant] = &[
    Invariant { letter: 'a', sentence: "at most one exchange is in flight while the lock works", holds: one_exchange },
    Invariant {
        letter: 'b',
        sentence: "a refresh token is not sent again after it was used, nor if its response was lost and another grant is possible",
        holds: refresh_token_is_sent_once,
    },
    Invariant {
        letter: 'c',
        sentence: "rejected credentials reach the server once in 15 minutes",
        holds: rejected_once,
    },
    Invariant { letter: 'd', sentence: "tokens that a logout removed do not come back", holds: logout_is_final },
    Invariant { letter: 'e', sentence: "invalidate removes its token, and nothing else", holds: invalidate_is_exact },
    Invariant { letter: 'f', sentence: "a forced call prints a token published after its start", holds: forced_is_new },
    Invariant {
        letter: 'g',
        sentence: "no call prints a token that has expired or has less than its min-ttl",
        holds: is_usable,
    },
    Invariant {
        letter: 'i',
        sentence: "a failure of one caller's source or credentials does not apply to other callers",
        holds: failure_is_ones_own,
    },
    Invariant { letter: 'j', sentence: "a success clears failures", holds: success_clears_failures },
    Invariant {
        letter: 'k',
        sentence: "without faults, the right credentials get a token, regardless of other callers",
        holds: right_credentials_serve,
    },
];

pub const H: &str = "every process can take a step until it ends";
pub const L: &str = "when faults stop, the next call succeeds";

impl Observed<'_> {
    fn caller(&self) -> &Caller {
        &self.world.callers[self.me]
    }

    /// The process before the step.
    fn process(&self) -> &Process {
        &self.before.processes[self.me]
    }

    fn printed(&self) -> Option<u8> {
        match self.step.ended {
            Some(Ended::Printed { token, .. }) => Some(token),
            _ => None,
        }
    }

    fn entry(&self, state: &State) -> &Entry {
        self.world.entries.get(state.entry)
    }
}

/// a. A caller that cannot lock or cache may send a request at the same time.
fn one_exchange(seen: &Observed<'_>) -> bool {
    let state = &seen.step.state;
    let is_excused = |process: &Process| process.is_alone && seen.world.wrong != Some(Wrong::HeldIsUnavailable);
    let is_in_flight = |process: &&Process| matches!(process.at, At::Sent | At::Answered) && !is_excused(process);
    state.processes.iter().filter(is_in_flight).count() <= 1
}

/// b. Without an alternative, a token that may be used up is sent once more.
fn refresh_token_is_sent_once(seen: &Observed<'_>) -> bool {
    let Some(Request::Refresh(token)) = seen.step.sent else { return true };
    let has_alternative = seen.caller().can_use_own_grant;
    let forbidden = if has_alternative { seen.before.used | seen.before.unanswered } else { seen.before.used };
    forbidden & (1 << token) == 0
}

/// c. A forced call and a login always send a request.
fn rejected_once(seen: &Observed<'_>) -> bool {
    let Some(request) = seen.step.sent else { return true };
    let now = seen.before.now;
    let at = seen.before.rejected_at[seen.caller().credentials(request) as usize];
    // A caller that cannot lock does not know what other callers have learned in the meantime.
    let is_excused = seen.caller().request.force || seen.step.state.processes[seen.me].is_alone;
    is_excused || at.is_none_or(|at| now < at - 60 || now >= at + 15 * 60)
}

/// d. After a logout, neither the entry nor a later call has a token from before it.
fn logout_is_final(seen: &Observed<'_>) -> bool {
    let state = &seen.step.state;
    let kept = seen.world.entries.oldest_token(state.entry);
    kept.is_none_or(|token| token >= state.known.logged_out)
        && seen.printed().is_none_or(|token| token >= seen.process().known.logged_out)
}

/// e. Calls that start after `invalidate` do not print the token.
fn invalidate_is_exact(seen: &Observed<'_>) -> bool {
    let stays_away = seen.printed().is_none_or(|token| token != 1 || !seen.process().known.is_invalidated);
    let is_write = seen.caller().kind == Kind::Invalidate && seen.before.entry != seen.step.state.entry;
    let is_exact = || {
        let (before, after) = (seen.entry(seen.before), seen.entry(&seen.step.state));
        let had_it = before.token.as_ref().is_some_and(|token| number_of(&token.value) == 1);
        had_it && *after == Entry { token: None, ..before.clone() }
    };
    let is_clock = !matches!(seen.event.sort, Sort::Step | Sort::Fault(_));
    stays_away && (!is_write || is_clock || seen.event.sort == Sort::Fault(Fault::Publish) || is_exact())
}

/// f.
fn forced_is_new(seen: &Observed<'_>) -> bool {
    !seen.caller().request.force || seen.printed().is_none_or(|token| token > seen.process().known.published)
}

/// g. Uses the last time that the process read the clock, because time may pass before the output.
fn is_usable(seen: &Observed<'_>) -> bool {
    !matches!(seen.step.ended, Some(Ended::Printed { is_usable: false, .. }))
}

/// i.
fn failure_is_ones_own(seen: &Observed<'_>) -> bool {
    let caller = seen.caller();
    match seen.step.ended {
        Some(Ended::Failed(Cause::Broken)) => caller.kind == Kind::Broken,
        Some(Ended::Failed(Cause::Rejected(credentials))) => {
            // A rejected refresh token is not a rejection of the caller's credentials.
            let own = [caller.credentials(Request::Own), caller.credentials(Request::Refresh(0))];
            own.contains(&credentials) || credentials == Credentials::Right
        }
        _ => true,
    }
}

/// j.
fn success_clears_failures(seen: &Observed<'_>) -> bool {
    let is_success = seen.before.known.published != seen.step.state.known.published;
    let entry = seen.entry(&seen.step.state);
    !is_success || (entry.failure.is_none() && entry.rejections.is_empty())
}

/// k. After a login has ended, only the user can log in again.
fn right_credentials_serve(seen: &Observed<'_>) -> bool {
    let is_right =
        matches!(seen.caller().kind, Kind::Plain | Kind::Command | Kind::MinTtl | Kind::Forced | Kind::Login);
    let can_fail = seen.before.faults() > 0 || seen.before.is_login_lost || seen.event.sort != Sort::Step;
    !is_right || can_fail || !matches!(seen.step.ended, Some(Ended::Failed(_)))
}

/// h. The lock's holder is alive and waits for no other process; the search checks that some step is possible.
/// `deadlines.rs` tests the deadlines.
pub fn lock_holder_lives(state: &State) -> bool {
    let is_working = |process: &Process| process.is_running() && !matches!(process.at, At::TryLock | At::WaitForLock);
    state.lock == NOBODY || is_working(&state.processes[usize::from(state.lock)])
}

/// l. After a rate limit has ended, and 15 minutes after a gateway's 401. A lost login does not come back.
pub fn next_call_succeeds(world: &mut World, state: &State) -> bool {
    let wait = if state.has_seen(Sort::Fault(Fault::Page)) { 15 * 60 + 1 } else { 61 };
    let mut probe = State { happened: 0, now: state.now + wait, known: Default::default(), ..*state };
    probe.processes[PROBE] = Process::default();
    state.is_login_lost || *world.probes.get(&probe).unwrap_or(&false) || {
        let is_served = probe_succeeds(world, probe);
        world.probes.insert(probe, is_served);
        is_served
    }
}

/// Whether a call gets a token if no other process and no fault interferes.
fn probe_succeeds(world: &mut World, mut state: State) -> bool {
    loop {
        let moves = world.moves(&state, PROBE);
        let Some((_, step)) = moves.iter().find(|(row, _)| EVENTS[usize::from(*row)].is_progress()) else {
            return false;
        };
        match step.ended {
            Some(Ended::Printed { is_usable, .. }) => return is_usable,
            Some(_) => return false,
            None => state = step.state,
        }
    }
}
