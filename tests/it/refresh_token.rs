//! When the refresh token is used, replaced and removed, and that it is never sent if the next one could not be stored.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use crate::fake_clock::FakeClock;
use crate::sandbox::Sandbox;
use stand_in::StandIn;
use stand_in::spotinst::RefreshTokens;

/// A sandbox with an expired token of a service that handles refresh tokens in this way.
fn dead_token(stand_in: &StandIn, refresh_tokens: RefreshTokens) -> Option<(Sandbox, FakeClock)> {
    let mut sandbox = Sandbox::of(stand_in);
    let clock = FakeClock::of(&mut sandbox)?;
    stand_in.settings(|service| service.refresh_tokens = refresh_tokens);
    sandbox.token();
    clock.set(7_200);
    Some((sandbox, clock))
}

/// The refresh tokens that were sent, in order.
fn sent(stand_in: &StandIn) -> Vec<String> {
    stand_in.requests().iter().filter_map(|request| request.form().remove("refresh_token")).collect()
}

/// Makes the cache directory read-only. Permissions do not stop root, which does not write to the directories of other
/// users.
fn forbid_writing(sandbox: &Sandbox) {
    if is_root(sandbox) {
        chown(sandbox.cache_dir(), Some(65_534), None).unwrap();
    } else {
        fs::set_permissions(sandbox.cache_dir(), fs::Permissions::from_mode(0o500)).unwrap();
    }
}

fn permit_writing(sandbox: &Sandbox) {
    if is_root(sandbox) {
        chown(sandbox.cache_dir(), Some(0), None).unwrap();
    } else {
        fs::set_permissions(sandbox.cache_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    }
}

fn is_root(sandbox: &Sandbox) -> bool {
    sandbox.command("id").arg("-u").output().unwrap().stdout == b"0\n"
}

#[test]
fn a_refresh_needs_no_password() {
    let stand_in = StandIn::start();
    let Some((mut sandbox, _clock)) = dead_token(&stand_in, RefreshTokens::Kept) else { return };
    sandbox.unset("SPOTINST_PASSWORD");
    let command = sandbox.script("prompt", "echo run > \"$HOME/ran\"");
    sandbox.config(&format!("[profiles.default]\npassword_command = [\"{}\"]\n", command.display()));

    assert_eq!(sandbox.token(), stand_in.issued()[1]);
    assert!(!sandbox.home().join("ran").exists());
}

#[test]
fn the_refresh_token_is_kept_if_the_response_has_none() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock)) = dead_token(&stand_in, RefreshTokens::Kept) else { return };

    sandbox.token();
    clock.set(14_400);
    sandbox.token();

    let sent = sent(&stand_in);
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]));
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token"]);
}

#[test]
fn a_rotated_refresh_token_is_used_next() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock)) = dead_token(&stand_in, RefreshTokens::Rotated) else { return };

    for seconds in [7_200, 14_400, 21_600] {
        clock.set(seconds);
        sandbox.token();
    }

    let mut sent = sent(&stand_in);
    sent.dedup();
    assert_eq!(sent.len(), 3);
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token", "refresh_token"]);
}

#[test]
fn after_a_rejected_refresh_token_the_password_is_used() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock)) = dead_token(&stand_in, RefreshTokens::Kept) else { return };
    stand_in.service().revoke_refresh_tokens();
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Never);

    assert_eq!(sandbox.token(), stand_in.issued()[1]);
    clock.set(14_400);
    assert_eq!(sandbox.token(), stand_in.issued()[2]);

    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password", "password"]);
}

#[test]
fn a_rejected_refresh_token_is_dropped_even_if_the_password_is_rejected_too() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock)) = dead_token(&stand_in, RefreshTokens::Kept) else { return };
    stand_in.service().revoke_refresh_tokens();
    stand_in.settings(|service| service.password = "changed".to_owned());

    sandbox.run([]).has_failed(4);
    clock.set(8_100);
    sandbox.run([]).has_failed(4);

    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password", "password"]);
}

#[test]
fn the_refresh_token_is_not_spent_if_the_cache_cannot_be_written() {
    let stand_in = StandIn::start();
    let Some((sandbox, _clock)) = dead_token(&stand_in, RefreshTokens::Rotated) else { return };

    forbid_writing(&sandbox);
    assert_eq!(sandbox.token(), stand_in.issued()[1]);
    permit_writing(&sandbox);
    sandbox.full_disk(&[]).prints(&format!("{}\n", stand_in.issued()[2]));
    assert_eq!(stand_in.grants(), ["password"; 3]);

    assert!(sandbox.cache_files("tmp").is_empty());
    assert_eq!(sandbox.token(), stand_in.issued()[3]);
    assert_eq!(stand_in.grants(), ["password", "password", "password", "refresh_token"]);
}

#[test]
fn there_is_no_early_refresh_if_the_cache_cannot_be_written() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock)) = dead_token(&stand_in, RefreshTokens::Rotated) else { return };
    clock.set(6_300);

    forbid_writing(&sandbox);
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
    permit_writing(&sandbox);
    sandbox.full_disk(&[]).prints(&format!("{}\n", stand_in.issued()[0]));

    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn after_a_kill_before_the_cache_is_written_the_password_is_used() {
    let stand_in = StandIn::start();
    let Some((sandbox, _clock)) = dead_token(&stand_in, RefreshTokens::Rotated) else { return };
    let gate = stand_in.close_gate();
    let caller = sandbox.start([]);
    // The service has created its response, so the refresh token is spent.
    stand_in.wait_for_requests(2);
    while stand_in.issued().len() < 2 {
        std::thread::yield_now();
    }
    caller.kill();
    gate.open();

    assert_eq!(sandbox.token(), stand_in.issued()[2]);

    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password"]);
    assert!(sandbox.cache_files("tmp").is_empty());
}

#[test]
fn if_the_refresh_endpoint_hangs_there_is_time_for_the_password() {
    let stand_in = StandIn::start();
    let other = stand_in.sibling();
    let Some((mut sandbox, clock)) = dead_token(&stand_in, RefreshTokens::Kept) else { return };
    sandbox.set("SPOTINST_REFRESH_URL", other.url());
    sandbox.token();
    other.always(stand_in::Reply::hang());
    clock.set(14_400);

    sandbox.run(["--timeout", "3s"]).prints(&format!("{}\n", stand_in.issued()[2]));

    assert_eq!((stand_in.grants(), other.grants()), (vec!["password".to_owned(); 3], vec!["refresh_token".to_owned()]));
}
