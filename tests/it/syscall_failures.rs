//! Each system call for files or network fails in turn: the program prints the token, or one clear error.
//!
//! Before `main` opens the configuration, the dynamic loader and the runtime end the process if a system call fails.
//! Those calls are left out.
//!
//! Another test lists the system calls of a cache hit.

use std::fs;

use crate::parallel::for_each;
use crate::sandbox::{Outcome, Sandbox};
use crate::strace::{self, Call};
use stand_in::{StandIn, spotinst};

/// The injected errors.
const ERRORS: [&str; 5] = ["EIO", "ENOSPC", "EACCES", "EMFILE", "EINTR"];

/// System calls for memory, threads, signals and time, not for files or network. A thread that cannot be spawned has
/// its own test.
const OTHERS: &str = "arch_prctl brk clock_nanosleep clone clone3 exit exit_group futex geteuid getpid gettid getuid \
    madvise mmap mprotect mremap munmap prctl prlimit64 rseq rt_sigaction rt_sigprocmask sched_getaffinity \
    set_robust_list sigaltstack";

/// The part of the run that a system call belongs to: it decides which errors are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Reading the configuration or a secret: without them there is no token.
    Settings,
    /// Reading and writing the cache, or randomness: never a reason to fail.
    Cache,
    /// The connection: a temporary failure is retried.
    Network,
    Output,
}

/// A machine that reads files for everything: a configuration, and secrets.
fn machine() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::new();
    sandbox.write(".config/spotinst-cred/password", spotinst::PASSWORD);
    sandbox.write(".config/spotinst-cred/client-secret", spotinst::CLIENT_SECRET);
    sandbox.config(&format!(
        "[profiles.default]\ntoken_url = \"{}\"\nusername = \"{}\"\npassword_file = \"password\"\nclient_id = \"{}\"\n\
         client_secret_file = \"client-secret\"\n",
        stand_in.url(),
        spotinst::USERNAME,
        spotinst::CLIENT_ID
    ));
    (stand_in, sandbox)
}

/// The system calls of a call without a cached token, after the program's start, each with its part.
fn calls() -> Vec<(Call, Part)> {
    let all = strace::plan(|| {
        let (_stand_in, sandbox) = machine();
        strace::calls(&sandbox, &[])
    });
    let first = all.iter().position(|call| call.line.contains("config.toml")).expect("the configuration is read");
    let mut part = Part::Settings;
    let mut calls = Vec::new();
    for call in all.into_iter().skip(first) {
        if !call.is_main {
            if OTHERS.split_whitespace().all(|other| other != call.name) {
                calls.push((call, Part::Network));
            }
            continue;
        }
        part = match part {
            Part::Settings if call.line.contains(".cache") => Part::Cache,
            Part::Cache if call.line.contains("/password\"") || call.line.contains("/client-secret\"") => {
                Part::Settings
            }
            _ if call.line.starts_with("write(1,") => Part::Output,
            part => part,
        };
        if OTHERS.split_whitespace().all(|other| other != call.name) {
            calls.push((call, part));
        }
    }
    calls
}

/// Asserts that the outcome is the token alone, or one error line with its hint. `is_double`: a call of the request's
/// thread failed too.
#[track_caller]
fn assert_graceful(outcome: &Outcome, stand_in: &StandIn, is_double: bool, part: Part, what: &str) {
    let statuses: &[i32] = match part {
        Part::Settings => &[3],
        Part::Cache => &[],
        Part::Network => &[5],
        Part::Output => &[1],
    };
    match outcome.status {
        Some(0) => {
            // If a first request was abandoned, the server may have handled it after the second.
            let token = outcome.stdout.strip_suffix('\n').map(str::to_owned);
            assert!(token.is_some_and(|token| stand_in.issued().contains(&token)), "{what}: {outcome:?}");
            assert_eq!(outcome.stderr, "", "{what}");
        }
        Some(status) if statuses.contains(&status) || (is_double && status == 5) => {
            assert_eq!(outcome.stdout, "", "{what}: {outcome:?}");
            // Where stdout cannot be written, stderr may not be either.
            let is_quiet = part == Part::Output && outcome.stderr.is_empty();
            assert!(is_quiet || is_one_line_and_hint(&outcome.stderr), "{what}: {outcome:?}");
        }
        _ => panic!("{what} ({part:?}): {outcome:?}"),
    }
    assert!(!outcome.stderr.contains("internal error"), "{what}: {outcome:?}");
}

fn is_one_line_and_hint(stderr: &str) -> bool {
    let lines: Vec<_> = stderr.lines().collect();
    match lines[..] {
        [line] => line.starts_with("spotinst-cred: "),
        [line, hint] => line.starts_with("spotinst-cred: ") && hint.starts_with("hint: "),
        _ => false,
    }
}

/// Injects an error into system calls of one name, during a call without a cached token; `when` has the syntax of
/// `strace`. The next call, without errors, must succeed.
fn fail(call: &Call, part: Part, error: &str, when: &str) {
    let (stand_in, sandbox) = machine();
    let what = format!("{error} for {when} of {}", call.line);
    let outcome = strace::inject(&sandbox, &call.name, &format!("error={error}:when={when}"), &[]);
    assert_graceful(&outcome, &stand_in, call.is_double, part, &what);
    assert!(outcome.status == Some(0) || !outcome.stderr.is_empty(), "a failure has a message: {what}");

    // A network failure is cached for two seconds, which a forced refresh ignores.
    let outcome = sandbox.run(["--force-refresh"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "after {what}: {outcome:?}");
    assert_eq!(sandbox.cache_files("tmp").len(), 0, "after {what}");
    assert!(fs::read_dir(sandbox.cache_dir()).unwrap().count() <= 2, "after {what}");
}

#[test]
fn any_system_call_that_fails_once_ends_in_the_token_or_one_error() {
    if !strace::is_there() {
        return;
    }
    let calls = calls();
    for part in [Part::Settings, Part::Cache, Part::Network, Part::Output] {
        assert!(calls.iter().any(|(_, of)| *of == part), "{part:?} in {calls:?}");
    }
    for_each(&calls, |(call, part)| {
        for error in ERRORS {
            fail(call, *part, error, &call.ordinal.to_string());
        }
    });
}

/// All calls of one name fail from some point on, in later parts too. EINTR is left out: a signal does not arrive again
/// and again.
#[test]
fn system_calls_that_keep_failing_end_in_the_token_or_one_error() {
    if !strace::is_there() {
        return;
    }
    for_each(&calls(), |(call, part)| {
        for error in ["EIO", "ENOSPC", "EMFILE"] {
            let (stand_in, sandbox) = machine();
            let when = format!("{}+", call.ordinal);
            let what = format!("{error} for {when} of {}", call.line);
            let outcome = strace::inject(&sandbox, &call.name, &format!("error={error}:when={when}"), &[]);
            assert_graceful_in_any_part(&outcome, &stand_in, *part, &what);
        }
    });
}

/// Like [`assert_graceful`], if later parts of the run failed too.
#[track_caller]
fn assert_graceful_in_any_part(outcome: &Outcome, stand_in: &StandIn, first: Part, what: &str) {
    let part = match outcome.status {
        Some(3) => Part::Settings,
        Some(5) => Part::Network,
        Some(1) => Part::Output,
        _ => first,
    };
    assert_graceful(outcome, stand_in, false, part, what);
}

#[test]
fn a_thread_that_cannot_be_spawned_causes_no_panic() {
    if !strace::is_there() {
        return;
    }
    let (stand_in, mut sandbox) = machine();
    // A host name is resolved in a thread.
    sandbox.set("SPOTINST_TOKEN_URL", stand_in.url().replace("127.0.0.1", "localhost"));
    let outcome = strace::inject(&sandbox, "clone,clone3", "error=EAGAIN", &[]);
    assert_graceful(&outcome, &stand_in, false, Part::Network, "no threads");
    assert_eq!(outcome.status, Some(5), "the thread is needed: {outcome:?}");
    let outcome = sandbox.run(["--force-refresh"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
}

#[test]
fn a_cache_hit_opens_only_the_configuration_and_the_entry() {
    if !strace::is_there() {
        return;
    }
    let (stand_in, sandbox) = machine();
    sandbox.token();

    let all = strace::calls(&sandbox, &[]);
    let first = all.iter().position(|call| call.line.contains("config.toml")).expect("the configuration is read");
    let calls = &all[first..];

    let opened: Vec<_> = calls.iter().filter(|call| call.name == "openat").map(|call| call.line.as_str()).collect();
    assert_eq!(opened.len(), 2, "{opened:?}");
    assert!(opened[0].contains("config.toml\"") && opened[1].contains(".token\""), "{opened:?}");
    let written: Vec<_> = calls.iter().filter(|call| call.name == "write").map(|call| call.line.as_str()).collect();
    assert!(matches!(written[..], [answer] if answer.starts_with("write(1,")), "{written:?}");
    // A cache hit uses no lock, socket, thread or directory, and changes no file.
    let harmless = "brk close exit_group fstat geteuid ioctl lseek mmap mprotect munmap newfstatat openat read \
        sigaltstack statx write";
    let others = calls.iter().filter(|call| harmless.split_whitespace().all(|name| name != call.name));
    // A check of the standard library in debug builds.
    let others: Vec<_> = others.filter(|call| !call.line.contains("F_GETFD")).collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(stand_in.grants(), ["password"]);
}
