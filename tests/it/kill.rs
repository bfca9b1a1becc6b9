//! Killed at any system call, the program leaves nothing that the next call stumbles over.

use std::fs;
use std::path::PathBuf;

use crate::sandbox::{Outcome, Sandbox};
use crate::strace::{self, Call};
use crate::surroundings::for_each;
use stand_in::StandIn;
use stand_in::spotinst::RefreshTokens;

/// A machine of its own for each kill.
fn machine() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    // The hardest case: a refresh token that is spent and whose successor is lost is of no use to anybody.
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Rotated);
    let sandbox = Sandbox::of(&stand_in);
    (stand_in, sandbox)
}

fn cold_calls() -> Vec<Call> {
    let (_stand_in, sandbox) = machine();
    strace::calls(&sandbox, &[])
}

/// Runs the program until it is killed as it enters this call: then the call before it was the last that happened.
#[track_caller]
fn kill_at(call: &Call, sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let outcome = strace::inject(sandbox, &call.name, &format!("signal=SIGKILL:when={}", call.ordinal), arguments);
    assert_eq!(outcome.status, None, "killed at {call:?}: {outcome:?}");
    outcome
}

/// A call that succeeds at once: it waits for nobody.
#[track_caller]
fn succeeds<const N: usize>(call: &Call, sandbox: &Sandbox, arguments: [&str; N]) -> (String, String) {
    let outcome = sandbox.run(arguments);
    assert_eq!(outcome.status, Some(0), "after a kill at {call:?}: {outcome:?}");
    assert!(!outcome.stderr.contains("the lock is held"), "after a kill at {call:?}: {outcome:?}");
    (outcome.stdout.trim_end().to_owned(), outcome.stderr)
}

/// Whether a run asked the server, by what it said. The server's own log will not do: it may not have come to the
/// request of the run that was killed.
fn asked(said: &str) -> bool {
    said.lines().any(|line| line.starts_with("spotinst-cred: asking "))
}

/// What the kills left was swept by the refresh after them.
#[track_caller]
fn is_tidy(call: &Call, sandbox: &Sandbox) {
    assert_eq!(sandbox.cache_files("tmp"), [] as [PathBuf; 0], "after a kill at {call:?}");
    let files = fs::read_dir(sandbox.cache_dir()).unwrap().count();
    assert_eq!(files, 2, "entry and lock, and nothing else, after a kill at {call:?}");
}

#[test]
fn a_cold_run_killed_at_any_call_stands_in_nobodys_way() {
    if !strace::is_there() {
        return;
    }
    let calls = strace::plan(cold_calls);
    assert!(calls.iter().any(|call| call.name.starts_with("rename")), "{calls:?}");
    for_each(&calls, |call| {
        let (stand_in, sandbox) = machine();
        kill_at(call, &sandbox, &[]);
        let has_entry = !sandbox.cache_files("token").is_empty();

        let (token, said) = succeeds(call, &sandbox, ["-v"]);
        assert!(stand_in.issued().contains(&token), "after a kill at {call:?}");
        // An entry that is there is whole: it serves.
        assert_eq!(asked(&said), !has_entry, "after a kill at {call:?}: {said}");
        is_tidy(call, &sandbox);
        assert_eq!(succeeds(call, &sandbox, []), (token, String::new()));
    });
}

#[test]
fn a_refresh_killed_at_any_call_stands_in_nobodys_way() {
    if !strace::is_there() {
        return;
    }
    let (_stand_in, sandbox) = machine();
    sandbox.token();
    let calls = strace::plan(|| strace::calls(&sandbox, &["--force-refresh"]));
    for_each(&calls, |call| {
        let (stand_in, sandbox) = machine();
        sandbox.token();
        kill_at(call, &sandbox, &["--force-refresh"]);

        // The old token or the new one, from the cache: the entry is never torn.
        let (token, said) = succeeds(call, &sandbox, ["-v"]);
        assert!(!asked(&said), "after a kill at {call:?}: {said}");
        assert!(stand_in.issued().contains(&token), "after a kill at {call:?}");

        // Where the refresh token was spent and its successor lost, the password is there.
        let (renewed, _) = succeeds(call, &sandbox, ["--force-refresh", "-v"]);
        assert!(renewed != token && stand_in.issued().contains(&renewed), "after a kill at {call:?}");
        is_tidy(call, &sandbox);
        assert_eq!(succeeds(call, &sandbox, []), (renewed, String::new()));
    });
}

#[test]
fn many_kills_leave_no_more_than_one() {
    if !strace::is_there() {
        return;
    }
    let (_stand_in, sandbox) = machine();
    sandbox.token();
    let calls = strace::plan(|| strace::calls(&sandbox, &["--force-refresh"]));
    let rename = calls.iter().find(|call| call.name.starts_with("rename")).unwrap();
    for _ in 0..5 {
        kill_at(rename, &sandbox, &["--force-refresh"]);
        assert_eq!(sandbox.cache_files("tmp").len(), 1);
    }
    succeeds(rename, &sandbox, ["--force-refresh"]);
    is_tidy(rename, &sandbox);
}
