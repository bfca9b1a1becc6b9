//! The wall clock steps by minutes or years, before or during a call: the call always prints a token, and a wrong
//! expiry is corrected.

use crate::callers::LOCK_HELD;
use crate::fake_clock::FakeClock;
use crate::sandbox::Sandbox;
use stand_in::StandIn;

const MINUTE: i64 = 60;
const YEAR: i64 = 365 * 24 * 60 * MINUTE;

#[test]
fn after_a_clock_step_a_call_prints_the_newest_token() {
    // The step after the first call, and the grants of the two calls after it.
    let renewed: &[&str] = &["refresh_token"];
    let table = [
        (10 * MINUTE, &[][..]),
        (-30, &[]),
        (-60, &[]),
        // An entry from the future is a cache miss.
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
        let Some(clock) = FakeClock::of(&mut sandbox) else { return };
        sandbox.token();
        clock.set(step);

        let tokens = [sandbox.token(), sandbox.token()];

        let newest = stand_in.issued().pop().unwrap();
        assert_eq!(tokens, [newest.clone(), newest], "{step} s");
        assert_eq!(stand_in.grants()[1..], *grants, "{step} s");
    }
}

#[test]
fn after_the_clock_is_corrected_the_next_call_gets_a_new_token() {
    for step in [-YEAR, YEAR] {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = FakeClock::of(&mut sandbox) else { return };
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
fn after_a_clock_step_during_a_refresh_all_callers_print_the_newest_token() {
    // The step, and the number of requests of the concurrent callers and one later call.
    for (step, requests) in [(10 * MINUTE, 1), (YEAR, 2), (20 * YEAR, 2), (-30, 1), (-10 * MINUTE, 2), (-20 * YEAR, 2)]
    {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = FakeClock::of(&mut sandbox) else { return };
        let gate = stand_in.close_gate();
        let holder = sandbox.start([]);
        stand_in.wait_for_requests(1);
        let mut waiters: Vec<_> = (0..6).map(|_| sandbox.start(["-v"])).collect();
        waiters.iter_mut().for_each(|waiter| assert_eq!(waiter.next_line(), LOCK_HELD));

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
fn a_clock_step_does_not_change_the_wait_for_the_lock() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    let _gate = stand_in.close_gate();
    let _holder = sandbox.start(["--timeout", "1m"]);
    stand_in.wait_for_requests(1);
    let mut waiter = sandbox.start(["-v", "--timeout", "2s"]);
    assert_eq!(waiter.next_line(), LOCK_HELD);

    // Deadlines use the monotonic clock: the wait still ends after two seconds.
    clock.set(-20 * YEAR);

    waiter.end().has_failed(5);
    assert_eq!(stand_in.connections(), 1);
}
