//! Lists the tests that were skipped: `cargo test` runs its targets in the order of their names, and this one is last.
//!
//! It has no harness and ignores test filters, so that it also reports on a filtered run. When a test fails, cargo
//! stops before it, unless run with `--no-fail-fast`. `--list` prints nothing, as this target has no tests:
//! cargo-nextest, for one, then does not run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may panic, print and read its environment"
)]

use std::collections::BTreeSet;
use std::fs;

#[allow(dead_code, reason = "most of it is for the tests")]
#[cfg_attr(unix, path = "it/os/unix.rs")]
#[cfg_attr(windows, path = "it/os/windows.rs")]
mod os;
#[path = "it/skip_file.rs"]
mod skip_file;
#[allow(dead_code, reason = "the tests use it")]
#[path = "it/steps.rs"]
mod steps;

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let recorded = fs::read_to_string(skip_file::path()).unwrap_or_default();
    let lines: BTreeSet<_> = recorded.lines().collect();
    if lines.is_empty() {
        println!("no test was skipped");
    }
    for line in lines {
        println!("{line}");
    }
    remove_files_of_finished_runs();
}

/// Removes this run's file, and those of runs whose process is gone.
fn remove_files_of_finished_runs() {
    fs::remove_file(skip_file::path()).ok();
    for file in fs::read_dir(skip_file::directory()).into_iter().flatten().flatten() {
        let name = file.file_name();
        let process = name.to_str().and_then(|name| name.split_once('-')?.0.parse().ok());
        if process.is_some_and(|process| name.to_str() != Some(&skip_file::run_of(process))) {
            fs::remove_file(file.path()).ok();
        }
    }
}
