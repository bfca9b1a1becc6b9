//! Traces the system calls of a run with `strace`, which can also make them fail or kill the process.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::requirements;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};

/// System calls of the request's thread that are traced: others, such as freeing memory at its end, may come after the
/// process ends.
const NETWORK: &str = "socket connect setsockopt getsockopt getsockname getpeername sendto recvfrom shutdown";

#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    /// Its number among the calls of that name in its thread, from 1, as `strace` counts.
    pub ordinal: usize,
    /// Whether it is in the main thread. The other thread is that of the request: it uses no files.
    pub is_main: bool,
    /// Whether the other thread has a call of the same name and number: an injection then hits both.
    pub is_double: bool,
    pub line: String,
}

/// Whether `strace` can be used: see [`requirements::need`].
#[track_caller]
pub fn is_there() -> bool {
    requirements::is_installed("strace", &["-f", "-o", "/dev/null", "true"])
        && requirements::need(requirements::is_root(), "only root reads the memory of the program")
}

/// Like [`is_there`], for some of the test's cases.
#[track_caller]
pub fn is_there_for_case() -> bool {
    requirements::is_installed_for_case("strace", &["-f", "-o", "/dev/null", "true"])
}

/// The program under `strace` with these options.
pub fn command(sandbox: &Sandbox, options: &[&str], arguments: &[&str]) -> Command {
    let mut command = sandbox.command("strace");
    command.args(["--follow-forks", "--quiet=all"]).args(options).arg("--").arg(PROGRAM).args(arguments);
    command
}

/// Runs the program under `strace` and returns the calls of the main thread, and those of the request's thread whose
/// name the main thread does not use. Other calls cannot be targeted, as `strace` counts per thread.
#[track_caller]
pub fn calls(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Call> {
    calls_reading(Stdio::null(), sandbox, arguments)
}

/// Like [`calls`], with this stdin.
#[track_caller]
pub fn calls_reading(stdin: impl Into<Stdio>, sandbox: &Sandbox, arguments: &[&str]) -> Vec<Call> {
    let trace = sandbox.path().join("trace");
    let output = trace.to_str().unwrap();
    let outcome = Running::start(command(sandbox, &["--output", output], arguments).stdin(stdin)).end();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    let mut calls = read(&trace);
    // `strace` itself makes the first `execve`.
    calls.remove(0);
    calls
}

/// The shortest of a few traces. Some refreshes also collect garbage in the cache; calls of such a trace would be
/// missing in most other runs.
#[track_caller]
pub fn plan(trace: impl Fn() -> Vec<Call>) -> Vec<Call> {
    const TRACES: usize = 5;
    (0..TRACES).map(|_| trace()).min_by_key(Vec::len).unwrap()
}

/// Runs the program and injects into calls of this name: `what` is the part after `inject=NAME:`.
#[track_caller]
pub fn inject(sandbox: &Sandbox, name: &str, what: &str, arguments: &[&str]) -> Outcome {
    inject_reading(Stdio::null(), sandbox, name, what, arguments)
}

/// Like [`inject`], with this stdin.
#[track_caller]
pub fn inject_reading(
    stdin: impl Into<Stdio>,
    sandbox: &Sandbox,
    name: &str,
    what: &str,
    arguments: &[&str],
) -> Outcome {
    // Only traced calls can be changed.
    let (traced, injection) = (format!("trace={name}"), format!("inject={name}:{what}"));
    let mut command = command(sandbox, &["--output", "/dev/null", "-e", &traced, "-e", &injection], arguments);
    Running::start(command.stdin(stdin)).end()
}

/// The calls of a trace that can be targeted, in order.
pub fn read(trace: &Path) -> Vec<Call> {
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
