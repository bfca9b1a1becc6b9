//! What a test needs from the machine, and may be missing: programs, privileges, devices.
//!
//! A test whose requirement is missing is recorded as skipped, and the `skipped` test target lists it at the end of the
//! run. Under `CI` a missing requirement fails the test, unless CI cannot install it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

pub use crate::os::is_root;
use crate::os::{CI_IS_COMPLETE, IS_UNIX};
use crate::skip_file;

/// Returns whether a requirement of the whole test is met. `why` says what is missing: `kubectl is not installed`.
#[track_caller]
pub fn need(is_met: bool, why: &str) -> bool {
    fail_on_ci(is_met, why);
    need_optional(is_met, why)
}

/// Like [`need`], for a requirement of some of the test's cases: the test goes on without them.
#[track_caller]
pub fn need_for_case(is_met: bool, why: &str) -> bool {
    fail_on_ci(is_met, why);
    need_optional_for_case(is_met, why)
}

/// Like [`need`], for what CI cannot install, such as a program that Debian has no package of.
pub fn need_optional(is_met: bool, why: &str) -> bool {
    if !is_met {
        record(&format!("skipped: {} ({why})", test_name()));
    }
    is_met
}

/// Like [`need_optional`], for a requirement of some of the test's cases.
pub fn need_optional_for_case(is_met: bool, why: &str) -> bool {
    if !is_met {
        record(&format!("skipped in part: {} ({why})", test_name()));
    }
    is_met
}

/// Returns whether this is Unix, for a test of what Windows does not have, such as shell scripts.
pub fn is_unix(what: &str) -> bool {
    need_optional(IS_UNIX, &format!("needs Unix: {what}"))
}

/// Like [`is_unix`], for some of the test's cases.
pub fn is_unix_for_case(what: &str) -> bool {
    need_optional_for_case(IS_UNIX, &format!("needs Unix: {what}"))
}

/// Returns whether the program is installed and exits with 0 when run with these arguments: see [`need`].
#[track_caller]
pub fn is_installed(program: &str, probe: &[&str]) -> bool {
    need(can_run(program, probe), &not_installed(program))
}

/// Like [`is_installed`], for some of the test's cases.
#[track_caller]
pub fn is_installed_for_case(program: &str, probe: &[&str]) -> bool {
    need_for_case(can_run(program, probe), &not_installed(program))
}

/// Returns whether Python has this module: see [`need`].
#[track_caller]
pub fn has_python_module(module: &str) -> bool {
    need(can_import(module), &module_not_installed(module))
}

/// Like [`has_python_module`], for some of the test's cases.
#[track_caller]
pub fn has_python_module_for_case(module: &str) -> bool {
    need_for_case(can_import(module), &module_not_installed(module))
}

fn can_import(module: &str) -> bool {
    can_run("python3", &["-c", &format!("import {module}")])
}

fn module_not_installed(module: &str) -> String {
    format!("the Python module {module} is not installed")
}

/// Returns whether the program runs with these arguments and exits with 0.
pub fn can_run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The reason to give for a missing program, named as for [`find`](crate::examples::find).
pub fn not_installed(program: &str) -> String {
    if program.contains('/') {
        return format!("target/hosts/{program} is missing: run .ci/hosts");
    }
    format!("{program} is not installed")
}

#[track_caller]
fn fail_on_ci(is_met: bool, why: &str) {
    let is_ci = CI_IS_COMPLETE && std::env::var_os("CI").is_some();
    assert!(is_met || !is_ci, "no test may be skipped on CI: {why}");
}

/// libtest gives each test's thread the test's name.
fn test_name() -> String {
    thread::current().name().unwrap_or("a test").to_owned()
}

/// Appends a line for the `skipped` test target: libtest hides what a passing test prints.
fn record(line: &str) {
    let path = skip_file::path();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // One write, so that lines of concurrent tests do not mix.
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
