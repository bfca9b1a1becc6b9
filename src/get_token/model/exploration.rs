//! What is explored, when.

use std::env;
use std::time::Instant;

use super::search::{Figures, Space, explore, explore_all};
use super::state::{Configuration, KINDS, PROFILES, STARTS};
use super::story::{ENV, parse_path, tell};
use super::wrong::Wrong;

/// All configurations of so many processes; the order of the processes does not matter.
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
    // The order has all pairs of kinds for one entry, then for the next: each kind, entry and profile is among these.
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

/// A configuration in which one wrong thing shows, and the promise that it breaks.
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
fn that_the_second_read_is_left_out_is_found() {
    assert_is_found(Wrong::NoSecondRead, "Password/Expired/Plain+Plain", 'b');
}

#[test]
fn that_the_old_refresh_token_is_sent_is_found() {
    assert_is_found(Wrong::OldRefreshToken, "Login/Expired/Plain+Plain", 'b');
}

#[test]
fn that_a_rejection_has_no_fingerprint_is_found() {
    assert_is_found(Wrong::NoFingerprint, "Password/None/WrongPassword+WrongPassword", 'c');
}

#[test]
fn that_a_held_lock_is_taken_for_an_unavailable_one_is_found() {
    assert_is_found(Wrong::HeldIsUnavailable, "Password/None/Plain+Plain", 'a');
}

#[test]
fn that_a_local_failure_is_shared_is_found() {
    assert_is_found(Wrong::SharesLocalFailures, "Password/None/Broken+Plain", 'i');
}

#[test]
fn that_logout_takes_no_lock_is_found() {
    assert_is_found(Wrong::LogoutWithoutLock, "Password/None/Plain+Logout", 'd');
}
