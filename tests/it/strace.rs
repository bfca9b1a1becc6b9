//! The system calls of a run, by `strace`, which can also let them fail or kill the process at any of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::requirements;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};

/// The calls of the exchange's thread that are looked at: others, such as giving memory back at its end, may or may not
/// come before the process ends.
const NETWORK: &str = "socket connect setsockopt getsockopt getsockname getpeername sendto recvfrom shutdown";

/// A system call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Which of that name in its thread it is, from 1: this is how `strace` counts.
    pub ordinal: usize,
    /// Whether it is one of the main thread. The other thread is the exchange's: it touches no file.
    pub is_main: bool,
    /// Whether what is done to this call is done to one of the other thread too, as both are counted alike.
    pub is_double: bool,
    /// The whole line.
    pub line: String,
}

/// Whether `strace` can be used here: see [`requirements::need`].
#[track_caller]
pub fn is_there() -> bool {
    requirements::is_installed("strace", &["-f", "-o", "/dev/null", "true"])
}

/// The program under `strace` with these options.
pub fn command(sandbox: &Sandbox, options: &[&str], arguments: &[&str]) -> Command {
    let mut command = sandbox.command("strace");
    command.args(["--follow-forks", "--quiet=all"]).args(options).arg("--").arg(PROGRAM).args(arguments);
    command
}

/// Runs the program under `strace` and gives its calls: those of the main thread, and of the exchange's those whose
/// name the main thread never uses. Any other cannot be aimed at, as it is counted in each thread by itself.
#[track_caller]
pub fn calls(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Call> {
    let trace = sandbox.path().join("trace");
    let output = trace.to_str().unwrap();
    let outcome = Running::start(&mut command(sandbox, &["--output", output], arguments)).end();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    let mut calls = read(&trace);
    // The `execve` is strace's own doing, and the program is not there before it.
    calls.remove(0);
    calls
}

/// The shortest of a few traces. Now and then a refresh sweeps the cache's directory as well, and a plan that has its
/// calls would wait for them in vain in most other runs.
#[track_caller]
pub fn plan(trace: impl Fn() -> Vec<Call>) -> Vec<Call> {
    const TRACES: usize = 5;
    (0..TRACES).map(|_| trace()).min_by_key(Vec::len).unwrap()
}

/// Runs the program while something is done to the calls of this name: `what` is the part after `inject=NAME:`.
#[track_caller]
pub fn inject(sandbox: &Sandbox, name: &str, what: &str, arguments: &[&str]) -> Outcome {
    // What is not traced cannot be tampered with.
    let (traced, injection) = (format!("trace={name}"), format!("inject={name}:{what}"));
    let mut command = command(sandbox, &["--output", "/dev/null", "-e", &traced, "-e", &injection], arguments);
    Running::start(&mut command).end()
}

/// The calls that can be aimed at in a trace, in their order.
fn read(trace: &Path) -> Vec<Call> {
    let text = fs::read_to_string(trace).unwrap();
    let main = text.split_whitespace().next().unwrap();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for (thread, line) in text.lines().filter_map(|line| line.split_once(' ')) {
        let line = line.trim_start();
        let Some((name, _)) = line.split_once('(').filter(|_| !line.starts_with(['<', '+', '-'])) else { continue };
        let ordinal = counts.entry((thread, name)).and_modify(|count| *count += 1).or_insert(1);
        let (name, line) = (name.to_owned(), line.to_owned());
        calls.push(Call { name, ordinal: *ordinal, is_main: thread == main, is_double: false, line });
    }
    let others: Vec<_> = calls.iter().filter(|call| !call.is_main).cloned().collect();
    for call in calls.iter_mut().filter(|call| call.is_main) {
        call.is_double = others.iter().any(|other| (&other.name, other.ordinal) == (&call.name, call.ordinal));
    }
    let is_network = |call: &Call| NETWORK.split(' ').any(|name| name == call.name);
    calls.retain(|call| call.is_main || (is_network(call) && !counts.contains_key(&(main, call.name.as_str()))));
    calls
}
