//! A wall clock that steps, by minutes and by years, before and during a call: always a token, never for long a wrong
//! one.

use crate::sandbox::Sandbox;
use crate::wall_clock::WallClock;
use stand_in::StandIn;

const MINUTE: i64 = 60;
const YEAR: i64 = 365 * 24 * 60 * MINUTE;

const HELD: &str = "spotinst-cred: the lock is held by another spotinst-cred that is getting a token";

#[test]
fn a_step_before_a_call() {
    // How far the clock steps after the first call, and the grants from then on, for two calls.
    let renewed: &[&str] = &["refresh_token"];
    let table = [
        (10 * MINUTE, &[][..]),
        (-30, &[]),
        (-60, &[]),
        // An entry from the future: no token.
        (-61, renewed),
        (-10 * MINUTE, renewed),
        (-YEAR, renewed),
        (-20 * YEAR, renewed),
        (3 * 60 * MINUTE, renewed),
        (YEAR, &["password"]),
        (20 * YEAR, &["password"]),
    ];
    for (step, grants) in table {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = WallClock::of(&mut sandbox) else { return };
        sandbox.token();
        clock.set(step);

        let tokens = [sandbox.token(), sandbox.token()];

        let newest = stand_in.issued().pop().unwrap();
        assert_eq!(tokens, [newest.clone(), newest], "{step} s");
        assert_eq!(stand_in.grants()[1..], *grants, "{step} s");
    }
}

#[test]
fn a_clock_that_is_put_right_again() {
    for step in [-YEAR, YEAR] {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = WallClock::of(&mut sandbox) else { return };
        clock.set(step);
        let wrong = sandbox.token();
        clock.set(0);

        let right = sandbox.token();

        assert_ne!(wrong, right, "{step} s");
        assert_eq!(sandbox.token(), right, "{step} s");
        assert_eq!(stand_in.connections(), 2, "{step} s");
    }
}

#[test]
fn a_step_while_a_call_is_under_way() {
    // How far the clock steps, and how many requests that costs the callers of this moment and one later.
    for (step, requests) in [(10 * MINUTE, 1), (YEAR, 2), (20 * YEAR, 2), (-30, 1), (-10 * MINUTE, 2), (-20 * YEAR, 2)]
    {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = WallClock::of(&mut sandbox) else { return };
        let gate = stand_in.close_gate();
        let holder = sandbox.start([]);
        stand_in.wait_for_requests(1);
        let mut waiters: Vec<_> = (0..6).map(|_| sandbox.start(["-v"])).collect();
        waiters.iter_mut().for_each(|waiter| assert_eq!(waiter.next_line(), HELD));

        clock.set(step);
        gate.open();

        holder.end().prints(&format!("{}\n", stand_in.issued()[0]));
        let outcomes: Vec<_> = waiters.into_iter().map(|waiter| waiter.end()).collect();
        let newest = stand_in.issued().pop().unwrap();
        for outcome in outcomes {
            assert_eq!((outcome.stdout, outcome.status), (format!("{newest}\n"), Some(0)), "{step} s");
        }
        assert_eq!(sandbox.token(), newest, "{step} s");
        assert_eq!(stand_in.connections(), requests, "{step} s");
    }
}

#[test]
fn a_step_while_the_lock_is_waited_for_does_not_change_the_wait() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = WallClock::of(&mut sandbox) else { return };
    let _gate = stand_in.close_gate();
    let _holder = sandbox.start(["--timeout", "1m"]);
    stand_in.wait_for_requests(1);
    let mut waiter = sandbox.start(["-v", "--timeout", "2s"]);
    assert_eq!(waiter.next_line(), HELD);

    // It neither waits for years nor gives up at once: budgets go by the monotonic clock.
    clock.set(-20 * YEAR);

    waiter.end().has_failed(5);
    assert_eq!(stand_in.connections(), 1);
}
