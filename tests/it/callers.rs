//! Many concurrent callers: what each of them does first, and counts that stay readable when they are wrong.

use std::collections::BTreeMap;

use crate::sandbox::{Running, Sandbox};
use stand_in::StandIn;

/// The first line that a caller with `-v` prints when another one holds the lock.
pub const LOCK_HELD: &str = "spotinst-cred: the lock is held by another spotinst-cred that is getting a token";

/// Reads the first line of each caller: one starts the work, such as a request, and all others wait for the lock.
#[track_caller]
pub fn assert_one_works(callers: &mut [Running], starts_work: impl Fn(&str) -> bool) {
    let kind = |line: String| match line {
        line if starts_work(&line) => "works".to_owned(),
        line if line == LOCK_HELD => "waits for the lock".to_owned(),
        line => line,
    };
    let expected = [("works", 1), ("waits for the lock", callers.len() - 1)];
    assert_counts(callers.iter_mut().map(|caller| kind(caller.next_line())), expected);
}

/// Starts `n` callers while the stand-in holds back its responses: one sends a request, the others wait for the lock.
#[track_caller]
pub fn start_concurrently<const N: usize>(sandbox: &Sandbox, n: usize, arguments: [&str; N]) -> Vec<Running> {
    let mut callers: Vec<_> = (0..n).map(|_| sandbox.start(arguments)).collect();
    assert_one_works(&mut callers, |line| line.starts_with("spotinst-cred: asking "));
    callers
}

/// Asserts that `n` concurrent callers with an empty cache share one request.
#[track_caller]
pub fn assert_cold_callers_make_one_request<const N: usize>(n: usize, arguments: [&str; N]) {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();

    let callers = start_concurrently(&sandbox, n, arguments);
    gate.open();

    assert_all_print(callers, &stand_in, 0);
    assert_counts(stand_in.grants(), [("password", 1)]);
}

/// Asserts that `n` concurrent callers with `--force-refresh` share one request, and print and cache its token.
#[track_caller]
pub fn assert_forced_refreshes_coalesce<const N: usize>(n: usize, arguments: [&str; N]) {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let old = sandbox.token();
    let gate = stand_in.close_gate();

    let callers = start_concurrently(&sandbox, n, arguments);
    gate.open();

    assert_all_print(callers, &stand_in, 1);
    assert_ne!(old, stand_in.issued()[1]);
    assert_ne!(sandbox.token(), old);
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

/// Asserts that all callers print the `n`th issued token.
#[track_caller]
pub fn assert_all_print(callers: Vec<Running>, stand_in: &StandIn, n: usize) {
    let outcomes: Vec<_> = callers.into_iter().map(Running::end).collect();
    let line = format!("{}\n", stand_in.issued()[n]);
    for outcome in outcomes {
        assert_eq!((outcome.stdout.as_str(), outcome.status), (line.as_str(), Some(0)), "{outcome:?}");
    }
}

/// Compares how often each value occurs. A failure then shows `{"password": 200}` instead of two hundred strings.
#[track_caller]
pub fn assert_counts<const N: usize>(values: impl IntoIterator<Item = String>, expected: [(&str, usize); N]) {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0) += 1;
    }
    let expected = expected.map(|(value, count)| (value.to_owned(), count));
    assert_eq!(counts, BTreeMap::from(expected));
}
