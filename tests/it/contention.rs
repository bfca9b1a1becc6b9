//! Many callers at once: one request, one result for all, and nobody waits for what is not theirs.

use std::fs::{self, File};

use crate::sandbox::{Running, Sandbox};
use crate::wall_clock::WallClock;
use stand_in::spotinst::{PASSWORD, RefreshTokens};
use stand_in::{Gate, Reply, StandIn};

/// A two-hour token is ageing at this age, in seconds, whatever the spread.
const AGEING: i64 = 6_400;

const HELD: &str = "spotinst-cred: the lock is held by another spotinst-cred that is getting a token";

#[test]
fn twelve_cold_callers_make_one_request() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();

    let callers = contenders(&sandbox, 12, ["-v"]);
    gate.open();

    all_print(callers, &stand_in, 0);
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_hundred_forced_refreshes_coalesce() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let old = sandbox.token();
    let gate = stand_in.close_gate();

    let callers = contenders(&sandbox, 100, ["-v", "--force-refresh"]);
    gate.open();

    all_print(callers, &stand_in, 1);
    assert_ne!(old, stand_in.issued()[1]);
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn a_forced_refresh_after_another_is_one_of_its_own() {
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

    // The answer is held all the while, and the lock with it.
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
    // Both are asked before either answers.
    one.wait_for_requests(1);
    other.wait_for_requests(1);
    gate.open();

    first.end().prints(&format!("{}\n", one.issued()[0]));
    second.end().prints(&format!("{}\n", other.issued()[0]));
}

#[test]
fn a_killed_holder_lets_the_next_one_go_on() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(1);
    let mut waiter = sandbox.start(["-v"]);
    assert_eq!(waiter.next_line(), HELD);
    assert_eq!(stand_in.grants(), ["password"]);

    holder.kill();
    stand_in.wait_for_requests(2);
    gate.open();

    all_print(vec![waiter], &stand_in, 1);
    assert_eq!(stand_in.grants(), ["password", "password"]);
    assert!(sandbox.cache_files("tmp").is_empty(), "the killed holder's draft is gone");
}

#[test]
fn waiters_of_a_failed_refresh_share_its_failure() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::captive_portal());
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();

    let callers = contenders(&sandbox, 50, ["-v"]);
    gate.open();

    for caller in callers {
        let outcome = caller.end();
        let told = format!("the answer of {} holds no access token: HTTP 200", stand_in.url());
        assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(5)));
        assert_eq!(outcome.stderr.matches(&told).count(), 1, "{outcome:?}");
    }
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn one_renews_an_ageing_token_and_all_others_print_it_at_once() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = WallClock::of(&mut sandbox) else { return };
    let old = sandbox.token();
    clock.set(AGEING);
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
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn a_lock_that_is_not_had_in_time_is_named() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let _gate = stand_in.close_gate();
    let _holder = sandbox.start(["--timeout", "1m"]);
    stand_in.wait_for_requests(1);

    let outcome = sandbox.run(["--timeout", "500ms"]);

    let lock = sandbox.cache_files("lock").remove(0);
    outcome.fails(
        5,
        &format!(
            "spotinst-cred: another spotinst-cred holds {} and is not done in time\n\
             hint: try again; if it lasts, see who holds it with `fuser`, and end that process\n",
            lock.display()
        ),
    );
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn when_the_wait_runs_out_what_has_come_meanwhile_is_served() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    let (entry, aside) = (sandbox.entry_path(), sandbox.path().join("aside"));
    fs::rename(&entry, &aside).unwrap();
    let held = File::open(entry.with_extension("lock")).unwrap();
    held.lock().unwrap();
    let mut waiter = sandbox.start(["-v", "--timeout", "1s"]);
    assert_eq!(waiter.next_line(), HELD);

    // Some other process publishes, and the lock is taken again before the waiter has it.
    fs::rename(&aside, &entry).unwrap();

    all_print(vec![waiter], &stand_in, 0);
    assert_eq!(token, stand_in.issued()[0]);
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn no_child_inherits_the_lock() {
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
    assert!(killed.success(), "the command's child lived on");
    assert!(!is_locked);
}

/// Starts so many callers while the stand-in's answers are held: one asks, all others stand at the lock.
#[track_caller]
fn contenders<const N: usize>(sandbox: &Sandbox, n: usize, arguments: [&str; N]) -> Vec<Running> {
    let mut callers: Vec<_> = (0..n).map(|_| sandbox.start(arguments)).collect();
    let parts: Vec<_> = callers.iter_mut().map(|caller| caller.next_line()).collect();
    let asking = parts.iter().filter(|line| line.starts_with("spotinst-cred: asking ")).count();
    let waiting = parts.iter().filter(|line| *line == HELD).count();
    assert_eq!((asking, waiting), (1, n - 1), "{parts:?}");
    callers
}

/// They all end, and have printed the token that was issued as number `n`.
#[track_caller]
fn all_print(callers: Vec<Running>, stand_in: &StandIn, n: usize) {
    let outcomes: Vec<_> = callers.into_iter().map(Running::end).collect();
    let line = format!("{}\n", stand_in.issued()[n]);
    for outcome in outcomes {
        assert_eq!((outcome.stdout.as_str(), outcome.status), (line.as_str(), Some(0)), "{outcome:?}");
    }
}

/// Whether any process holds the lock of the one cache entry.
fn is_locked(sandbox: &Sandbox) -> bool {
    File::open(sandbox.lock_path()).unwrap().try_lock().is_err()
}
