//! What must hold, one function for each promise.

use super::caller::{Caller, Request};
use super::entries::number_of;
use super::events::{EVENTS, Event, Fault, Sort};
use super::state::{At, Credentials, Kind, NOBODY, PROBE, Process, State};
use super::turn::{Cause, Ended, Step, World};
use super::wrong::Wrong;
use crate::cache::entry::Entry;

/// One step, from all sides.
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

/// [`lock_holder_lives`] and [`next_call_succeeds`] look at states and not at steps: they are asked apart.
pub const INVARIANTS: &[Invariant] = &[
    Invariant { letter: 'a', sentence: "at most one exchange is in flight while the lock works", holds: one_exchange },
    Invariant {
        letter: 'b',
        sentence: "a refresh token is not sent again after it was used, nor where its fate is unknown and another grant serves",
        holds: refresh_token_is_sent_once,
    },
    Invariant {
        letter: 'c',
        sentence: "rejected credentials reach the server once in 15 minutes",
        holds: rejected_once,
    },
    Invariant { letter: 'd', sentence: "nothing brings back what a logout forgot", holds: logout_is_final },
    Invariant { letter: 'e', sentence: "invalidate drops its token, and nothing else", holds: invalidate_is_exact },
    Invariant { letter: 'f', sentence: "a forced call prints a token published after its start", holds: forced_is_new },
    Invariant { letter: 'g', sentence: "nobody prints a token that is expired or below its min-ttl", holds: is_usable },
    Invariant {
        letter: 'i',
        sentence: "a failure of one caller's surroundings or credentials answers for nobody else's",
        holds: failure_is_ones_own,
    },
    Invariant { letter: 'j', sentence: "a success clears failures", holds: success_clears_failures },
    Invariant {
        letter: 'k',
        sentence: "without faults, the right credentials get a token, whatever others tried",
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

/// a. Whoever cannot lock or cache may ask beside the others.
fn one_exchange(seen: &Observed<'_>) -> bool {
    let state = &seen.step.state;
    let is_excused = |process: &Process| process.is_alone && seen.world.wrong != Some(Wrong::HeldIsUnavailable);
    let is_in_flight = |process: &&Process| matches!(process.at, At::Sent | At::Answered) && !is_excused(process);
    state.processes.iter().filter(is_in_flight).count() <= 1
}

/// b. Where nothing else serves, a token of unknown fate is sent once more.
fn refresh_token_is_sent_once(seen: &Observed<'_>) -> bool {
    let Some(Request::Refresh(token)) = seen.step.sent else { return true };
    let has_alternative = seen.caller().can_use_own_grant;
    let forbidden = if has_alternative { seen.before.used | seen.before.unanswered } else { seen.before.used };
    forbidden & (1 << token) == 0
}

/// c. A forced call and a login ask in any case.
fn rejected_once(seen: &Observed<'_>) -> bool {
    let Some(request) = seen.step.sent else { return true };
    let now = seen.before.now;
    let at = seen.before.rejected_at[seen.caller().credentials(request) as usize];
    // Whoever cannot lock does not know what the others have learned meanwhile.
    let is_excused = seen.caller().request.force || seen.step.state.processes[seen.me].is_alone;
    is_excused || at.is_none_or(|at| now < at - 60 || now >= at + 15 * 60)
}

/// d. Neither the entry nor a call that starts later has a token from before it.
fn logout_is_final(seen: &Observed<'_>) -> bool {
    let state = &seen.step.state;
    let kept = seen.world.entries.oldest_token(state.entry);
    kept.is_none_or(|token| token >= state.known.logged_out)
        && seen.printed().is_none_or(|token| token >= seen.process().known.logged_out)
}

/// e. Afterwards no call prints it that starts then.
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

/// g. By the last look at the clock: between that and the output it may change.
fn is_usable(seen: &Observed<'_>) -> bool {
    !matches!(seen.step.ended, Some(Ended::Printed { is_usable: false, .. }))
}

/// i.
fn failure_is_ones_own(seen: &Observed<'_>) -> bool {
    let caller = seen.caller();
    match seen.step.ended {
        Some(Ended::Failed(Cause::Broken)) => caller.kind == Kind::Broken,
        Some(Ended::Failed(Cause::Rejected(credentials))) => {
            // A rejected refresh token is no verdict on the caller's credentials.
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

/// k. A login that is over is not had back without a person.
fn right_credentials_serve(seen: &Observed<'_>) -> bool {
    let is_right =
        matches!(seen.caller().kind, Kind::Plain | Kind::Command | Kind::MinTtl | Kind::Forced | Kind::Login);
    let can_fail = seen.before.faults() > 0 || seen.before.is_login_lost || seen.event.sort != Sort::Step;
    !is_right || can_fail || !matches!(seen.step.ended, Some(Ended::Failed(_)))
}

/// h. The lock's holder lives and waits for nobody; the search sees that some step is possible. Deadlines have tests in
/// `deadlines.rs`.
pub fn lock_holder_lives(state: &State) -> bool {
    let is_working = |process: &Process| process.is_running() && !matches!(process.at, At::TryLock | At::WaitForLock);
    state.lock == NOBODY || is_working(&state.processes[usize::from(state.lock)])
}

/// l. Once a rate limit is over, and 15 minutes after a gateway's 401. A login that is lost is not had back.
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

/// Whether a call gets a token that has nobody and no fault in its way.
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
