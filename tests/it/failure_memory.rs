//! A failed refresh is remembered: nobody repeats in vain what somebody else has just tried.

use std::fs;
use std::time::Duration;

use crate::sandbox::{Running, Sandbox};
use crate::wall_clock::WallClock;
use stand_in::{Reply, StandIn};

const HELD: &str = "spotinst-cred: the lock is held by another spotinst-cred that is getting a token";

#[test]
fn a_429_is_respected_until_its_reset() {
    let limited = |seconds| Reply::rate_limited_until_reset(Duration::from_secs(seconds));
    let table = [
        (limited(30), 30),
        (Reply::rate_limited_retry_after(Duration::from_secs(7)), 7),
        (limited(20).with_header("Retry-After", 90), 20),
        (Reply::rate_limited().with_header("x-ratelimit-reset", " 12 "), 12),
        (Reply::rate_limited(), 60),
        (Reply::rate_limited().with_header("Retry-After", "Mon, 23 Nov 2026 20:00:00 GMT"), 60),
        (limited(0), 1),
        (limited(7_200), 3_600),
        (limited(1_795_468_038), 3_600),
    ];
    for (reply, seconds) in table {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = WallClock::of(&mut sandbox) else { return };
        stand_in.script([reply]);
        let told = |left: i64| {
            format!(
                "spotinst-cred: {} wants no more requests for {seconds} s: HTTP 429, Rate limit exceeded \
                 (request id 963e071a-b62c-4a12-b4d9-0ca34cbe9320); {left} s left\n\
                 hint: wait; asking again earlier prolongs the block\n",
                stand_in.url()
            )
        };

        sandbox.run([]).fails(5, &told(seconds));
        sandbox.run([]).fails(5, &told(seconds));
        clock.set(seconds - 1);
        sandbox.run([]).fails(5, &told(1));
        sandbox.run(["--force-refresh"]).fails(5, &told(1));
        assert_eq!(stand_in.connections(), 1);

        clock.set(seconds);
        assert_eq!(sandbox.token(), stand_in.issued()[0]);
    }
}

#[test]
fn waiters_share_a_429() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::rate_limited());
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(1);
    let mut waiters: Vec<_> = (0..12).map(|_| sandbox.start(["-v", "--force-refresh"])).collect();
    waiters.iter_mut().for_each(|waiter| assert_eq!(waiter.next_line(), HELD));

    gate.open();

    holder.end().has_failed(5);
    waiters.into_iter().for_each(|waiter| waiter.end().has_failed(5));
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn a_passing_failure_is_shared_for_two_seconds() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = WallClock::of(&mut sandbox) else { return };
    stand_in.script([Reply::captive_portal()]);

    let first = sandbox.run([]);
    first.has_failed(5);
    assert_eq!(sandbox.run([]), first);
    clock.set(1);
    assert!(sandbox.run([]).stderr.contains(" (1 s ago, not asked again)\n"));
    assert_eq!(stand_in.connections(), 1);

    clock.set(2);
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
}

#[test]
fn a_passing_failure_does_not_keep_a_forced_call_from_asking() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    stand_in.script([Reply::captive_portal()]);
    sandbox.run([]).has_failed(5);

    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[0]));
}

#[test]
fn a_connection_that_fails_is_tried_three_times_and_then_remembered() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(_clock) = WallClock::of(&mut sandbox) else { return };
    stand_in.always(Reply::close_unanswered());

    sandbox.run([]).has_failed(5);
    sandbox.run([]).has_failed(5);

    assert_eq!(stand_in.connections(), 3);
}

#[test]
fn a_failure_while_the_token_is_usable_is_invisible_and_backs_off() {
    // The reply, the requests that it takes, the seconds for which the server is left alone, and those after which it
    // is asked again at the latest.
    let table = [
        (Reply::captive_portal(), 1, 59, 120),
        (Reply::rate_limited_until_reset(Duration::from_secs(1)), 1, 59, 120),
        (Reply::rate_limited_until_reset(Duration::from_secs(300)), 1, 299, 300),
        (Reply::unauthorized(), 2, 800, 900),
    ];
    for (reply, requests, quiet, again) in table {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = WallClock::of(&mut sandbox) else { return };
        let token = sandbox.token();
        stand_in.always(reply);

        for later in [0, 30, quiet] {
            clock.set(6_300 + later);
            assert_eq!(sandbox.token(), token);
        }
        assert_eq!(stand_in.connections(), 1 + requests);
        stand_in.default_behavior();
        clock.set(6_300 + again);
        assert_eq!(sandbox.token(), stand_in.issued()[1]);
    }
}

#[test]
fn the_back_off_is_spread() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::captive_portal());
    let mut ends = Vec::new();
    for _ in 0..12 {
        let sandbox = Sandbox::of(&stand_in);
        sandbox.run([]);
        let entry = fs::read_to_string(sandbox.entry_path()).unwrap();
        let number = |name: &str| -> u64 {
            let rest = entry.split_once(&format!("\"{name}\":")).unwrap().1;
            rest.split(',').next().unwrap().parse().unwrap()
        };
        ends.push(number("backoff_until") - number("at"));
    }

    assert!(ends.iter().all(|span| (60..=120).contains(span)), "{ends:?}");
    assert!(ends.iter().any(|span| *span != ends[0]), "{ends:?}");
}

#[test]
fn failures_of_one_identity_never_touch_another() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(_clock) = WallClock::of(&mut sandbox) else { return };
    let as_eve =
        |sandbox: &Sandbox| Running::start(sandbox.program([]).env("SPOTINST_USERNAME", "eve@example.com")).end();

    stand_in.script([Reply::unauthorized(), Reply::captive_portal()]);
    as_eve(&sandbox).has_failed(4);
    sandbox.run([]).has_failed(5);
    as_eve(&sandbox).has_failed(4);
    assert_eq!(stand_in.connections(), 2);

    let token = sandbox.run(["--force-refresh"]);
    token.prints(&format!("{}\n", stand_in.issued()[0]));
    as_eve(&sandbox).has_failed(4);
    assert_eq!(stand_in.connections(), 3);
}

#[test]
fn what_is_remembered_from_the_future_is_forgotten() {
    for reply in [Reply::unauthorized(), Reply::captive_portal(), Reply::rate_limited()] {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = WallClock::of(&mut sandbox) else { return };
        stand_in.script([reply]);
        let failed = sandbox.run([]);
        clock.set(-60);
        assert_eq!(sandbox.run([]).status, failed.status, "within the slack");
        assert_eq!(stand_in.connections(), 1);

        clock.set(-61);

        assert_eq!(sandbox.token(), stand_in.issued()[0]);
    }
}

/// A caller in a hurry speaks for nobody who has more time.
#[test]
fn a_time_out_is_shared_only_with_those_who_have_no_more_time() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    assert_eq!(sandbox.run(["--timeout", "200ms"]).status, Some(5));
    assert_eq!(sandbox.run(["--timeout", "200ms"]).status, Some(5));
    assert_eq!(stand_in.grants().len(), 1, "the second had no more time");
    let patient = sandbox.start(["--timeout", "50s"]);
    stand_in.wait_for_requests(2);
    gate.open();
    assert_eq!(patient.end().status, Some(0));
}
