//! Checks that traces of the real program are paths of the model. `tests/it/conformance.rs` records them: for each
//! process its log messages in order, and the requests that reached the server.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::caller::Request;
use super::events::{EVENTS, Event};
use super::search::Space;
use super::state::{At, Configuration, NOBODY, Reply, State};
use super::turn::{Ended, Step, World};
use crate::config::grant::PASSWORD_GRANT;

/// A trace has at most one fault, and no time passes.
const SPACE: Space = Space { faults: 1, has_clock: false, wrong: None };

struct Trace {
    configuration: Configuration,
    /// The events of each process, and last those of the server.
    events: Vec<Vec<String>>,
}

impl Trace {
    fn parse(text: &str) -> Option<Self> {
        let (configuration, events) = text.split_once('\n')?;
        let list = |line: &str| Some(line.split_once(": ")?.1.split("; ").map(str::to_owned).collect());
        let configuration = Configuration::parse(configuration)?;
        let events: Vec<_> = events.lines().map(list).collect::<Option<_>>()?;
        (events.len() == configuration.kinds.len() + 1).then_some(Self { configuration, events })
    }

    /// Whether some order of the model's steps has exactly these events.
    fn is_path(&self) -> bool {
        let count = self.configuration.kinds.len();
        let mut world = World::new(&self.configuration, None);
        let first = world.first_state(self.configuration.start, count);
        let mut open = vec![(first, vec![0; count + 1])];
        let mut known = HashSet::new();
        while let Some((state, seen)) = open.pop() {
            if !known.insert((state, seen.clone())) {
                continue;
            }
            if state.is_over(count) && self.events.iter().zip(&seen).all(|(events, seen)| events.len() == *seen) {
                return true;
            }
            for me in 0..count {
                if state.processes[me].at == At::WaitForLock && state.lock != NOBODY {
                    open.extend(self.follow(&seen, me, &["waits".to_owned()]).map(|seen| (state, seen)));
                }
                for (row, step) in world.moves(&state, me).iter() {
                    let event = &EVENTS[usize::from(*row)];
                    if !state.allows(event.sort, me, SPACE) {
                        continue;
                    }
                    let next = state.after(step, event.sort, me, SPACE);
                    let follows = self.follow(&seen, me, &shown(event, &state, step, me));
                    let follows = follows.and_then(|seen| self.follow(&seen, count, &arrived(&state, &next, me)));
                    open.extend(follows.map(|seen| (next, seen)));
                }
            }
        }
        false
    }

    /// The position in the trace after these events of a process.
    fn follow(&self, seen: &[usize], who: usize, events: &[String]) -> Option<Vec<usize>> {
        let mut seen = seen.to_vec();
        let is_next = self.events[who][seen[who]..].starts_with(events);
        seen[who] += events.len();
        is_next.then_some(seen)
    }
}

fn grant(request: Request) -> &'static str {
    match request {
        Request::Refresh(_) => "refresh_token",
        Request::Own => PASSWORD_GRANT,
    }
}

/// What a process with `-v` prints in a step.
fn shown(event: &Event, before: &State, step: &Step, me: usize) -> Vec<String> {
    let mut shown = Vec::new();
    let process = &before.processes[me];
    let is_read = process.at == At::Answered && step.ended != Some(Ended::Killed);
    if let Some(reply) = process.replies.iter().rfind(|reply| is_read && **reply != Reply::None) {
        shown.extend(match reply {
            Reply::None | Reply::Lost | Reply::NotSent => None,
            Reply::Tokens(_) | Reply::ShortLived(_) | Reply::WithoutAccess(_) => Some("gets 200".to_owned()),
            Reply::Rejected | Reply::Page(401 | 403) => Some("gets 4xx".to_owned()),
            Reply::ServerError => Some("gets 500".to_owned()),
            Reply::RateLimited => Some("gets 429".to_owned()),
            Reply::Page(status) => Some(format!("gets {status}")),
        });
    }
    if let Some(request) = step.sent {
        shown.extend((process.at == At::Answered).then(|| "falls back".to_owned()));
        shown.push(format!("asks {}", grant(request)));
    }
    shown.extend(match (step.ended, event.name) {
        (Some(Ended::Printed { .. }), "look") => Some("finds a fresh token".to_owned()),
        (Some(Ended::Printed { .. }), "reread" | "giveup") => Some("uses another's token".to_owned()),
        _ => None,
    });
    shown.extend(step.ended.map(|ended| match ended {
        Ended::Printed { token: 1, .. } => "prints the old token".to_owned(),
        Ended::Printed { token, .. } => format!("prints new token {}", token - 2),
        Ended::Failed(_) => "fails".to_owned(),
        Ended::Done => "is done".to_owned(),
        Ended::Killed => "is killed".to_owned(),
    }));
    shown
}

/// What the server sees of a step.
fn arrived(before: &State, after: &State, me: usize) -> Vec<String> {
    let process = &before.processes[me];
    let is_answered = process.at == At::Sent && after.processes[me].at == At::Answered;
    let request = process.requests.iter().rev().find_map(|request| *request).filter(|_| is_answered);
    request.map(|request| grant(request).to_owned()).into_iter().collect()
}

/// The recorded traces, as text.
fn recorded() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces.txt");
    let traces: Vec<_> = fs::read_to_string(path).unwrap().trim_end().split("\n\n").map(str::to_owned).collect();
    assert!(traces.len() > 20, "{} traces", traces.len());
    traces
}

#[test]
fn traces_of_the_program_are_paths_of_the_model() {
    for text in recorded() {
        assert!(Trace::parse(&text).expect("a trace").is_path(), "{text}");
    }
}

/// With one request more or less, the trace is not a path of the model.
#[test]
fn other_traces_are_not_paths_of_the_model() {
    let mut changed = 0;
    for text in recorded() {
        let asks_too = text.replacen("waits; uses another's token", "waits; asks password; gets 200", 1);
        let asks_not = text.replacen("asks password; gets 200; ", "", 1);
        for wrong in [asks_too, asks_not].into_iter().filter(|wrong| *wrong != text) {
            assert!(!Trace::parse(&wrong).expect("a trace").is_path(), "{wrong}");
            changed += 1;
        }
    }
    assert!(changed > 10, "{changed} traces");
}
