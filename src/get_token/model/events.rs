//! The table of all events.

use std::rc::Rc;

use super::caller::Request;
use super::search::Space;
use super::server::SHORT;
use super::state::{At, Process, Reply, State};
use super::turn::{Moves, Step, Turn, World};

/// How often an event may happen on one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A step of a process or of the server, at any time.
    Step,
    /// A fault: at most one of each sort, and in total as many as [`super::search::Space::faults`] allows.
    Fault(Fault),
    /// Once.
    Kill,
    Aging,
    Expiry,
    ClockStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Read,
    Lock,
    Reserve,
    Publish,
    Deadline,
    Lost,
    ServerError,
    RateLimit,
    Page,
    OddTokens,
}

impl Sort {
    /// Its bit in [`State::happened`]; the faults have the lowest bits.
    fn bit(self) -> u32 {
        match self {
            Self::Step => 0,
            Self::Fault(fault) => 1 << fault as u32,
            Self::Kill => 1 << 16,
            Self::Aging => 1 << 17,
            Self::Expiry => 1 << 18,
            Self::ClockStep => 1 << 19,
        }
    }
}

/// The bits of all faults, and one that means that no more faults are allowed.
const FAULTS: u32 = 0xFFFF;
const NO_MORE_FAULTS: u32 = 1 << 15;

impl State {
    pub fn faults(&self) -> u32 {
        (self.happened & FAULTS).count_ones()
    }

    pub fn has_seen(&self, sort: Sort) -> bool {
        self.happened & sort.bit() != 0
    }
}

pub struct Event {
    /// A one-word name, for replayed paths.
    pub name: &'static str,
    pub sort: Sort,
    /// A description for the story; `{p}` is the process.
    pub story: &'static str,
    /// The step; nothing if it cannot happen now.
    pub step: fn(Turn<'_>) -> Option<Step>,
}

impl Event {
    /// Whether it brings a process nearer to its end, and always happens eventually.
    pub fn is_progress(&self) -> bool {
        self.sort == Always && self.name != "arrive"
    }
}

const fn event(name: &'static str, sort: Sort, story: &'static str, step: fn(Turn<'_>) -> Option<Step>) -> Event {
    Event { name, sort, story, step }
}

use Fault::*;
use Sort::{Aging, ClockStep, Expiry, Kill, Step as Always};

pub const EVENTS: &[Event] = &[
    event("look", Always, "{p} reads the entry", |turn| turn.look(true)),
    event("lock", Always, "{p} takes the lock", |turn| turn.take_lock(false)),
    event("held", Always, "{p} finds the lock held", |turn| turn.lock_is_held()),
    event("reread", Always, "{p} reads the entry again", |turn| turn.read_again(true, true)),
    event("begin", Always, "{p} chooses its grant", |turn| turn.begin(true)),
    event("serve", Always, "the server acts on the request of {p}", serve),
    event("receive", Always, "{p} receives the reply", |turn| turn.receive(true)),
    event("act", Always, "{p} works with the lock", |turn| turn.do_locked(true)),
    event("finish", Always, "{p} receives the reply to its login", |turn| turn.receive_login(true)),
    event("arrive", Always, "the abandoned request reaches the server", arrive),
    event("unread", Sort::Fault(Read), "{p} cannot read the entry", |turn| turn.look(false)),
    event("unreread", Sort::Fault(Read), "{p} cannot read the entry again", |turn| turn.read_again(false, true)),
    event("nolock", Sort::Fault(Lock), "{p} cannot lock here", |turn| turn.cannot_lock()),
    event("noroom", Sort::Fault(Reserve), "{p} finds no space for the next entry", |turn| turn.read_again(true, false)),
    event("nobegin", Sort::Fault(Reserve), "{p} cannot write the attempt", |turn| turn.begin(false)),
    event("nowrite", Sort::Fault(Publish), "{p} cannot write with the lock", |turn| turn.do_locked(false)),
    event("unsaved", Sort::Fault(Publish), "{p} receives the reply and cannot publish", |turn| turn.receive(false)),
    event("unkept", Sort::Fault(Publish), "{p} logs in and cannot publish", |turn| turn.receive_login(false)),
    event("giveup", Sort::Fault(Deadline), "{p} times out waiting for the lock", |turn| turn.give_up()),
    event("late", Sort::Fault(Deadline), "{p} takes the lock shortly before its deadline", |turn| turn.take_lock(true)),
    event("drop", Sort::Fault(Lost), "{p} abandons its request, which is still in flight", drop_request),
    event("lose", Sort::Fault(Lost), "the server acts on the request of {p}, and its reply is lost", lose_reply),
    event("error", Sort::Fault(ServerError), "the server responds to {p} with 500", |turn| {
        fail(turn, Reply::ServerError)
    }),
    event("limit", Sort::Fault(RateLimit), "the server responds to {p} with 429", |turn| {
        fail(turn, Reply::RateLimited)
    }),
    event("portal", Sort::Fault(Page), "a portal responds to {p} with 200 and HTML", |turn| {
        fail(turn, Reply::Page(200))
    }),
    event("page403", Sort::Fault(Page), "a gateway responds to {p} with 403 and HTML", |turn| {
        fail(turn, Reply::Page(403))
    }),
    event("page401", Sort::Fault(Page), "a gateway responds to {p} with 401 and HTML", |turn| {
        fail(turn, Reply::Page(401))
    }),
    event("short", Sort::Fault(OddTokens), "the server gives {p} a token with a lifetime of 5 s, after 7 s", |turn| {
        odd_tokens(turn, Reply::ShortLived)
    }),
    event("bare", Sort::Fault(OddTokens), "the server gives {p} a refresh token without an access token", |turn| {
        odd_tokens(turn, Reply::WithoutAccess)
    }),
    event("kill", Kill, "{p} is killed", |turn| turn.kill()),
    event("age", Aging, "6,100 s pass", |turn| clock(turn, 6_100)),
    event("expire", Expiry, "7,200 s pass", |turn| clock(turn, 7_200)),
    event("back", ClockStep, "the clock is set back by an hour", |turn| clock(turn, -3_600)),
    event("forward", ClockStep, "the clock is set forward by 16 minutes", |turn| clock(turn, 960)),
];

/// The server handles a request. A broken proxy blocks it.
fn serve(mut turn: Turn<'_>) -> Option<Step> {
    if turn.at() != At::Sent {
        return None;
    }
    let request = turn.open_request();
    let credentials = turn.caller().credentials(request);
    let reply = if turn.caller().has_broken_proxy { Reply::NotSent } else { turn.state.handle(credentials, request) };
    turn.reply(reply)
}

/// Whether the request of this process reaches the server.
fn is_sent(turn: &Turn<'_>) -> bool {
    turn.at() == At::Sent && !turn.caller().has_broken_proxy
}

fn fail(turn: Turn<'_>, reply: Reply) -> Option<Step> {
    if is_sent(&turn) { turn.reply(reply) } else { None }
}

fn odd_tokens(mut turn: Turn<'_>, reply: fn(u8) -> Reply) -> Option<Step> {
    debug_assert!(SHORT.1 < 8, "it comes in time");
    if !is_sent(&turn) {
        return None;
    }
    let request = turn.open_request();
    match turn.state.handle(turn.caller().credentials(request), request) {
        Reply::Tokens(number) => turn.reply(reply(number)),
        _ => None,
    }
}

fn lose_reply(mut turn: Turn<'_>) -> Option<Step> {
    if !is_sent(&turn) {
        return None;
    }
    let request = turn.open_request();
    turn.state.handle(turn.caller().credentials(request), request);
    turn.lose_successor();
    turn.reply(Reply::Lost)
}

fn drop_request(mut turn: Turn<'_>) -> Option<Step> {
    if !is_sent(&turn) {
        return None;
    }
    // A password grant that arrives later issues tokens that no process receives.
    turn.state.on_the_way = match turn.open_request() {
        Request::Refresh(token) => token,
        Request::Own => 0,
    };
    turn.lose_successor();
    turn.reply(Reply::Lost)
}

fn arrive(mut turn: Turn<'_>) -> Option<Step> {
    if turn.me != 0 || turn.state.on_the_way == 0 {
        return None;
    }
    let request = Request::Refresh(turn.state.on_the_way);
    turn.state.handle(super::state::Credentials::Right, request);
    turn.state.on_the_way = 0;
    Some(Step { state: turn.state, ended: None, sent: None })
}

fn clock(mut turn: Turn<'_>, seconds: i32) -> Option<Step> {
    turn.state.now += seconds;
    Some(Step { state: turn.state, ended: None, sent: None })
}

impl World {
    /// All events that can happen to a process in this state, by the rows of [`EVENTS`], as if no rare event had
    /// happened yet. The result does not depend on the other processes, so it is computed once.
    pub fn moves(&mut self, state: &State, me: usize) -> Moves {
        let mut alone = State { happened: 0, ..*state };
        alone.processes = Default::default();
        alone.processes[me] = state.processes[me];
        if let Some(moves) = self.moves.get(&(me, alone)) {
            return Rc::clone(moves);
        }
        let mut moves = Vec::new();
        for (row, event) in EVENTS.iter().enumerate() {
            moves.extend((event.step)(Turn { world: self, state: alone, me }).map(|step| (row as u8, step)));
        }
        let moves = Moves::from(moves);
        self.moves.insert((me, alone), Rc::clone(&moves));
        moves
    }
}

impl State {
    /// Whether an event of this sort may happen, with at most this many faults.
    pub fn allows(&self, sort: Sort, me: usize, space: Space) -> bool {
        let is_new = self.happened & sort.bit() == 0;
        match sort {
            Sort::Step => true,
            Sort::Fault(_) => is_new && self.happened & NO_MORE_FAULTS == 0 && self.faults() < space.faults,
            Kill => is_new,
            // The initial entry covers what happened before.
            Aging | Expiry | ClockStep => {
                is_new && space.has_clock && me == 0 && self.processes.iter().any(Process::is_running)
            }
        }
    }

    /// The state after a step of [`World::moves`].
    pub fn after(&self, step: &Step, sort: Sort, me: usize, space: Space) -> Self {
        let mut next = step.state;
        let own = next.processes[me];
        next.processes = self.processes;
        next.processes[me] = own;
        next.happened = self.happened | sort.bit();
        // It no longer matters which faults these were, with one exception.
        if space.faults > 0 && next.faults() >= space.faults {
            next.happened = (next.happened & !FAULTS) | NO_MORE_FAULTS | (next.happened & Sort::Fault(Page).bit());
        }
        next
    }
}
