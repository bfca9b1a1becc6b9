//! A failed refresh is cached, so that other callers do not repeat it.

use std::fs;
use std::time::Duration;

use crate::callers::LOCK_HELD;
use crate::fake_clock::FakeClock;
use crate::sandbox::{Running, Sandbox};
use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

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
        let Some(clock) = FakeClock::of(&mut sandbox) else { return };
        stand_in.script([reply]);
        let expected = |left: &str| {
            format!(
                "spotinst-cred: rate limited by {} for {seconds} s: HTTP 429, Rate limit exceeded \
                 (request id 963e071a-b62c-4a12-b4d9-0ca34cbe9320){left}\n\
                 hint: wait; requests before then prolong the block\n",
                stand_in.url()
            )
        };

        sandbox.run([]).fails(5, &expected(""));
        sandbox.run([]).fails(5, &expected(""));
        clock.set(seconds - 1);
        let left = if seconds == 1 { "" } else { "; 1 s left" };
        sandbox.run([]).fails(5, &expected(left));
        sandbox.run(["--force-refresh"]).fails(5, &expected(left));
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
    waiters.iter_mut().for_each(|waiter| assert_eq!(waiter.next_line(), LOCK_HELD));

    gate.open();

    holder.end().has_failed(5);
    waiters.into_iter().for_each(|waiter| waiter.end().has_failed(5));
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn a_temporary_failure_is_shared_for_two_seconds() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
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
fn a_forced_refresh_ignores_a_cached_temporary_failure() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    stand_in.script([Reply::captive_portal()]);
    sandbox.run([]).has_failed(5);

    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[0]));
}

#[test]
fn a_failed_connection_is_tried_three_times_and_then_cached() {
    // The connection ends before the request is sent: during the handshake of TLS.
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.identity_for(&["127.0.0.1"]));
    let mut sandbox = Sandbox::of(&stand_in);
    ca.write_pem(&sandbox.home().join("ca.pem")).unwrap();
    sandbox.set("SSL_CERT_FILE", sandbox.home().join("ca.pem"));
    let Some(_clock) = FakeClock::of(&mut sandbox) else { return };
    stand_in.always(Reply::close_at_once());

    sandbox.run([]).has_failed(5);
    sandbox.run([]).has_failed(5);

    assert_eq!(stand_in.connections(), 3);
}

#[test]
fn a_request_without_a_response_is_sent_once_and_its_failure_cached() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(_clock) = FakeClock::of(&mut sandbox) else { return };
    stand_in.always(Reply::close_unanswered());

    sandbox.run([]).has_failed(5);
    sandbox.run([]).has_failed(5);

    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_failed_early_refresh_is_silent_and_backs_off() {
    // The reply, the number of requests, the seconds without another request, and the seconds after which there is one.
    let table = [
        (Reply::captive_portal(), 1, 59, 120),
        (Reply::rate_limited_until_reset(Duration::from_secs(1)), 1, 59, 120),
        (Reply::rate_limited_until_reset(Duration::from_secs(300)), 1, 299, 300),
        (Reply::unauthorized(), 2, 800, 900),
    ];
    for (reply, requests, quiet, again) in table {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = FakeClock::of(&mut sandbox) else { return };
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
fn the_backoff_is_randomized() {
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
fn failures_of_one_identity_do_not_affect_another() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(_clock) = FakeClock::of(&mut sandbox) else { return };
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
fn a_cached_failure_from_the_future_is_ignored() {
    for reply in [Reply::unauthorized(), Reply::captive_portal(), Reply::rate_limited()] {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let Some(clock) = FakeClock::of(&mut sandbox) else { return };
        stand_in.script([reply]);
        let failed = sandbox.run([]);
        clock.set(-60);
        assert_eq!(sandbox.run([]).status, failed.status, "within the slack");
        assert_eq!(stand_in.connections(), 1);

        clock.set(-61);

        assert_eq!(sandbox.token(), stand_in.issued()[0]);
    }
}

/// A caller with a longer time limit may succeed.
#[test]
fn a_timeout_is_shared_only_with_callers_whose_limit_is_no_longer() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    assert_eq!(sandbox.run(["--timeout", "1s"]).status, Some(5));
    assert_eq!(sandbox.run(["--timeout", "1s"]).status, Some(5));
    assert_eq!(stand_in.grants().len(), 1, "the second caller has the same time limit");
    let patient = sandbox.start(["--timeout", "50s"]);
    stand_in.wait_for_requests(2);
    gate.open();
    assert_eq!(patient.end().status, Some(0));
}
