//! The main job: a token is obtained once, and from then on it is there.

use crate::sandbox::{Running, Sandbox};
use stand_in::StandIn;

#[test]
fn the_second_call_asks_nobody() {
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
    // What each says first tells its part: one asks, and while its answer is held all others stand at the lock.
    let parts: Vec<_> = callers.iter_mut().map(|caller| caller.next_line()).collect();
    let asking = parts.iter().filter(|line| line.starts_with("spotinst-cred: asking ")).count();
    let waiting = parts.iter().filter(|line| line.starts_with("spotinst-cred: the lock is held by ")).count();
    assert_eq!((asking, waiting), (1, 199));
    gate.open();

    let outcomes: Vec<_> = callers.into_iter().map(Running::end).collect();
    let token = stand_in.issued().remove(0);
    for outcome in outcomes {
        assert_eq!((outcome.stdout, outcome.status), (format!("{token}\n"), Some(0)));
    }
    assert_eq!(stand_in.grants(), ["password"]);
}
