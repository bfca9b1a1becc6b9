//! Rejected credentials are sent once, so that many callers do not lock the account.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::callers::{LOCK_HELD, assert_one_works};
use crate::fake_clock::FakeClock;
use crate::os;
use crate::requirements::{is_unix, is_unix_for_case};
use crate::sandbox::{Running, Sandbox};
use stand_in::spotinst::{CLIENT_SECRET, PASSWORD};
use stand_in::{Reply, StandIn};

/// A sandbox with a wrong password, whose clock stands still.
fn with_wrong_password(stand_in: &StandIn) -> Option<(Sandbox, FakeClock)> {
    let mut sandbox = Sandbox::of(stand_in);
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    let clock = FakeClock::of(&mut sandbox)?;
    Some((sandbox, clock))
}

/// The error for a rejected password; `age` is empty if it was rejected just now.
fn rejected(stand_in: &StandIn, age: &str) -> String {
    let again = if age.is_empty() { "" } else { "; run `spotinst-cred --force-refresh` to ask again now" };
    format!(
        "spotinst-cred: {} refused the password grant: HTTP 401, Unauthorized \
         (request id 963e071a-b62c-4a12-b4d9-0ca34cbe9320){age}\n\
         hint: check user name, password, client id and client secret{again}\n",
        stand_in.url()
    )
}

#[test]
fn a_rejected_password_is_sent_once_in_15_minutes() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock)) = with_wrong_password(&stand_in) else { return };

    sandbox.run([]).fails(4, &rejected(&stand_in, ""));
    sandbox.run([]).fails(4, &rejected(&stand_in, ""));
    clock.set(1);
    sandbox.run([]).fails(4, &rejected(&stand_in, " (1 s ago, not asked again)"));
    clock.set(899);
    sandbox.run(["--min-ttl", "1h"]).fails(4, &rejected(&stand_in, " (899 s ago, not asked again)"));
    assert_eq!(stand_in.connections(), 1);

    clock.set(900);
    sandbox.run([]).fails(4, &rejected(&stand_in, ""));
    assert_eq!(stand_in.connections(), 2);
}

#[test]
fn two_hundred_callers_with_a_rejected_password_make_one_request() {
    let stand_in = StandIn::start();
    let Some((sandbox, _clock)) = with_wrong_password(&stand_in) else { return };
    let gate = stand_in.close_gate();
    let mut callers: Vec<_> = (0..200).map(|_| sandbox.start(["-v"])).collect();
    assert_one_works(&mut callers, |line| line.starts_with("spotinst-cred: asking "));
    gate.open();

    let expected = rejected(&stand_in, "");
    for caller in callers {
        let outcome = caller.end();
        outcome.has_failed(4);
        assert!(outcome.stderr.ends_with(&expected), "{outcome:?}");
    }
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn changed_credentials_are_tried_at_once() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let file = sandbox.write("password", "wrong\n");
    let secret_file = sandbox.write("secret", CLIENT_SECRET);
    let printed = sandbox.write("printed", "from a command\n");
    sandbox.config(&format!("[profiles.default]\npassword_command = {:?}\n", os::print_file(&printed)));
    let try_it = |sandbox: &Sandbox, requests: usize| {
        sandbox.run([]).has_failed(4);
        sandbox.run([]).has_failed(4);
        assert_eq!(stand_in.connections(), requests);
    };

    sandbox.set("SPOTINST_PASSWORD", "wrong, too");
    try_it(&sandbox, 1);
    sandbox.set("SPOTINST_PASSWORD", "wrong again");
    try_it(&sandbox, 2);
    sandbox.unset("SPOTINST_PASSWORD").set("SPOTINST_PASSWORD_FILE", &file);
    try_it(&sandbox, 3);
    sandbox.write("password", "other\n");
    try_it(&sandbox, 4);
    sandbox.unset("SPOTINST_PASSWORD_FILE");
    try_it(&sandbox, 5);
    sandbox.write("printed", "another one\n");
    try_it(&sandbox, 6);
    sandbox.set("SPOTINST_CLIENT_SECRET", "other");
    try_it(&sandbox, 7);
    sandbox.unset("SPOTINST_CLIENT_SECRET").set("SPOTINST_CLIENT_SECRET_FILE", &secret_file);
    try_it(&sandbox, 7); // These were rejected before.
    sandbox.write("secret", "another");
    try_it(&sandbox, 8);

    sandbox.write("secret", CLIENT_SECRET);
    sandbox.write("printed", &format!("{PASSWORD}\n"));
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
}

#[test]
fn a_forced_refresh_sends_a_rejected_password_again() {
    let stand_in = StandIn::start();
    let Some((sandbox, _clock)) = with_wrong_password(&stand_in) else { return };

    for requests in 1..=3 {
        sandbox.run(["--force-refresh"]).fails(4, &rejected(&stand_in, ""));
        sandbox.run([]).has_failed(4);
        assert_eq!(stand_in.connections(), requests);
    }
}

/// A password command that counts its runs. If `~/block` exists, the next run waits for the FIFO.
struct Prompt<'a> {
    sandbox: &'a Sandbox,
}

impl<'a> Prompt<'a> {
    fn of(sandbox: &'a mut Sandbox, password: &str) -> Self {
        let script = "echo run >> \"$HOME/runs\"\n\
                      if rm \"$HOME/block\" 2>/dev/null; then cat \"$HOME/fifo\"; fi";
        let command = sandbox.script("prompt", &format!("{script}\necho '{password}'"));
        let text =
            format!("[profiles.default]\npassword_command = [\"{}\"]\ncommand_timeout = \"50s\"\n", command.display());
        sandbox.config(&text);
        sandbox.unset("SPOTINST_PASSWORD");
        let fifo = sandbox.home().join("fifo");
        assert!(sandbox.command("mkfifo").arg(fifo).status().unwrap().success());
        Self { sandbox }
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.sandbox.home().join("runs")).unwrap().lines().count()
    }

    /// Starts a caller and returns when its command runs; the command continues when the file is dropped.
    fn start(&self) -> (Running, fs::File) {
        fs::write(self.sandbox.home().join("block"), "").unwrap();
        let caller = self.sandbox.start([]);
        (caller, open_fifo(&self.sandbox.home().join("fifo")))
    }
}

/// Opens the FIFO for writing, which blocks until there is a reader.
fn open_fifo(path: &Path) -> fs::File {
    OpenOptions::new().write(true).open(path).unwrap()
}

#[test]
fn the_command_of_a_rejected_password_runs_once_for_all_waiting_callers() {
    if !is_unix("a FIFO") {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let prompt = Prompt::of(&mut sandbox, "wrong");
    prompt.sandbox.run([]).has_failed(4);
    let (holder, answer) = prompt.start();

    let mut waiters: Vec<_> = (0..12).map(|_| prompt.sandbox.start(["-v"])).collect();
    waiters.iter_mut().for_each(|waiter| assert_eq!(waiter.next_line(), LOCK_HELD));
    drop(answer);

    holder.end().has_failed(4);
    waiters.into_iter().for_each(|waiter| waiter.end().has_failed(4));
    assert_eq!((prompt.runs(), stand_in.connections()), (2, 1));
}

#[test]
fn a_forced_refresh_does_not_share_a_cached_rejection() {
    if !is_unix("a FIFO") {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let prompt = Prompt::of(&mut sandbox, "wrong");
    prompt.sandbox.run([]).has_failed(4);
    let (holder, answer) = prompt.start();

    let mut forced = prompt.sandbox.start(["-v", "--force-refresh"]);
    assert_eq!(forced.next_line(), LOCK_HELD);
    drop(answer);

    holder.end().has_failed(4);
    forced.end().has_failed(4);
    assert_eq!(stand_in.connections(), 2);
}

#[test]
fn a_caller_with_other_credentials_does_not_share_a_rejection() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    let wrong = sandbox.start([]);
    stand_in.wait_for_requests(1);
    sandbox.set("SPOTINST_PASSWORD", PASSWORD);
    let mut right = sandbox.start(["-v"]);
    assert_eq!(right.next_line(), LOCK_HELD);

    gate.open();

    wrong.end().has_failed(4);
    let outcome = right.end();
    assert_eq!((outcome.stdout, outcome.status), (format!("{}\n", stand_in.issued()[0]), Some(0)));
}

#[test]
fn a_caller_with_a_password_does_not_share_the_failure_of_one_without() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    sandbox.token();
    clock.set(7_200);
    let (gate, password) = (stand_in.close_gate(), "SPOTINST_PASSWORD");
    stand_in.script([Reply::unauthorized()]);
    let lacking = Running::start(sandbox.program([]).env_remove(password));
    stand_in.wait_for_requests(2);
    let mut having = sandbox.start(["-v"]);
    assert_eq!(having.next_line(), LOCK_HELD);

    gate.open();

    lacking.end().has_failed(4);
    let outcome = having.end();
    assert_eq!((outcome.stdout, outcome.status), (format!("{}\n", stand_in.issued()[1]), Some(0)));
}

#[test]
fn callers_that_lack_the_same_password_share_the_failure() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    sandbox.token();
    clock.set(7_200);
    sandbox.unset("SPOTINST_PASSWORD").set("SPOTINST_PASSWORD_FILE", "/nonexistent");
    let gate = stand_in.close_gate();
    stand_in.service().revoke_refresh_tokens();
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(2);
    let mut waiters: Vec<_> = (0..12).map(|_| sandbox.start(["-v"])).collect();
    waiters.iter_mut().for_each(|waiter| assert_eq!(waiter.next_line(), LOCK_HELD));

    gate.open();

    let failed = holder.end();
    failed.has_failed(3);
    for waiter in waiters {
        let outcome = waiter.end();
        outcome.has_failed(3);
        assert!(outcome.stderr.contains("/nonexistent"), "{outcome:?}");
    }
    assert_eq!(stand_in.connections(), 2);
}

#[test]
fn a_failure_of_another_kind_does_not_clear_a_rejection() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock)) = with_wrong_password(&stand_in) else { return };
    sandbox.run([]).has_failed(4);

    // First without a password, then a forced refresh with a temporary failure.
    Running::start(sandbox.program([]).env_remove("SPOTINST_PASSWORD")).end().has_failed(3);
    sandbox.run([]).has_failed(4);
    stand_in.script([Reply::captive_portal()]);
    sandbox.run(["--force-refresh"]).has_failed(5);
    clock.set(3);

    sandbox.run([]).fails(4, &rejected(&stand_in, " (3 s ago, not asked again)"));
    assert_eq!(stand_in.connections(), 2);
}

#[test]
fn a_rejection_is_remembered_if_the_cache_becomes_unwritable() {
    let stand_in = StandIn::start();
    let Some((sandbox, clock)) = with_wrong_password(&stand_in) else { return };
    sandbox.run([]).has_failed(4);
    clock.set(5);

    let expected = rejected(&stand_in, " (5 s ago, not asked again)");
    if is_unix_for_case("a file size limit") {
        sandbox.full_disk(&[]).fails(4, &expected);
    }
    fs::remove_file(sandbox.lock_path()).unwrap();
    fs::create_dir(sandbox.lock_path()).unwrap();
    sandbox.run([]).fails(4, &expected);

    assert_eq!(stand_in.connections(), 1);
    sandbox.run(["--force-refresh"]).has_failed(4);
    assert_eq!(stand_in.connections(), 2);
}

#[test]
fn a_rejected_password_is_not_sent_again_because_the_refresh_endpoint_fails() {
    let stand_in = StandIn::start();
    let other = stand_in.sibling();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_REFRESH_URL", other.url());
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    sandbox.token();
    stand_in.settings(|service| service.password = "changed".to_owned());
    other.always(Reply::captive_portal());

    clock.set(7_200);
    sandbox.run([]).has_failed(4);
    for minute in 1..5 {
        clock.set(7_200 + minute * 60);
        // The refresh endpoint may recover soon; it gets no request for two seconds.
        for _ in 0..3 {
            sandbox.run([]).has_failed(5);
        }
    }

    assert_eq!((stand_in.connections(), other.connections()), (2, 5));
    other.default_behavior();
    clock.set(7_200 + 5 * 60);
    assert_eq!(sandbox.token(), stand_in.issued()[1]);
}

/// As when several users of one account each have an old password.
#[test]
fn each_of_several_wrong_passwords_is_sent_once() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    for _ in 0..3 {
        for password in ["wrong", "wrong too", "not right either"] {
            sandbox.set("SPOTINST_PASSWORD", password);
            assert_eq!(sandbox.run([]).status, Some(4));
        }
    }
    assert_eq!(stand_in.grants(), ["password", "password", "password"]);
}

/// The identity, and so the cache entry, does not depend on the client secret.
#[test]
fn a_wrong_client_secret_does_not_end_the_login_of_others() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.config("[profiles.default]\nlogin = true\n");
    sandbox.set("SPOTINST_CLIENT_SECRET", "wrong");
    for flag in ["--force-refresh", "--force-refresh"] {
        assert_eq!(sandbox.run([flag]).status, Some(4));
    }

    sandbox.set("SPOTINST_CLIENT_SECRET", stand_in::spotinst::CLIENT_SECRET);
    let outcome = sandbox.run(["--force-refresh"]);

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(stand_in.grants()[1..], ["refresh_token", "refresh_token", "refresh_token"]);
}

#[test]
fn a_refusal_by_a_gateway_does_not_end_a_login() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.config("[profiles.default]\nlogin = true\n");
    stand_in.script([Reply::new(403, "Access denied by the gateway")]);

    assert_eq!(sandbox.run(["--force-refresh"]).status, Some(5));
    assert_eq!(sandbox.run(["--force-refresh"]).status, Some(0));
}
