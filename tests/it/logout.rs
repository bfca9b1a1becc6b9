//! `logout` and `invalidate`: what they remove and keep, also during a refresh.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::callers::LOCK_HELD;
use crate::os;
use crate::requirements::is_unix;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use stand_in::{Reply, StandIn, spotinst};

/// Runs `invalidate` with this stdin.
#[track_caller]
fn invalidate(sandbox: &Sandbox, stdin: &str) -> Outcome {
    let mut command = sandbox.program(["invalidate"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // It may exit before it has read everything.
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).ok();
    Running::of(child).end()
}

#[test]
fn logout_removes_both_tokens() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();

    sandbox.run(["logout"]).prints("");

    assert!(sandbox.cache_files("token").is_empty());
    sandbox.token();
    assert_eq!(stand_in.grants(), ["password", "password"], "the refresh token is removed too");
}

#[test]
fn logout_keeps_other_identities_unless_all_is_given() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    stand_in.settings(|service| service.client_id = "client-2".to_owned());
    sandbox.set("SPOTINST_CLIENT_ID", "client-2");
    sandbox.token();
    assert_eq!(sandbox.cache_files("token").len(), 2);

    sandbox.run(["logout"]).prints("");
    assert_eq!(sandbox.cache_files("token").len(), 1);

    sandbox.config("this is no TOML");
    sandbox.run(["logout", "--all"]).prints("");
    assert!(sandbox.cache_files("token").is_empty());
}

#[test]
fn a_refresh_in_flight_does_not_bring_the_tokens_back() {
    for arguments in [["logout", "-v"].as_slice(), &["logout", "--all", "-v"]] {
        let stand_in = StandIn::start();
        let sandbox = Sandbox::of(&stand_in);
        let gate = stand_in.close_gate();
        let caller = sandbox.start([]);
        stand_in.wait_for_requests(1);

        let mut logout = Running::start(sandbox.command(PROGRAM).args(arguments));
        assert_eq!(logout.next_line(), LOCK_HELD);
        gate.open();

        assert_eq!(caller.end().status, Some(0), "the caller that started earlier gets the token");
        assert_eq!(logout.end().status, Some(0));
        assert!(sandbox.cache_files("token").is_empty(), "{arguments:?}");
    }
}

#[test]
fn logout_gives_up_on_a_holder_that_hangs() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let _gate = stand_in.close_gate();
    let holder = sandbox.start(["--force-refresh"]);
    stand_in.wait_for_requests(2);

    sandbox.run(["logout", "--timeout", "200ms"]).waited_in_vain("spotinst-cred", &sandbox.lock_path(), holder.id());
    holder.kill();
}

#[test]
fn logout_all_removes_every_token_whose_lock_is_free() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    for id in ["client-2", "client-3"] {
        stand_in.settings(|service| service.client_id = id.to_owned());
        sandbox.set("SPOTINST_CLIENT_ID", id);
        sandbox.token();
    }
    let entries = sandbox.cache_files("token");
    assert_eq!(entries.len(), 3);
    for entry in entries.iter().take(2) {
        let lock = entry.with_extension("lock");
        let holder = hold(&lock);
        sandbox.run(["logout", "--all", "--timeout", "200ms"]).waited_in_vain(
            "spotinst-cred",
            &lock,
            std::process::id(),
        );
        assert_eq!(sandbox.cache_files("token"), [entry.as_path()]);
        drop(holder);
        for entry in &entries {
            fs::write(entry, "anything").unwrap();
        }
    }
    sandbox.run(["logout", "--all"]).prints("");
    assert!(sandbox.cache_files("token").is_empty());
}

/// Holds the lock until the file is dropped.
#[expect(clippy::disallowed_methods, reason = "the test holds the lock itself")]
fn hold(lock: &Path) -> fs::File {
    let file = fs::File::open(lock).unwrap();
    fs2::FileExt::try_lock_exclusive(&file).unwrap();
    file
}

#[test]
fn a_rejected_token_is_removed_even_if_nothing_can_be_written() {
    if !is_unix("a file size limit") {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    let file = sandbox.write("rejected", &token);
    let script = format!("ulimit -f 0; trap '' XFSZ; exec spotinst-cred invalidate <'{}'", file.display());

    sandbox.shell("sh", &script).prints("");

    assert!(sandbox.cache_files("token").is_empty());
    assert_ne!(sandbox.token(), token);
    assert_eq!(stand_in.grants(), ["password", "password"], "the refresh token is removed, too");
}

/// The loss of a login is reported only if the user has to log in again.
#[test]
fn removing_a_login_with_a_rejected_token_is_reported() {
    if !is_unix("a file size limit") {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let config = "[profiles.default]\nlogin = true\n";
    let token = sandbox.token();
    let file = sandbox.write("rejected", &token);
    let kept = fs::read(sandbox.entry_path()).unwrap();
    let entry = sandbox.entry_path();
    let script = format!("ulimit -f 0; trap '' XFSZ; exec spotinst-cred invalidate -v <'{}'", file.display());
    let next = "spotinst-cred: the token is forgotten; the next call gets a new one\n";
    assert_eq!(sandbox.shell("sh", &script).stderr, next);

    os::create_private(&entry).unwrap().write_all(&kept).unwrap();
    sandbox.unset("SPOTINST_PASSWORD").config(config);
    let outcome = sandbox.shell("sh", &script);
    let expected = format!(
        "spotinst-cred: the token is forgotten, and the login with it, as {} cannot be written: \
         File too large (os error 27); run `spotinst-cred login`\n",
        entry.display()
    );
    assert_eq!((outcome.stderr, outcome.status), (expected, Some(0)));
    assert!(!entry.exists());
}

#[test]
fn logout_creates_no_files() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    sandbox.run(["logout"]).prints("");
    sandbox.run(["logout", "--all"]).prints("");

    assert!(!sandbox.cache_dir().exists());
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn invalidate_removes_the_token_and_keeps_the_refresh_token() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();

    invalidate(&sandbox, &format!("{token}\n")).prints("");

    assert_ne!(sandbox.token(), token);
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn invalidating_an_old_token_changes_nothing() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let old = sandbox.token();
    let new = sandbox.run(["--force-refresh"]).stdout;

    invalidate(&sandbox, &old).prints("");
    let longer = format!("{}x", new.trim_end());
    invalidate(&sandbox, &longer).prints("");

    sandbox.run([]).prints(&new);
    assert_eq!(stand_in.requests().len(), 2);
}

#[test]
fn invalidating_during_a_refresh_keeps_the_new_token() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let old = sandbox.token();
    let gate = stand_in.close_gate();
    let refresh = sandbox.start(["--force-refresh"]);
    stand_in.wait_for_requests(2);

    let mut command = sandbox.program(["invalidate", "-v"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(old.as_bytes()).unwrap();
    let mut late = Running::of(child);
    assert!(late.next_line().starts_with("spotinst-cred: the lock is held by "));
    gate.open();

    let new = refresh.end().stdout;
    assert_eq!(late.end().status, Some(0));
    sandbox.run([]).prints(&new);
}

#[test]
fn invalidate_requires_a_token_on_stdin() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    let hint = "hint: printf %s \"$SPOTINST_TOKEN\" | spotinst-cred invalidate\n";

    invalidate(&sandbox, "").fails(2, &format!("spotinst-cred: there is no token on stdin\n{hint}"));
    let two = format!("{token} {}", spotinst::PASSWORD);
    invalidate(&sandbox, &two).fails(2, &format!("spotinst-cred: stdin does not hold a token\n{hint}"));
    let long = "x".repeat(70_000);
    invalidate(&sandbox, &long).fails(2, &format!("spotinst-cred: stdin does not hold a token\n{hint}"));
}

/// The revision tells waiting callers that there was a refresh.
#[test]
fn invalidate_does_not_count_as_a_refresh() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    let revision = || {
        let text = fs::read_to_string(sandbox.entry_path()).unwrap();
        let entry: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        entry["revision"].as_str().unwrap().to_owned()
    };
    let before = revision();
    invalidate(&sandbox, &token).prints("");
    assert_eq!(revision(), before);
    assert_ne!(sandbox.token(), token);
    assert_ne!(revision(), before);
}

#[test]
fn a_logout_keeps_a_rate_limit() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    stand_in.script([Reply::rate_limited_until_reset(Duration::from_secs(600))]);
    sandbox.run(["--force-refresh"]);
    let asked = stand_in.requests().len();

    for arguments in [&["logout"][..], &["logout", "--all"], &["logout"]] {
        Running::start(sandbox.command(PROGRAM).args(arguments)).end().prints("");
        sandbox.run([]).has_failed(5);
    }

    assert_eq!(stand_in.requests().len(), asked, "the rate limit is respected");
    let entry = fs::read_to_string(sandbox.entry_path()).unwrap();
    assert!(!stand_in.issued().iter().any(|token| entry.contains(token)));
    let entry: serde_json::Value = serde_json::from_str(entry.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&entry["token"], &entry["refresh_token"]), (&serde_json::Value::Null, &serde_json::Value::Null));
}

#[test]
fn a_logout_keeps_rejections() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    sandbox.run([]).has_failed(4);
    sandbox.run(["logout"]).prints("");
    sandbox.run([]).has_failed(4);
    assert_eq!(stand_in.requests().len(), 1, "the wrong password is not sent again");
    sandbox.set("SPOTINST_PASSWORD", spotinst::PASSWORD);
    sandbox.token();
}
