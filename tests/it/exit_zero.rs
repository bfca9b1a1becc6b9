//! Exit 0 means success: each system call of each command fails in turn, and if the command still exits 0, it must have
//! done its work.
//!
//! The injected errors take turns: each call fails with one of them. `EXIT_ZERO=all` tries all of them for each call.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::parallel::for_each;
use crate::sandbox::{Outcome, Running, Sandbox};
use crate::strace::{self, Call};
use stand_in::{StandIn, spotinst};

const ERRORS: [&str; 6] = ["EIO", "EACCES", "EMFILE", "ENOMEM", "ENOSPC", "EINTR"];

/// System calls that end the process, or that never fail.
const NEVER_FAIL: &str = "exit exit_group rt_sigreturn getpid gettid getuid geteuid sched_yield execve";

/// A command, and a check that it did its work.
struct Row {
    arguments: &'static [&'static str],
    /// Its stdin, with `TOKEN` for the cached token.
    stdin: &'static str,
    /// Whether a token is in the cache before the command runs.
    is_warm: bool,
    is_done: fn(&Machine, &Outcome) -> bool,
}

const ROWS: &[Row] = &[
    Row { arguments: &[], stdin: "", is_warm: false, is_done: |machine, outcome| machine.is_issued(&outcome.stdout) },
    Row { arguments: &[], stdin: "", is_warm: true, is_done: |machine, outcome| machine.is_issued(&outcome.stdout) },
    Row {
        arguments: &["--force-refresh"],
        stdin: "",
        is_warm: true,
        is_done: |machine, outcome| machine.is_issued(&outcome.stdout) && outcome.stdout != machine.cached,
    },
    Row {
        arguments: &["-o", "out/token"],
        stdin: "",
        is_warm: true,
        is_done: |machine, _| machine.is_issued(&machine.file("out/token")),
    },
    Row {
        arguments: &["-f", "github"],
        stdin: "",
        is_warm: true,
        is_done: |machine, outcome| {
            let token = outcome.stdout.strip_prefix("::add-mask::").unwrap_or_default();
            machine.is_issued(token) && machine.file("github").contains(&format!("SPOTINST_TOKEN={token}"))
        },
    },
    Row {
        arguments: &["exec", "--", "sh", "-c", "echo \"$SPOTINST_TOKEN\" > out-of-exec"],
        stdin: "",
        is_warm: true,
        is_done: |machine, _| machine.is_issued(&machine.file("out-of-exec")),
    },
    Row {
        arguments: &["get"],
        stdin: "{\"uri\":\"https://api.spotinst.io/\"}",
        is_warm: true,
        is_done: |machine, outcome| {
            let token = outcome.stdout.split("\"Bearer ").nth(1).and_then(|rest| rest.split('"').next());
            token.is_some_and(|token| machine.is_issued(&format!("{token}\n")))
        },
    },
    Row { arguments: &["logout"], stdin: "", is_warm: true, is_done: |machine, _| machine.is_forgotten() },
    Row { arguments: &["logout", "--all"], stdin: "", is_warm: true, is_done: |machine, _| machine.is_forgotten() },
    Row { arguments: &["invalidate"], stdin: "TOKEN", is_warm: true, is_done: |machine, _| machine.is_forgotten() },
];

struct Machine {
    stand_in: StandIn,
    sandbox: Sandbox,
    /// The cached token and a newline, if there is one.
    cached: String,
}

impl Machine {
    fn new(is_warm: bool) -> Self {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::new();
        sandbox.set("GITHUB_ENV", sandbox.path().join("github"));
        sandbox.config(&format!(
            "[profiles.default]\ntoken_url = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\nclient_id = \"{}\"\n\
             client_secret = \"{}\"\n",
            stand_in.url(),
            spotinst::USERNAME,
            spotinst::PASSWORD,
            spotinst::CLIENT_ID,
            spotinst::CLIENT_SECRET
        ));
        let cached = if is_warm { sandbox.token() + "\n" } else { String::new() };
        Self { stand_in, sandbox, cached }
    }

    fn is_issued(&self, line: &str) -> bool {
        line.strip_suffix('\n').is_some_and(|token| self.stand_in.issued().iter().any(|issued| issued == token))
    }

    /// Whether the next call does not print the token that was cached.
    fn is_forgotten(&self) -> bool {
        let outcome = self.sandbox.run([]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        outcome.stdout != self.cached
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.sandbox.path().join(path)).unwrap_or_default()
    }

    /// Runs the row's command under `strace` with these options.
    fn run(&self, row: &Row, options: &[&str]) -> Outcome {
        let mut command = strace::command(&self.sandbox, options, row.arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let input = row.stdin.replace("TOKEN", self.cached.trim_end());
        // A command that fails early does not read its stdin.
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        Running::of(child).end()
    }
}

/// The system calls of a row's command, from reading the configuration to the end.
fn calls(row: &Row) -> Vec<Call> {
    let machine = Machine::new(row.is_warm);
    let trace = machine.sandbox.path().join("trace");
    let outcome = machine.run(row, &["--output", trace.to_str().unwrap()]);
    assert!(outcome.status == Some(0) && (row.is_done)(&machine, &outcome), "{:?}: {outcome:?}", row.arguments);
    let calls = strace::read(&trace);
    let first = calls.iter().position(|call| call.line.contains("config.toml")).expect("the configuration is read");
    // After `exec`, another program runs in the process.
    let end = calls.iter().skip(1).position(|call| call.name == "execve").map_or(calls.len(), |at| at + 1);
    let is_tried = |call: &Call| NEVER_FAIL.split(' ').all(|name| name != call.name);
    calls.into_iter().take(end).skip(first).filter(is_tried).collect()
}

fn check(rows: &[Row]) {
    if !strace::is_there() {
        return;
    }
    let tries_all = std::env::var_os("EXIT_ZERO").is_some_and(|value| value == "all");
    for row in rows {
        let calls = calls(row);
        assert!(calls.len() > 10, "{:?}: {calls:?}", row.arguments);
        let errors = |n: usize| if tries_all { ERRORS.to_vec() } else { vec![ERRORS[n % ERRORS.len()]] };
        let cases: Vec<_> = calls
            .iter()
            .enumerate()
            .flat_map(|(n, call)| errors(n).into_iter().map(move |error| (call, error)))
            .collect();
        for_each(&cases, |(call, error)| {
            let machine = Machine::new(row.is_warm);
            let (traced, what) = (format!("trace={}", call.name), format!("error={error}:when={}", call.ordinal));
            let inject = format!("inject={}:{what}", call.name);
            let outcome = machine.run(row, &["--output", "/dev/null", "-e", &traced, "-e", &inject]);
            let case = format!("{:?} with {error} for {}", row.arguments, call.line);
            match outcome.status {
                Some(0) => {
                    assert!((row.is_done)(&machine, &outcome), "exit 0, but the work is not done: {case}: {outcome:?}")
                }
                _ => assert!(!outcome.stderr.is_empty(), "failed without a message: {case}: {outcome:?}"),
            }
            assert!(!outcome.stderr.contains("internal error"), "{case}: {outcome:?}");
        });
    }
}

#[test]
fn exit_0_means_that_the_token_was_printed_or_written() {
    check(&ROWS[..5]);
}

#[test]
fn exit_0_means_that_the_program_or_host_got_the_token() {
    check(&ROWS[5..7]);
}

#[test]
fn exit_0_means_that_the_token_was_removed_from_the_cache() {
    check(&ROWS[7..]);
}
