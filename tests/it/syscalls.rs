//! Every call to the file system and to the network fails in turn: the token is printed, or one clear line.
//!
//! What happens before `main` opens the configuration belongs to the dynamic loader and to the runtime, which end the
//! process when the system fails them. There counting begins only after that.
//!
//! And what a warm call does not do at all.

use std::fs;

use crate::sandbox::{Outcome, Sandbox};
use crate::strace::{self, Call};
use crate::surroundings::for_each;
use stand_in::{StandIn, spotinst};

/// The failures that the system could have, once each.
const ERRORS: [&str; 5] = ["EIO", "ENOSPC", "EACCES", "EMFILE", "EINTR"];

/// Calls that concern memory, threads, signals and time alone: no file and no network. That a thread cannot be had is
/// a test of its own.
const OTHERS: &str = "arch_prctl brk clock_nanosleep clone clone3 exit exit_group futex geteuid getpid gettid getuid \
    madvise mmap mprotect mremap munmap prctl prlimit64 rseq rt_sigaction rt_sigprocmask sched_getaffinity \
    set_robust_list sigaltstack";

/// What a call is about, by where in the run it stands: this decides what may come of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The configuration file, or that of a secret: without them there is no token.
    Settings,
    /// Making and reading and writing the cache, or chance: never a reason to fail.
    Cache,
    /// The connection: a failure that passes is tried again.
    Network,
    /// Printing the token.
    Output,
}

/// A machine that reads everything that can be read: a configuration, and secrets in files.
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

/// The calls of a cold run from its first own one on, each with what it is about.
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

/// What a caller may see of a failure: the token and nothing else, or nothing but one line and its hint. `is_double`
/// says that a call of the exchange failed too.
#[track_caller]
fn is_decent(outcome: &Outcome, stand_in: &StandIn, is_double: bool, part: Part, what: &str) {
    let statuses: &[i32] = match part {
        Part::Settings => &[3],
        Part::Cache => &[],
        Part::Network => &[5],
        Part::Output => &[1],
    };
    match outcome.status {
        Some(0) => {
            // Where a first request was given up, the server may have got to it only after the second.
            let token = outcome.stdout.strip_suffix('\n').map(str::to_owned);
            assert!(token.is_some_and(|token| stand_in.issued().contains(&token)), "{what}: {outcome:?}");
            assert_eq!(outcome.stderr, "", "{what}");
        }
        Some(status) if statuses.contains(&status) || (is_double && status == 5) => {
            assert_eq!(outcome.stdout, "", "{what}: {outcome:?}");
            // A stdout that cannot be written is not worth a word.
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

/// Lets calls of one name fail during a cold run, `when` by the count of `strace`; then a run that nothing disturbs
/// must find its way.
fn fail(call: &Call, part: Part, error: &str, when: &str) {
    let (stand_in, sandbox) = machine();
    let what = format!("{error} for {when} of {}", call.line);
    let outcome = strace::inject(&sandbox, &call.name, &format!("error={error}:when={when}"), &[]);
    is_decent(&outcome, &stand_in, call.is_double, part, &what);

    // A failure of the network is shared for two seconds, and force looks past it.
    let outcome = sandbox.run(["--force-refresh"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "after {what}: {outcome:?}");
    assert_eq!(sandbox.cache_files("tmp").len(), 0, "after {what}");
    assert!(fs::read_dir(sandbox.cache_dir()).unwrap().count() <= 2, "after {what}");
}

#[test]
fn any_call_that_fails_once_ends_in_the_token_or_one_line() {
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

/// The calls whose failures last are all of one name from one on, so of all parts that come after it. A lasting EINTR
/// there is not: it says that a signal came.
#[test]
fn calls_that_fail_from_one_on_end_in_the_token_or_one_line() {
    if !strace::is_there() {
        return;
    }
    for_each(&calls(), |(call, part)| {
        for error in ["EIO", "ENOSPC", "EMFILE"] {
            let (stand_in, sandbox) = machine();
            let when = format!("{}+", call.ordinal);
            let what = format!("{error} for {when} of {}", call.line);
            let outcome = strace::inject(&sandbox, &call.name, &format!("error={error}:when={when}"), &[]);
            is_decent_for_any(&outcome, &stand_in, *part, &what);
        }
    });
}

/// The same check where later parts of the run were hit too.
#[track_caller]
fn is_decent_for_any(outcome: &Outcome, stand_in: &StandIn, first: Part, what: &str) {
    let part = match outcome.status {
        Some(3) => Part::Settings,
        Some(5) => Part::Network,
        Some(1) => Part::Output,
        _ => first,
    };
    is_decent(outcome, stand_in, false, part, what);
}

#[test]
fn a_thread_that_cannot_be_had_is_no_panic() {
    if !strace::is_there() {
        return;
    }
    let (stand_in, mut sandbox) = machine();
    // A name takes a look at the name service, which is done in a thread.
    sandbox.set("SPOTINST_TOKEN_URL", stand_in.url().replace("127.0.0.1", "localhost"));
    let outcome = strace::inject(&sandbox, "clone,clone3", "error=EAGAIN", &[]);
    is_decent(&outcome, &stand_in, false, Part::Network, "no threads");
    assert_eq!(outcome.status, Some(5), "the thread was wanted: {outcome:?}");
    let outcome = sandbox.run(["--force-refresh"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
}

#[test]
fn a_hit_opens_the_configuration_and_the_entry_and_does_nothing_else() {
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
    // No lock, socket, thread, directory or change of a file is among them.
    let harmless = "brk close exit_group fstat geteuid ioctl lseek mmap mprotect munmap newfstatat openat read \
        sigaltstack statx write";
    let others = calls.iter().filter(|call| harmless.split_whitespace().all(|name| name != call.name));
    // The standard library's own check, in a build for debugging.
    let others: Vec<_> = others.filter(|call| !call.line.contains("F_GETFD")).collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(stand_in.grants(), ["password"]);
}
