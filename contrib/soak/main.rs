//! Runs the program at random, by a seed: many real processes on several identities in one cache directory, killed and
//! stopped at random moments, while the servers fail. Checks the rules at the servers and at the end.
//!
//!     SEED=1 SECONDS=60 WORKERS=8 cargo test --test soak
//!
//! A round has a phase with faults and a phase without, in which the next calls must succeed. A violation is printed
//! with the seed and the events of its identity. The choices repeat with the seed; the timing of the processes does
//! not.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a program for tests: it prints, reads its own environment, and fails by panicking"
)]

mod call;
mod log;
mod machine;
mod process;
mod quiet;
mod random;
mod rules;
mod server;
mod soak;

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::time::Duration;

use log::Records;
use soak::Soak;

fn main() -> ExitCode {
    let Some(seed) = number("SEED") else {
        println!("no soak: SEED is not set");
        return ExitCode::SUCCESS;
    };
    let (seconds, workers) = (number("SECONDS").unwrap_or(60), number("WORKERS").unwrap_or(8));
    println!("SEED={seed} SECONDS={seconds} WORKERS={workers}");
    let mut soak = Soak::new(seed, workers);
    let mut violations = 0;
    while violations == 0 && soak.log.now() < Duration::from_secs(seconds) {
        violations = soak.round(seed, Duration::from_secs(seconds));
    }
    if violations == 0 {
        violations = soak.last_round(seed);
    }
    print_summary(&soak.log.records(), soak.log.now(), violations);
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}

fn print_summary(records: &Records, elapsed: Duration, violations: usize) {
    let Records { calls, exchanges } = records;
    let signals = calls.iter().flat_map(|call| &call.signals).map(|(_, signal)| (*signal).to_owned());
    let kinds = calls.iter().map(|call| format!("{:?}", call.kind));
    let ends = calls.iter().map(|call| call.status().map_or("signal".to_owned(), |status| status.to_string()));
    let grants = exchanges.iter().map(|exchange| exchange.grant.clone());
    let faults =
        exchanges.iter().filter(|exchange| !exchange.fault.is_empty()).map(|exchange| exchange.fault.to_owned());
    println!("in {} s:", elapsed.as_secs());
    println!("{} processes: {}", calls.len(), counts(kinds));
    println!("their exit statuses: {}", counts(ends));
    println!("{} signals: {}", signals.clone().count(), counts(signals));
    println!("{} requests: {}", exchanges.len(), counts(grants));
    println!("{} faults: {}", faults.clone().count(), counts(faults));
    println!("{violations} violations");
}

fn counts(values: impl Iterator<Item = String>) -> String {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0) += 1;
    }
    let counts: Vec<_> = counts.iter().map(|(value, count)| format!("{count} {value}")).collect();
    counts.join(", ")
}
