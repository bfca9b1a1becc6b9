//! The tests that explore the model.

use std::env;
use std::time::Instant;

use super::search::{Figures, Space, explore, explore_all};
use super::state::{Configuration, KINDS, PROFILES, STARTS};
use super::story::{ENV, parse_path, tell};
use super::wrong::Wrong;

/// All configurations with this number of processes, in any order.
fn configurations(processes: usize) -> Vec<Configuration> {
    let mut all = vec![];
    for profile in PROFILES {
        for start in STARTS {
            let mut kinds: Vec<Vec<usize>> = vec![vec![]];
            for _ in 0..processes {
                let longer = |list: &Vec<usize>| {
                    let from = list.last().copied().unwrap_or(0);
                    (from..KINDS.len()).map(|kind| [list.as_slice(), &[kind]].concat()).collect::<Vec<_>>()
                };
                kinds = kinds.iter().flat_map(longer).collect();
            }
            let with = |list: Vec<usize>| Configuration {
                profile,
                start,
                kinds: list.into_iter().map(|kind| KINDS[kind]).collect(),
            };
            all.extend(kinds.into_iter().map(with));
        }
    }
    all
}

#[track_caller]
fn assert_nothing_is_found(name: &str, configurations: &[Configuration], space: Space) -> Figures {
    let started = Instant::now();
    let figures = explore_all(configurations, space).unwrap_or_else(|violation| panic!("{violation}"));
    let Figures { configurations, states, transitions } = figures;
    println!(
        "{name}: {configurations} configurations, {states} states, {transitions} transitions, {:.1?}",
        started.elapsed()
    );
    figures
}

const ONE_FAULT: Space = Space { faults: 1, has_clock: true, wrong: None };

#[test]
fn a_sample_of_two_processes_breaks_no_promise() {
    let all = configurations(2);
    // The configurations list all pairs of kinds for one entry, then for the next. The sample includes each kind, entry
    // and profile.
    let sample: Vec<_> = all.into_iter().skip(7).step_by(109).collect();
    assert_nothing_is_found("a sample", &sample, ONE_FAULT);
}

#[test]
#[ignore = "takes minutes without optimization"]
fn two_processes_break_no_promise() {
    let figures = assert_nothing_is_found("two processes, one fault", &configurations(2), ONE_FAULT);
    assert_eq!(figures.configurations, 1320);
}

#[test]
#[ignore = "takes a minute without optimization"]
fn two_processes_with_two_faults_break_no_promise() {
    let space = Space { faults: 2, has_clock: false, ..ONE_FAULT };
    assert_nothing_is_found("two processes, two faults, without the clock", &configurations(2), space);
}

#[test]
#[ignore = "takes a minute without optimization"]
fn three_processes_break_no_promise() {
    let space = Space { faults: 0, has_clock: false, ..ONE_FAULT };
    assert_nothing_is_found("three processes, no fault, without the clock", &configurations(3), space);
}

#[test]
#[ignore = "takes minutes"]
fn larger_space_of_three_processes_with_a_fault() {
    let space = Space { has_clock: false, ..ONE_FAULT };
    assert_nothing_is_found("three processes, one fault, without the clock", &configurations(3), space);
}

#[test]
#[ignore = "takes minutes"]
fn larger_space_of_three_processes_with_the_clock() {
    let space = Space { faults: 0, ..ONE_FAULT };
    assert_nothing_is_found("three processes, no fault", &configurations(3), space);
}

#[test]
#[ignore = "takes minutes"]
fn larger_space_of_two_faults_with_the_clock() {
    assert_nothing_is_found("two processes, two faults", &configurations(2), Space { faults: 2, ..ONE_FAULT });
}

#[test]
#[ignore = "for a person: set MODEL_REPLAY"]
#[expect(clippy::disallowed_methods, reason = "a variable of the tests alone")]
fn replay() {
    let text = env::var(ENV).expect("MODEL_REPLAY is a configuration and a path");
    let (configuration, path) = text.split_once(' ').unwrap_or((&text, ""));
    let configuration = Configuration::parse(configuration).expect("a configuration");
    println!("{}", tell(&configuration, ONE_FAULT, &parse_path(path).expect("a path")));
    match explore(&configuration, ONE_FAULT) {
        Ok(figures) => println!("{figures:?}"),
        Err(violation) => println!("{violation}"),
    }
}

/// Checks that a bug is found: in this configuration, it violates this invariant.
#[track_caller]
fn assert_is_found(wrong: Wrong, configuration: &str, letter: char) {
    let configuration = Configuration::parse(configuration).expect("a configuration");
    let space = Space { faults: 0, wrong: Some(wrong), ..ONE_FAULT };
    let violation = explore(&configuration, space).expect_err("a violation is found");
    println!("{wrong:?}\n{violation}");
    assert_eq!(violation.letter, letter, "{violation}");
    assert!(explore(&configuration, Space { wrong: None, ..space }).is_ok(), "nothing is found if all is right");
}

#[test]
fn the_search_finds_a_missing_second_read() {
    assert_is_found(Wrong::NoSecondRead, "Password/Expired/Plain+Plain", 'b');
}

#[test]
fn the_search_finds_that_an_old_refresh_token_is_sent() {
    assert_is_found(Wrong::OldRefreshToken, "Login/Expired/Plain+Plain", 'b');
}

#[test]
fn the_search_finds_a_rejection_without_fingerprint() {
    assert_is_found(Wrong::NoFingerprint, "Password/None/WrongPassword+WrongPassword", 'c');
}

#[test]
fn the_search_finds_a_held_lock_treated_as_unavailable() {
    assert_is_found(Wrong::HeldIsUnavailable, "Password/None/Plain+Plain", 'a');
}

#[test]
fn the_search_finds_a_shared_local_failure() {
    assert_is_found(Wrong::SharesLocalFailures, "Password/None/Broken+Plain", 'i');
}

#[test]
fn the_search_finds_a_logout_without_lock() {
    assert_is_found(Wrong::LogoutWithoutLock, "Password/None/Plain+Logout", 'd');
}
