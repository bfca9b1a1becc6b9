//! The system calls of a run, by `strace`, which can also let them fail or kill the process at any of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use crate::surroundings;

/// A system call of the main thread. The only other thread of a run waits for a name or a lock and touches no file.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Which of that name it is, from 1: this is how `strace` counts.
    pub ordinal: usize,
    /// The whole line.
    pub line: String,
}

/// Whether `strace` can be used here.
pub fn is_there() -> bool {
    surroundings::can_run("strace", &["-f", "-o", "/dev/null", "true"])
}

/// The program under `strace` with these options.
pub fn command(sandbox: &Sandbox, options: &[&str], arguments: &[&str]) -> Command {
    let mut command = sandbox.command("strace");
    command.args(["--follow-forks", "--quiet=all"]).args(options).arg("--").arg(PROGRAM).args(arguments);
    command
}

/// Runs the program under `strace` and gives the calls of its main thread.
#[track_caller]
pub fn calls(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Call> {
    let trace = sandbox.path().join("trace");
    let output = trace.to_str().unwrap();
    let outcome = Running::start(&mut command(sandbox, &["--output", output], arguments)).end();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    let mut calls = main_thread(&trace);
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

fn main_thread(trace: &Path) -> Vec<Call> {
    let text = fs::read_to_string(trace).unwrap();
    let main = text.split_whitespace().next().unwrap();
    let mut calls: Vec<Call> = Vec::new();
    for line in text.lines() {
        let Some(line) = line.strip_prefix(main).map(str::trim_start) else { continue };
        let Some((name, _)) = line.split_once('(').filter(|_| !line.starts_with(['<', '+', '-'])) else { continue };
        let ordinal = calls.iter().filter(|call| call.name == name).count() + 1;
        calls.push(Call { name: name.to_owned(), ordinal, line: line.to_owned() });
    }
    calls
}
