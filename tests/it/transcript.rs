//! The recorded session and the pictures of it in the README match the program's output.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fake_network::FakeNetwork;
use crate::requirements::{need, not_installed};
use crate::sandbox::PROGRAM;

#[test]
fn the_recorded_session_and_its_pictures_are_current() {
    let network = FakeNetwork::start();
    let ca_file = network.sandbox.path().join("ca.pem");
    let arguments = ["record.py", PROGRAM, &network.proxy.url(), ca_file.to_str().unwrap()];
    let Some(session) = python(&arguments, Stdio::null()) else { return };
    assert_shipped("session.txt", &session);
    for theme in ["light", "dark"] {
        let shipped = File::open(path("session.txt")).unwrap();
        let picture = python(&["render.py", theme], shipped.into()).unwrap();
        assert_shipped(&format!("session-{theme}.svg"), &picture);
    }
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/transcript").join(file)
}

/// What a script of this folder prints; `None` if Python is not installed.
#[track_caller]
fn python(arguments: &[&str], stdin: Stdio) -> Option<String> {
    let output = Command::new("python3").args(arguments).current_dir(path("")).stdin(stdin).output();
    if !need(output.is_ok(), &not_installed("python3")) {
        return None;
    }
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Compares with the repository's file, or writes it.
#[track_caller]
fn assert_shipped(file: &str, text: &str) {
    if std::env::var_os("UPDATE_SHIPPED").is_some() {
        fs::write(path(file), text).unwrap();
    }
    let shipped = fs::read_to_string(path(file)).unwrap_or_default();
    assert_eq!(text, shipped, "record it again: UPDATE_SHIPPED=1 cargo test transcript");
}
