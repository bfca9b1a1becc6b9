//! The recorded session that the README shows is what the program shows today.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::sandbox::PROGRAM;
use crate::surroundings::need;
use stand_in::StandIn;

#[test]
fn the_recorded_session_is_current() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/transcript");
    let stand_in = StandIn::start();
    let mut record = Command::new("python3");
    record.arg(dir.join("record.py")).args([PROGRAM, &stand_in.url(), &stand_in.base()]);
    let recorded = record.output();
    if !need("python3", recorded.is_ok()) {
        return;
    }
    let recorded = recorded.unwrap();
    let text = String::from_utf8(recorded.stdout).unwrap();
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));

    let path = dir.join("session.txt");
    if std::env::var_os("UPDATE_SHIPPED").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let shipped = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, shipped, "record it again: UPDATE_SHIPPED=1 cargo test transcript");
}
