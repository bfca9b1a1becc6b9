//! Breadth-first search, so that the first violation has the shortest path.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::events::EVENTS;
use super::hash::Fast;
use super::invariants::{H, INVARIANTS, L, Observed, lock_holder_lives, next_call_succeeds};
use super::state::{Configuration, State};
use super::turn::{Step, World};
use super::wrong::Wrong;

/// Which events are explored for each configuration.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// The maximum number of faults on a path.
    pub faults: u32,
    /// Whether time passes, and whether the clock is changed.
    pub has_clock: bool,
    pub wrong: Option<Wrong>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub configurations: u64,
    pub states: u64,
    pub transitions: u64,
}

/// An event (its row in the table) and the process that it happens to.
pub type Move = (u8, u8);

#[derive(Clone, Debug)]
pub struct Violation {
    pub configuration: Configuration,
    pub space: Space,
    pub letter: char,
    pub sentence: &'static str,
    pub path: Vec<Move>,
}

struct Node {
    state: State,
    parent: u32,
    by: Move,
}

/// Explores all states of one configuration. Returns the shortest path to a violation, if there is one.
pub fn explore(configuration: &Configuration, space: Space) -> Result<Figures, Box<Violation>> {
    let mut world = World::new(configuration, space.wrong);
    let first = world.first_state(configuration.start, configuration.kinds.len());
    let mut nodes = vec![Node { state: first, parent: 0, by: (0, 0) }];
    let mut known: HashSet<State, Fast> = HashSet::from_iter([first]);
    let mut figures = Figures { configurations: 1, ..Figures::default() };
    let mut next = 0;
    while next < nodes.len() {
        let state = nodes[next].state;
        let violated = |letter, sentence, last: Option<Move>, nodes: &[Node]| {
            let mut path: Vec<_> = last.into_iter().collect();
            let mut at = next;
            while at != 0 {
                path.push(nodes[at].by);
                at = nodes[at].parent as usize;
            }
            path.reverse();
            Box::new(Violation { configuration: configuration.clone(), space, letter, sentence, path })
        };
        let is_over = state.is_over(configuration.kinds.len());
        if is_over && !next_call_succeeds(&mut world, &state) {
            return Err(violated('l', L, None, &nodes));
        }
        let mut can_go_on = false;
        for me in 0..configuration.kinds.len() {
            for (row, step) in world.moves(&state, me).iter() {
                let event = &EVENTS[usize::from(*row)];
                if !state.allows(event.sort, me, space) {
                    continue;
                }
                let step = Step { state: state.after(step, event.sort, me, space), ..*step };
                figures.transitions += 1;
                can_go_on |= event.is_progress();
                let by = (*row, me as u8);
                let seen = Observed { world: &world, before: &state, step: &step, event, me };
                if let Some(broken) = INVARIANTS.iter().find(|invariant| !(invariant.holds)(&seen)) {
                    return Err(violated(broken.letter, broken.sentence, Some(by), &nodes));
                }
                if known.insert(step.state) {
                    nodes.push(Node { state: step.state, parent: next as u32, by });
                }
            }
        }
        let is_stuck = !can_go_on || !lock_holder_lives(&state);
        if is_stuck && !is_over {
            return Err(violated('h', H, None, &nodes));
        }
        next += 1;
    }
    figures.states = nodes.len() as u64;
    Ok(figures)
}

/// Explores all configurations on all cores. Returns the first violation, or the total figures.
pub fn explore_all(configurations: &[Configuration], space: Space) -> Result<Figures, Box<Violation>> {
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Ok(Figures::default()));
    let work = || {
        while let Some(configuration) = configurations.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = explore(configuration, space);
            let mut sum = sum.lock().unwrap();
            match (&mut *sum, result) {
                (Err(_), _) => return,
                (Ok(sum), Ok(figures)) => {
                    sum.configurations += figures.configurations;
                    sum.states += figures.states;
                    sum.transitions += figures.transitions;
                }
                (sum, Err(violation)) => *sum = Err(violation),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    sum.into_inner().unwrap()
}
