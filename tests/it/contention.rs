//! Many callers, concurrent or sequential: they share one request and its result, and do not wait for other identities.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use crate::callers::{
    LOCK_HELD, assert_all_print, assert_cold_callers_make_one_request, assert_counts, assert_forced_refreshes_coalesce,
    start_concurrently,
};
use crate::fake_clock::FakeClock;
use crate::requirements::is_unix;
use crate::sandbox::{Running, Sandbox};
use crate::strace;
use stand_in::spotinst::{PASSWORD, RefreshTokens};
use stand_in::{Gate, Reply, StandIn};

/// At this age, in seconds, a two-hour token is refreshed early, whatever the random spread.
const DUE_FOR_EARLY_REFRESH: i64 = 6_400;

#[test]
fn the_second_call_sends_no_request() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    let first = sandbox.run([]);
    let second = sandbox.run([]);

    let token = stand_in.issued().remove(0);
    first.prints(&format!("{token}\n"));
    second.prints(&format!("{token}\n"));
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn two_hundred_cold_callers_make_one_request() {
    assert_cold_callers_make_one_request(200, ["-v"]);
}

#[test]
fn a_hundred_forced_refreshes_coalesce() {
    assert_forced_refreshes_coalesce(100, ["-v", "--force-refresh"]);
}

#[test]
fn a_forced_refresh_does_not_reuse_an_earlier_one() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    let tokens = [sandbox.run(["--force-refresh"]), sandbox.run(["--force-refresh"])];

    for (outcome, token) in tokens.iter().zip(stand_in.issued()) {
        outcome.prints(&format!("{token}\n"));
    }
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn a_hit_does_not_wait_for_a_held_lock() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let old = sandbox.token();
    let gate = stand_in.close_gate();
    let refresher = sandbox.start(["--force-refresh"]);
    stand_in.wait_for_requests(2);

    // The response is held back, so the lock is still held.
    assert_eq!(sandbox.token(), old);
    assert!(is_locked(&sandbox));

    gate.open();
    refresher.end().prints(&format!("{}\n", stand_in.issued()[1]));
}

#[test]
fn two_identities_do_not_wait_for_each_other() {
    let (one, other) = (StandIn::start(), StandIn::start());
    let sandbox = Sandbox::of(&one);
    let gate = Gate::closed();
    one.hold(&gate);
    other.hold(&gate);

    let first = sandbox.start([]);
    let second = Running::start(sandbox.program([]).env("SPOTINST_TOKEN_URL", other.url()));
    // Both servers get a request before either responds.
    one.wait_for_requests(1);
    other.wait_for_requests(1);
    gate.open();

    first.end().prints(&format!("{}\n", one.issued()[0]));
    second.end().prints(&format!("{}\n", other.issued()[0]));
}

#[test]
fn a_waiter_takes_over_when_the_lock_holder_is_killed() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(1);
    let mut waiter = sandbox.start(["-v"]);
    assert_eq!(waiter.next_line(), LOCK_HELD);
    assert_eq!(stand_in.grants(), ["password"]);

    holder.kill();
    stand_in.wait_for_requests(2);
    gate.open();

    assert_all_print(vec![waiter], &stand_in, 1);
    assert_eq!(stand_in.grants(), ["password", "password"]);
    assert!(sandbox.cache_files("tmp").is_empty(), "the killed holder's temporary file is removed");
}

#[test]
fn waiters_of_a_failed_refresh_share_its_failure() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::captive_portal());
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();

    let callers = start_concurrently(&sandbox, 50, ["-v", "--timeout", "1m"]);
    gate.open();

    for caller in callers {
        let outcome = caller.end();
        let expected = format!("the response from {} has no access token: HTTP 200", stand_in.url());
        assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(5)));
        assert_eq!(outcome.stderr.matches(&expected).count(), 1, "{outcome:?}");
    }
    assert_counts(stand_in.grants(), [("password", 1)]);
}

#[test]
fn one_caller_refreshes_early_and_all_others_print_the_cached_token() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    let old = sandbox.token();
    clock.set(DUE_FOR_EARLY_REFRESH);
    let gate = stand_in.close_gate();
    let refresher = sandbox.start([]);
    stand_in.wait_for_requests(2);

    let others: Vec<_> = (0..24).map(|_| sandbox.start([])).collect();
    for other in others {
        other.end().prints(&format!("{old}\n"));
    }
    gate.open();

    refresher.end().prints(&format!("{}\n", stand_in.issued()[1]));
    assert_eq!(sandbox.token(), stand_in.issued()[1]);
    assert_counts(stand_in.grants(), [("password", 1), ("refresh_token", 1)]);
}

#[test]
fn the_holder_of_a_lock_that_is_not_free_in_time_is_named() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let _gate = stand_in.close_gate();
    let holder = sandbox.start(["--timeout", "1m"]);
    stand_in.wait_for_requests(1);

    sandbox.run(["--timeout", "500ms"]).waited_in_vain("spotinst-cred", &sandbox.cache_files("lock")[0], holder.id());
}

#[test]
fn a_token_published_during_the_wait_is_used_when_time_runs_out() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    let (entry, aside) = (sandbox.entry_path(), sandbox.path().join("aside"));
    fs::rename(&entry, &aside).unwrap();
    let held = File::open(entry.with_extension("lock")).unwrap();
    held.lock().unwrap();
    let mut waiter = sandbox.start(["-v", "--timeout", "1s"]);
    assert_eq!(waiter.next_line(), LOCK_HELD);

    // Another process publishes a token and keeps the lock.
    fs::rename(&aside, &entry).unwrap();

    assert_all_print(vec![waiter], &stand_in, 0);
    assert_eq!(token, stand_in.issued()[0]);
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn no_child_inherits_the_lock() {
    if !is_unix("shell scripts") {
        return;
    }
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Never);
    let mut sandbox = Sandbox::of(&stand_in);
    let pid = sandbox.path().join("pid");
    let text = format!("sleep 1000 >/dev/null 2>&1 &\necho $! > {}\necho '{PASSWORD}'", pid.display());
    let command = sandbox.script("password", &text);
    sandbox.config(&format!("[profiles.default]\npassword_command = [\"{}\"]\n", command.display()));
    sandbox.unset("SPOTINST_PASSWORD");

    let outcome = sandbox.run([]);
    let is_locked = is_locked(&sandbox);
    let sleeper = fs::read_to_string(pid).unwrap();
    let killed = sandbox.command("kill").arg(sleeper.trim()).status().unwrap();

    outcome.prints(&format!("{}\n", stand_in.issued()[0]));
    assert!(killed.success(), "the command's child is still running");
    assert!(!is_locked);
}

/// Whether a process holds the lock of the only cache entry.
fn is_locked(sandbox: &Sandbox) -> bool {
    File::open(sandbox.lock_path()).unwrap().try_lock().is_err()
}

#[test]
fn without_a_thread_a_waiter_still_waits_for_the_holder() {
    if !strace::is_there() {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(1);
    let no_threads = ["-o", "/dev/null", "-e", "inject=clone3,clone:error=EAGAIN"];
    let mut waiter = Running::start(&mut strace::command(&sandbox, &no_threads, &["-v"]));
    assert_eq!(waiter.next_line(), LOCK_HELD);
    gate.open();

    holder.end().prints(&format!("{}\n", stand_in.issued()[0]));
    let outcome = waiter.end();
    assert_eq!(
        (outcome.stdout, outcome.status),
        (format!("{}\n", stand_in.issued()[0]), Some(0)),
        "{}",
        outcome.stderr
    );
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn without_a_thread_logout_still_waits_for_the_holder() {
    if !strace::is_there() {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(1);
    let no_threads = ["-o", "/dev/null", "-e", "inject=clone3,clone:error=EAGAIN"];
    let mut logout = Running::start(&mut strace::command(&sandbox, &no_threads, &["-v", "logout"]));
    assert_eq!(logout.next_line(), LOCK_HELD);
    gate.open();

    holder.end().prints(&format!("{}\n", stand_in.issued()[0]));
    assert_eq!(logout.end().status, Some(0));
    assert_ne!(sandbox.token(), stand_in.issued()[0]);
}

#[test]
fn a_waiter_with_little_time_left_sends_nothing() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let lock = File::options().write(true).open(sandbox.lock_path()).unwrap();
    lock.lock().unwrap();
    let mut waiter = sandbox.start(["-v", "--force-refresh", "--timeout", "2s"]);
    assert_eq!(waiter.next_line(), LOCK_HELD);
    // This waits for no event: of the 2.25 s, less than a quarter of an exchange must be left.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(1_900) {
        std::thread::yield_now();
    }
    drop(lock);

    let outcome = waiter.end();

    assert_eq!(outcome.status, Some(5), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("timed out waiting"), "{}", outcome.stderr);
    assert_eq!(stand_in.grants(), ["password"]);
    assert!(!fs::read_to_string(sandbox.entry_path()).unwrap().contains("in time"), "no failure is cached");
}

#[test]
fn a_leftover_marker_of_an_outer_call_is_ignored() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let identity = sandbox.entry_path().file_stem().unwrap().to_owned();
    fs::remove_file(sandbox.entry_path()).unwrap();

    sandbox.set("SPOTINST_CRED_INSIDE", identity);

    assert_eq!(sandbox.token(), stand_in.issued()[1]);
}

#[test]
fn a_forced_refresh_that_fails_to_read_the_entry_once_gets_a_new_token() {
    if !strace::is_there() {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let entry = sandbox.entry_path();
    let fails_once = ["-o", "/dev/null", "-P", entry.to_str().unwrap(), "-e", "inject=openat:error=EIO:when=1"];

    let outcome = Running::start(&mut strace::command(&sandbox, &fails_once, &["--force-refresh"])).end();

    outcome.prints(&format!("{}\n", stand_in.issued()[1]));
}

#[test]
fn a_forced_waiter_uses_a_newer_token_even_if_a_later_refresh_failed() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let lock = File::options().write(true).open(sandbox.lock_path()).unwrap();
    lock.lock().unwrap();
    let mut waiter = sandbox.start(["-v", "--force-refresh"]);
    assert_eq!(waiter.next_line(), LOCK_HELD);
    // Meanwhile another process refreshes once, and fails the second time.
    let elsewhere = Sandbox::of(&stand_in);
    elsewhere.token();
    stand_in.script([Reply::captive_portal(), Reply::captive_portal()]);
    elsewhere.run(["--force-refresh"]).has_failed(5);
    fs::copy(elsewhere.entry_path(), sandbox.entry_path()).unwrap();
    drop(lock);

    let outcome = waiter.end();

    assert_eq!(
        (outcome.stdout, outcome.status),
        (format!("{}\n", stand_in.issued()[1]), Some(0)),
        "{}",
        outcome.stderr
    );
}
