//! Other people's programs that the tests run. One that is not installed is skipped by name; on CI it must be there.

use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;

/// The document of [`telling`]: it dies at a moment that every format can be compared with.
pub const DOCUMENT: &str = r#"{"version":1,"access_token":"tok-1.A_b~c+d/e=","token_type":"Bearer","expiry":"2099-01-01T00:00:00Z","account":"act-12345678"}"#;

/// The token of [`DOCUMENT`]: a character of each kind that RFC 6750 allows.
pub const TOKEN: &str = "tok-1.A_b~c+d/e=";

/// Its expiry as hosts are told it: a minute early.
pub const EXPIRY: &str = "2098-12-31T23:59:00Z";

/// Its account.
pub const ACCOUNT: &str = "act-12345678";

/// Whether the program is installed, by running it with these arguments. On CI it must be.
#[track_caller]
pub fn is_installed(program: &str, probe: &[&str]) -> bool {
    let is_there = is_at_hand(program, probe);
    assert!(is_there || std::env::var_os("CI").is_none(), "CI must run this, and {program} {probe:?} fails");
    is_there
}

/// The same for a program that Debian has no package of, or none that is new enough: CI may go without it.
pub fn is_at_hand(program: &str, probe: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let is_there = command.status().is_ok_and(|status| status.success());
    if !is_there {
        eprintln!("skipped: {program} is not installed");
    }
    is_there
}

/// A sandbox whose one profile gets its tokens from a command that prints this.
pub fn telling(document: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let path = sandbox.write("document", document);
    sandbox.config(&format!(
        "[profiles.default]\ngrant = \"command\"\ntoken_command = [\"cat\", \"{}\"]\n",
        path.display()
    ));
    sandbox
}

/// A sandbox whose one profile has a permanent token, and these lines.
pub fn permanent(token: &str, lines: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[profiles.default]\ntoken = \"{token}\"\n{lines}\n"));
    sandbox
}
