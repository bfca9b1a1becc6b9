//! A failure is shared only with the callers that it concerns: those with the same credentials, commands, files,
//! proxies and root certificates.

use std::fs;

use crate::callers::LOCK_HELD;
use crate::fake_clock::FakeClock;
use crate::os;
use crate::requirements::is_unix;
use crate::sandbox::{Running, Sandbox};
use crate::steps::Step;
use stand_in::spotinst::PASSWORD;
use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

#[test]
fn a_wrong_client_secret_with_a_valid_refresh_token_is_sent_once_per_grant() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    sandbox.token();
    clock.set(7_200);
    sandbox.set("SPOTINST_CLIENT_SECRET", "stale");

    for _ in 0..30 {
        sandbox.run([]).has_failed(4);
    }

    // The refresh grant and the password grant, once each.
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password"]);
}

#[test]
fn a_command_that_hangs_fails_only_the_callers_that_run_it() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    let (ran, password) = (sandbox.home().join("ran"), sandbox.write("password", PASSWORD));
    let command = os::command(&[Step::Count(ran.clone()), Step::Wait(60)]);
    sandbox.config(&format!(
        "[profiles.hangs]\npassword_command = {command:?}\ncommand_timeout = \"2s\"\n\
         [profiles.good]\npassword_file = {password:?}\n",
    ));
    let mut hanging = sandbox.start(["--profile", "hangs", "--timeout", "2s"]);
    while fs::metadata(&ran).is_err() {
        assert!(hanging.is_running(), "the command was not run");
    }

    let mut good = sandbox.start(["-v", "--profile", "good"]);
    assert_eq!(good.next_line(), LOCK_HELD);

    hanging.end().has_failed(5);
    let outcome = good.end();
    assert_eq!(
        (outcome.stdout, outcome.status),
        (format!("{}\n", stand_in.issued()[0]), Some(0)),
        "{}",
        outcome.stderr
    );
}

#[test]
fn untrusted_roots_fail_only_the_callers_that_do_not_trust_them() {
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.identity_for(&["127.0.0.1"]));
    let mut sandbox = Sandbox::of(&stand_in);
    // The clock stands still, so the failure is a second old at most.
    let Some(_clock) = FakeClock::of(&mut sandbox) else { return };
    ca.write_pem(&sandbox.home().join("ca.pem")).unwrap();
    Ca::new().write_pem(&sandbox.home().join("other.pem")).unwrap();

    sandbox.set("SSL_CERT_FILE", sandbox.home().join("other.pem"));
    sandbox.run([]).has_failed(3);
    sandbox.run([]).has_failed(3);
    assert_eq!(stand_in.connections(), 1, "the same roots");

    sandbox.set("SSL_CERT_FILE", sandbox.home().join("ca.pem"));
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
}

#[test]
fn a_proxy_that_is_down_fails_only_the_callers_that_use_it() {
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.identity_for(&["127.0.0.1"]));
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(_clock) = FakeClock::of(&mut sandbox) else { return };
    ca.write_pem(&sandbox.home().join("ca.pem")).unwrap();
    sandbox.set("SSL_CERT_FILE", sandbox.home().join("ca.pem"));

    sandbox.set("HTTPS_PROXY", "http://127.0.0.1:1");
    sandbox.run([]).has_failed(5);
    sandbox.unset("HTTPS_PROXY");

    assert_eq!(sandbox.token(), stand_in.issued()[0]);
}

#[test]
fn a_waiter_whose_password_comes_from_a_command_does_not_share_another_wrong_password() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    let (password, wrong) = (sandbox.write("password", PASSWORD), sandbox.write("wrong", "wrong"));
    sandbox.config(&format!(
        "[profiles.good]\npassword_command = {:?}\n[profiles.wrong]\npassword_file = {wrong:?}\n",
        os::print_file(&password)
    ));
    let gate = stand_in.close_gate();
    let wrong = sandbox.start(["--profile", "wrong"]);
    stand_in.wait_for_requests(1);
    let mut good = sandbox.start(["-v", "--profile", "good"]);
    assert_eq!(good.next_line(), LOCK_HELD);
    gate.open();

    wrong.end().has_failed(4);
    let outcome = good.end();
    assert_eq!(
        (outcome.stdout, outcome.status),
        (format!("{}\n", stand_in.issued()[0]), Some(0)),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_password_from_a_pipe_is_read_once() {
    if !is_unix("a FIFO") {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.write("wrong", "wrong");
    let gate = stand_in.close_gate();
    let wrong = Running::start(sandbox.program([]).env("SPOTINST_PASSWORD_FILE", sandbox.home().join("wrong")));
    stand_in.wait_for_requests(1);
    // The caller needs its password twice: to decide whether the other caller's rejection applies, and for its own
    // grant.
    let script = format!("SPOTINST_PASSWORD_FILE=<(printf %s '{PASSWORD}') exec {} -v", crate::sandbox::PROGRAM);
    let mut piped = Running::start(sandbox.command("bash").args(["-c", &script]));
    assert_eq!(piped.next_line(), LOCK_HELD);
    gate.open();

    wrong.end().has_failed(4);
    let outcome = piped.end();
    assert_eq!(
        (outcome.stdout, outcome.status),
        (format!("{}\n", stand_in.issued()[0]), Some(0)),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_401_with_any_body_is_a_rejection() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    stand_in.always(Reply::new(401, "<html>no</html>").with_header("Content-Type", "text/html"));

    for later in [0, 10, 600] {
        clock.set(later);
        sandbox.run([]).has_failed(4);
    }

    assert_eq!(stand_in.grants(), ["password"]);
}
