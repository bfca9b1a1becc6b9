//! The main case: a token is requested once and then comes from the cache.

use crate::callers::{assert_counts, assert_one_works};
use crate::sandbox::{Running, Sandbox};
use stand_in::StandIn;

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
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();

    let mut callers: Vec<_> = (0..200).map(|_| sandbox.start(["-v"])).collect();
    // The server does not answer yet, so that the other callers wait for the lock.
    assert_one_works(&mut callers, |line| line.starts_with("spotinst-cred: asking "));
    gate.open();

    let outcomes: Vec<_> = callers.into_iter().map(Running::end).collect();
    let token = stand_in.issued().remove(0);
    for outcome in outcomes {
        assert_eq!((outcome.stdout, outcome.status), (format!("{token}\n"), Some(0)));
    }
    assert_counts(stand_in.grants(), [("password", 1)]);
}
