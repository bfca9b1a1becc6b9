//! No refresh token is wasted: what is written before it is sent, and what happens if the response is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::callers::LOCK_HELD;
use crate::fake_clock::FakeClock;
use crate::mount_namespace::run_with_mounts;
use crate::sandbox::{Running, Sandbox};
use crate::strace;
use stand_in::spotinst::RefreshTokens;
use stand_in::token_reply::{Style, Tokens};
use stand_in::{Reply, StandIn};

/// A sandbox with a token, of a service that rotates refresh tokens.
fn with_rotated_refresh_token(stand_in: &StandIn) -> Sandbox {
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Rotated);
    let sandbox = Sandbox::of(stand_in);
    sandbox.token();
    sandbox
}

/// The refresh tokens that were sent, in order.
fn sent(stand_in: &StandIn) -> Vec<String> {
    stand_in.requests().iter().filter_map(|request| request.form().remove("refresh_token")).collect()
}

#[track_caller]
fn assert_none_was_sent_twice(stand_in: &StandIn) {
    let mut sent = sent(stand_in);
    let count = sent.len();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), count, "{:?}", stand_in.grants());
}

#[test]
fn a_refresh_token_is_not_sent_again_if_the_next_one_could_not_be_stored() {
    if !strace::is_there() {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = with_rotated_refresh_token(&stand_in);
    // The first rename publishes the attempt, the second the result.
    let inject = ["-o", "/dev/null", "-e", "inject=rename:error=EIO:when=2"];

    let outcome = Running::start(&mut strace::command(&sandbox, &inject, &["--force-refresh"])).end();
    outcome.prints(&format!("{}\n", stand_in.issued()[1]));
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[2]));

    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password"]);
}

#[test]
fn no_refresh_token_is_sent_if_the_entry_cannot_be_replaced() {
    let stand_in = StandIn::start();
    let mut sandbox = with_rotated_refresh_token(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    clock.set(7_200);
    let mounts = format!("mount --bind {0} {0}", sandbox.entry_path().display());
    let before = stand_in.grants().len();

    let Some(outcome) = run_with_mounts(&sandbox, &mounts) else { return };

    outcome.prints(&format!("{}\n", stand_in.issued().pop().unwrap()));
    assert_eq!(stand_in.grants()[before..], ["password"]);
}

#[test]
fn sixty_callers_get_a_token_even_if_the_entry_cannot_be_replaced() {
    let stand_in = StandIn::start();
    let sandbox = with_rotated_refresh_token(&stand_in);
    let entry = sandbox.entry_path();
    fs::remove_file(&entry).unwrap();
    fs::create_dir(&entry).unwrap();
    fs::write(entry.join("file"), "").unwrap();

    let callers: Vec<_> = (0..60).map(|_| sandbox.start([])).collect();

    for caller in callers {
        let outcome = caller.end();
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        assert!(stand_in.issued().contains(&outcome.stdout.trim_end().to_owned()));
    }
    assert!(sent(&stand_in).is_empty());
}

#[test]
fn removing_the_lock_file_causes_no_second_refresh() {
    for arguments in [&[][..], &["--force-refresh"]] {
        let stand_in = StandIn::start();
        let mut sandbox = with_rotated_refresh_token(&stand_in);
        let Some(clock) = FakeClock::of(&mut sandbox) else { return };
        clock.set(7_200);
        let gate = stand_in.close_gate();
        let start = || Running::start(sandbox.program([]).args(arguments));
        let holder = start();
        stand_in.wait_for_requests(2);

        fs::remove_file(sandbox.lock_path()).unwrap();
        let others: Vec<_> = (0..9).map(|_| start()).collect();
        stand_in.wait_for_requests(3);
        gate.open();

        let tokens: Vec<_> = others.into_iter().chain([holder]).map(Running::end).collect();
        assert!(tokens.iter().all(|outcome| outcome.status == Some(0)), "{tokens:?}");
        assert!(stand_in.grants().len() <= 1 + 3, "{:?}", stand_in.grants());
        assert_none_was_sent_twice(&stand_in);
        assert_eq!(sandbox.cache_files("tmp"), Vec::<std::path::PathBuf>::new());
    }
}

/// The holder whose lock file was removed publishes last, with the older token.
#[test]
fn a_token_that_was_published_under_a_new_lock_file_is_not_replaced() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(Some(held));
    stand_in.handler(move |_| {
        let first = held.lock().unwrap().take();
        match first {
            Some(held) => {
                held.recv().ok();
                Reply::access_only("OLD")
            }
            None => Reply::access_only("NEW"),
        }
    });
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(1);

    fs::remove_file(&sandbox.cache_files("lock")[0]).unwrap();
    sandbox.run([]).prints("NEW\n");
    drop(release);

    holder.end().prints("OLD\n");
    sandbox.run([]).prints("NEW\n");
}

#[test]
fn removing_the_cache_directory_causes_no_second_refresh() {
    let stand_in = StandIn::start();
    let mut sandbox = with_rotated_refresh_token(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    clock.set(7_200);
    let gate = stand_in.close_gate();
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(2);

    fs::remove_dir_all(sandbox.cache_dir()).unwrap();
    let others: Vec<_> = (0..9).map(|_| sandbox.start([])).collect();
    stand_in.wait_for_requests(3);
    gate.open();

    for outcome in others.into_iter().chain([holder]).map(Running::end) {
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }
    assert!(stand_in.grants().len() <= 1 + 3, "{:?}", stand_in.grants());
    assert_none_was_sent_twice(&stand_in);
    assert!(stand_in.issued().contains(&sandbox.token()));
}

#[test]
fn a_new_refresh_token_is_kept_even_if_the_access_token_is_unusable() {
    for reply in [
        Style::Rfc6749.reply(&Tokens::access("T").with_refresh("R2").expiring(Some(Duration::ZERO))),
        Reply::json(200, &serde_json::json!({"access_token": "T", "token_type": "mac", "refresh_token": "R2"})),
    ] {
        let stand_in = StandIn::start();
        let mut sandbox = with_rotated_refresh_token(&stand_in);
        sandbox.unset("SPOTINST_PASSWORD");
        stand_in.script([reply, Reply::access_only("T3")]);

        sandbox.run(["--force-refresh"]).has_failed(5);
        sandbox.run(["--force-refresh"]).prints("T3\n");

        assert_eq!(sent(&stand_in)[1], "R2");
    }
}

#[test]
fn a_stopped_process_reads_the_response_after_it_continues() {
    let stand_in = StandIn::start();
    let mut sandbox = with_rotated_refresh_token(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    let gate = stand_in.close_gate();
    let holder = sandbox.start(["--force-refresh", "--timeout", "1s"]);
    stand_in.wait_for_requests(2);
    let signal = |name: &str| sandbox.command("kill").args([name, &holder.id().to_string()]).status().unwrap();

    let stopped_at = Instant::now();
    assert!(signal("-STOP").success());
    gate.open();
    // This waits for no event: the time limit must pass.
    while stopped_at.elapsed() < Duration::from_millis(1_600) {
        std::thread::yield_now();
    }
    assert!(signal("-CONT").success());

    holder.end().prints(&format!("{}\n", stand_in.issued()[1]));
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[2]));
    assert_none_was_sent_twice(&stand_in);
}

#[test]
fn a_refresh_token_that_is_expired_by_the_local_clock_is_sent_if_there_is_no_password() {
    let stand_in = StandIn::start();
    let mut sandbox = with_rotated_refresh_token(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };

    clock.set(30 * 24 * 3_600);
    assert_eq!(sandbox.token(), stand_in.issued()[1]);

    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn a_full_disk_is_not_reported_as_an_expired_login() {
    let stand_in = StandIn::start();
    let mut sandbox = with_rotated_refresh_token(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");

    let outcome = sandbox.full_disk(&["--force-refresh"]);

    let path = sandbox.entry_path();
    let line = format!("cannot write {}, which stores the login: File too large (os error 27)", path.display());
    let hint = "check its permissions and the free disk space; you are still logged in";
    outcome.fails(1, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    assert_eq!(stand_in.grants(), ["password"]);
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
}

#[test]
fn a_login_outlives_an_entry_that_cannot_be_read_for_a_moment() {
    if !strace::is_there() {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = with_rotated_refresh_token(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    let entry = sandbox.entry_path();
    // The second time it is read with the lock.
    let fails_once = ["-o", "/dev/null", "-P", entry.to_str().unwrap(), "-e", "inject=openat:error=EIO:when=2"];

    let outcome = Running::start(&mut strace::command(&sandbox, &fails_once, &["--force-refresh"])).end();

    let line = format!("cannot read {}, which stores the login: Input/output error (os error 5)", entry.display());
    let hint = "try again; if this keeps happening, check the file and its disk";
    outcome.fails(1, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    assert_eq!(stand_in.grants(), ["password"]);
    // `status` names the same cause.
    let fails = ["-o", "/dev/null", "-P", entry.to_str().unwrap(), "-e", "inject=openat:error=EIO"];
    let status = Running::start(&mut strace::command(&sandbox, &fails, &["status"])).end();
    assert_eq!(status.status, Some(1), "{status:?}");
    assert!(status.stdout.contains(&line) || status.stderr.contains(&line), "{status:?}");
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
}

#[test]
fn a_killed_attempt_is_remembered() {
    let stand_in = StandIn::start();
    let sandbox = with_rotated_refresh_token(&stand_in);
    let gate = stand_in.close_gate();
    let holder = sandbox.start(["--force-refresh"]);
    stand_in.wait_for_requests(2);
    let mut waiter = sandbox.start(["-v", "--force-refresh"]);
    assert_eq!(waiter.next_line(), LOCK_HELD);
    holder.kill();
    stand_in.wait_for_requests(3);
    gate.open();

    assert_eq!(waiter.end().status, Some(0));
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password"]);
}

#[test]
fn the_entry_of_an_attempt_has_the_same_tokens_and_is_private() {
    let stand_in = StandIn::start();
    let sandbox = with_rotated_refresh_token(&stand_in);
    let token = sandbox.token();
    let _gate = stand_in.close_gate();
    let _holder = sandbox.start(["--force-refresh"]);
    stand_in.wait_for_requests(2);

    assert_eq!(sandbox.token(), token);
    let entry = fs::metadata(sandbox.entry_path()).unwrap();
    assert_eq!(entry.permissions().mode() & 0o777, 0o600);
}
