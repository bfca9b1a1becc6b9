//! After the program is killed at any system call, the next call succeeds.

use std::fs;
use std::path::PathBuf;

use crate::parallel::for_each;
use crate::sandbox::{Outcome, Sandbox};
use crate::strace::{self, Call};
use stand_in::StandIn;
use stand_in::spotinst::RefreshTokens;

/// A new machine for each kill.
fn machine() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    // The hardest case: if the token after a spent refresh token is lost, the login cannot be refreshed.
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Rotated);
    let sandbox = Sandbox::of(&stand_in);
    (stand_in, sandbox)
}

fn calls_without_cache() -> Vec<Call> {
    let (_stand_in, sandbox) = machine();
    strace::calls(&sandbox, &[])
}

/// Kills the program as it enters this system call, so that the call before it was the last.
#[track_caller]
fn kill_at(call: &Call, sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let outcome = strace::inject(sandbox, &call.name, &format!("signal=SIGKILL:when={}", call.ordinal), arguments);
    assert_eq!(outcome.status, None, "killed at {call:?}: {outcome:?}");
    outcome
}

/// Asserts that the program succeeds without waiting for the lock.
#[track_caller]
fn succeeds<const N: usize>(call: &Call, sandbox: &Sandbox, arguments: [&str; N]) -> (String, String) {
    let outcome = sandbox.run(arguments);
    assert_eq!(outcome.status, Some(0), "after a kill at {call:?}: {outcome:?}");
    assert!(!outcome.stderr.contains("the lock is held"), "after a kill at {call:?}: {outcome:?}");
    (outcome.stdout.trim_end().to_owned(), outcome.stderr)
}

/// Whether a run sent a request, according to its stderr. The server's log may not have the request of a killed run
/// yet.
fn sent_a_request(stderr: &str) -> bool {
    stderr.lines().any(|line| line.starts_with("spotinst-cred: asking "))
}

/// Asserts that the refresh after a kill removed the leftover files.
#[track_caller]
fn assert_tidy(call: &Call, sandbox: &Sandbox) {
    assert_eq!(sandbox.cache_files("tmp"), [] as [PathBuf; 0], "after a kill at {call:?}");
    let files = fs::read_dir(sandbox.cache_dir()).unwrap().count();
    assert_eq!(files, 2, "entry and lock, and nothing else, after a kill at {call:?}");
}

#[test]
fn after_a_kill_at_any_system_call_the_next_call_succeeds() {
    if !strace::is_there() {
        return;
    }
    let calls = strace::plan(calls_without_cache);
    assert!(calls.iter().any(|call| call.name.starts_with("rename")), "{calls:?}");
    for_each(&calls, |call| {
        let (stand_in, sandbox) = machine();
        kill_at(call, &sandbox, &[]);
        let has_entry = !sandbox.cache_files("token").is_empty();

        let (token, stderr) = succeeds(call, &sandbox, ["-v"]);
        assert!(stand_in.issued().contains(&token), "after a kill at {call:?}");
        // If an entry exists, it is complete and is used.
        assert_eq!(sent_a_request(&stderr), !has_entry, "after a kill at {call:?}: {stderr}");
        assert_tidy(call, &sandbox);
        assert_eq!(succeeds(call, &sandbox, []), (token, String::new()));
    });
}

#[test]
fn after_a_refresh_is_killed_at_any_system_call_the_next_call_succeeds() {
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

        // The old or the new token comes from the cache: the entry is never partly written.
        let (token, stderr) = succeeds(call, &sandbox, ["-v"]);
        assert!(!sent_a_request(&stderr), "after a kill at {call:?}: {stderr}");
        assert!(stand_in.issued().contains(&token), "after a kill at {call:?}");

        // If the refresh token was spent and the next one lost, the password is used.
        let (renewed, _) = succeeds(call, &sandbox, ["--force-refresh", "-v"]);
        assert!(renewed != token && stand_in.issued().contains(&renewed), "after a kill at {call:?}");
        assert_tidy(call, &sandbox);
        assert_eq!(succeeds(call, &sandbox, []), (renewed, String::new()));
    });
}

#[test]
fn many_kills_leave_few_temporary_files() {
    if !strace::is_there() {
        return;
    }
    let (_stand_in, sandbox) = machine();
    sandbox.token();
    let calls = strace::plan(|| strace::calls(&sandbox, &["--force-refresh"]));
    let rename = calls.iter().find(|call| call.name.starts_with("rename")).unwrap();
    for _ in 0..5 {
        kill_at(rename, &sandbox, &["--force-refresh"]);
        // One for the next entry, and one for the attempt, which is renamed first.
        assert!(sandbox.cache_files("tmp").len() <= 2, "{:?}", sandbox.cache_files("tmp"));
    }
    succeeds(rename, &sandbox, ["--force-refresh"]);
    assert_tidy(rename, &sandbox);
}

/// After a power loss, the cache must not hold a spent refresh token.
#[test]
fn the_entry_and_its_directory_are_synced_before_the_token_is_printed() {
    if !strace::is_there() {
        return;
    }
    let (_stand_in, sandbox) = machine();
    let calls = strace::calls(&sandbox, &[]);
    let after =
        |from: usize, name: &str| from + 1 + calls[from + 1..].iter().position(|call| call.name == name).unwrap();

    let renamed = calls.iter().rposition(|call| call.name == "rename" && call.line.contains(".token\"")).unwrap();
    assert_eq!(calls[renamed - 1].name, "fsync", "{calls:?}");
    let opened = after(renamed, "openat");
    let synced = after(opened, "fsync");
    let directory = sandbox.cache_dir();
    assert!(calls[opened].line.contains(&format!("\"{}\"", directory.display())), "{:?}", calls[opened]);
    let descriptor = calls[opened].line.rsplit(' ').next().unwrap();
    assert!(calls[synced].line.starts_with(&format!("fsync({descriptor})")), "{:?}", calls[synced]);
    assert!(synced < after(renamed, "write"), "{calls:?}");
}
