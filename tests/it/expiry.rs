//! The state of a cached token by its age: fresh, to be refreshed early, or due.

use std::fs::{self, File};
use std::time::Duration;

use crate::fake_clock::FakeClock;
use crate::requirements::is_unix_for_case;
use crate::sandbox::Sandbox;
use stand_in::token_reply::{Style, Tokens};
use stand_in::{Reply, StandIn};

const HOURS_2: u64 = 7_200;

/// What a call does with a cached token while another process holds the lock.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Prints it and does not try the lock.
    Fresh,
    /// Prints it after one try to lock.
    RefreshEarly,
    /// Waits for the lock.
    Due,
}

/// The state for a call with this `--min-ttl`.
fn state(sandbox: &Sandbox, min_ttl: &str) -> State {
    let lock = File::open(sandbox.lock_path()).unwrap();
    lock.lock().unwrap();
    let outcome = sandbox.run(["-v", "--timeout", "50ms", "--min-ttl", min_ttl]);
    match (outcome.status, outcome.stderr.contains("token from ")) {
        (Some(0), true) => State::Fresh,
        (Some(0), false) => State::RefreshEarly,
        (Some(5), false) => State::Due,
        _ => panic!("{outcome:?}"),
    }
}

/// A sandbox with a cached token of this lifetime in seconds, and its clock.
fn cached_token(lifetime: u64, stand_in: &StandIn) -> Option<(Sandbox, FakeClock, String)> {
    let mut sandbox = Sandbox::of(stand_in);
    let clock = FakeClock::of(&mut sandbox)?;
    stand_in.settings(|service| service.expires_in = Duration::from_secs(lifetime));
    let token = sandbox.token();
    Some((sandbox, clock, token))
}

#[test]
fn a_token_is_fresh_then_refreshed_early_then_due() {
    use State::{Due, Fresh, RefreshEarly};

    let stand_in = StandIn::start();
    // Lifetime and age in seconds. Ages at which the random spread decides are left out.
    let table = [
        (
            HOURS_2,
            vec![(0, Fresh), (5_999, Fresh), (6_300, RefreshEarly), (7_139, RefreshEarly), (7_140, Due), (7_300, Due)],
        ),
        (3_600, vec![(2_399, Fresh), (2_700, RefreshEarly), (3_539, RefreshEarly), (3_540, Due)]),
        // It is refreshed after half of its lifetime at the earliest.
        (600, vec![(299, Fresh), (375, RefreshEarly), (539, RefreshEarly), (540, Due)]),
        // For shorter lifetimes the margin is half of it, too.
        (60, vec![(29, Fresh), (30, Due), (60, Due)]),
        (2, vec![(0, Fresh), (1, Due)]),
    ];
    for (lifetime, ages) in table {
        let Some((sandbox, clock, _)) = cached_token(lifetime, &stand_in) else { return };
        for (age, expected) in ages {
            clock.set(age);
            assert_eq!(state(&sandbox, "0s"), expected, "{age} s of {lifetime} s");
        }
    }
}

#[test]
fn early_refreshes_are_spread_over_callers() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock, _)) = cached_token(HOURS_2, &stand_in) else { return };
    clock.set(6_150);

    // The chance that all 64 random choices are equal is negligible.
    let fresh = (0..64).filter(|_| state(&sandbox, "0s") == State::Fresh).count();

    assert!((1..64).contains(&fresh), "{fresh} of 64 were fresh");
}

#[test]
fn a_fresh_token_is_printed_without_lock_or_request() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock, token)) = cached_token(HOURS_2, &stand_in) else { return };
    fs::remove_file(sandbox.lock_path()).unwrap();
    clock.set(5_999);

    // Secrets are not read either.
    let mut command = sandbox.program([]);
    command.env("SPOTINST_PASSWORD_FILE", "/nonexistent").env_remove("SPOTINST_PASSWORD");
    crate::sandbox::Running::start(&mut command).end().prints(&format!("{token}\n"));

    assert!(!sandbox.lock_path().exists());
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn an_early_refresh_uses_the_refresh_grant() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock, old)) = cached_token(HOURS_2, &stand_in) else { return };
    clock.set(6_300);

    let new = sandbox.token();

    assert_ne!(new, old);
    assert_eq!(sandbox.token(), new);
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn a_due_token_is_never_printed() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock, _)) = cached_token(HOURS_2, &stand_in) else { return };
    clock.set(7_140);
    stand_in.always(Reply::captive_portal());

    let outcome = sandbox.run([]);

    assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(5)));
}

#[test]
fn an_expired_refresh_token_is_not_sent() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock, _)) = cached_token(HOURS_2, &stand_in) else { return };
    clock.set(1_209_600);

    sandbox.token();

    assert_eq!(stand_in.grants(), ["password", "password"]);
}

#[test]
fn min_ttl_makes_a_token_due_earlier() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock, _)) = cached_token(HOURS_2, &stand_in) else { return };

    assert_eq!(state(&sandbox, "1h"), State::Fresh);
    clock.set(3_600);
    assert_eq!(state(&sandbox, "1h"), State::Fresh);
    clock.set(3_601);
    assert_eq!(state(&sandbox, "1h"), State::Due);
    assert_eq!(state(&sandbox, "59m"), State::Fresh);
    clock.set(6_300);
    assert_eq!(state(&sandbox, "15m"), State::RefreshEarly);
    assert_eq!(state(&sandbox, "16m"), State::Due);

    let outcome = sandbox.run(["--min-ttl", "1h"]);
    outcome.prints(&format!("{}\n", stand_in.issued()[1]));
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn a_cached_token_below_min_ttl_is_not_printed() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock, token)) = cached_token(HOURS_2, &stand_in) else { return };
    clock.set(3_601);
    stand_in.always(Reply::captive_portal());

    let outcome = sandbox.run(["--min-ttl", "1h"]);

    assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(5)));
    assert_eq!(sandbox.token(), token, "a caller without --min-ttl still gets the cached token");
}

#[test]
fn an_impossible_min_ttl_causes_one_request_in_total() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    for _ in 0..3 {
        sandbox.run(["--min-ttl", "2h"]).fails(
            3,
            "spotinst-cred: --min-ttl 2h cannot be met: the server grants tokens of 2h\n\
             hint: ask for 1h 59m at most\n",
        );
    }

    assert_eq!(sandbox.token(), stand_in.issued()[0]);
    assert_eq!(stand_in.grants(), ["password"]);
    sandbox.run(["--min-ttl", "1h 59m", "--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
}

#[test]
fn a_token_of_unknown_lifetime_is_refreshed_after_half_an_hour_and_never_expires() {
    let stand_in = StandIn::start();
    stand_in.script([Style::Rfc6749.reply(&Tokens::access("opaque").expiring(None))]);
    let Some((sandbox, clock, token)) = cached_token(HOURS_2, &stand_in) else { return };
    assert_eq!(token, "opaque");
    assert!(!sandbox.run(["-f", "json"]).stdout.contains("expir"));

    for (age, expected) in [(1_799, State::Fresh), (1_800, State::RefreshEarly), (1_000_000, State::RefreshEarly)] {
        clock.set(age);
        assert_eq!(state(&sandbox, "3h"), expected, "{age} s");
    }
    assert_eq!(stand_in.grants(), ["password"]);
    stand_in.always(Reply::captive_portal());
    assert_eq!(sandbox.token(), token);
    stand_in.default_behavior();
    clock.set(1_000_130);
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
}

#[test]
fn the_jwts_expiry_counts_if_the_response_has_none() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.sends_expires_in = false);
    let Some((sandbox, clock, _)) = cached_token(HOURS_2, &stand_in) else { return };

    // The stand-in's clock is the real one, some seconds ahead of the sandbox's, which stands still.
    clock.set(5_900);
    assert_eq!(state(&sandbox, "0s"), State::Fresh);
    clock.set(6_900);
    assert_eq!(state(&sandbox, "0s"), State::RefreshEarly);
    clock.set(7_300);
    assert_eq!(state(&sandbox, "0s"), State::Due);
}

#[test]
fn the_reported_expiry_is_earlier_by_the_margin() {
    let stand_in = StandIn::start();
    for (lifetime, reported) in [(HOURS_2, 7_140), (600, 540), (60, 30), (2, 1)] {
        let Some((sandbox, clock, _)) = cached_token(lifetime, &stand_in) else { return };
        let document = sandbox.run(["-f", "json"]).stdout;
        assert!(document.contains(&format!("\"expires_in\":{reported},")), "{lifetime} s: {document}");
        clock.set(-30);
        let document = sandbox.run(["-f", "json"]).stdout;
        assert!(document.contains(&format!("\"expires_in\":{},", reported + 30)), "{lifetime} s: {document}");
    }
}

#[test]
fn an_impossible_min_ttl_fails_without_a_writable_cache_too() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let failure = "spotinst-cred: --min-ttl 5h cannot be met: the server grants tokens of 2h\n\
                   hint: ask for 1h 59m at most\n";
    if is_unix_for_case("a file size limit") {
        sandbox.full_disk(&["--min-ttl", "5h"]).fails(3, failure);
    }
    sandbox.run(["--no-cache", "--min-ttl", "5h"]).fails(3, failure);
}
