//! Time limits: whatever the server does, a call ends before the host that runs it gives up.

use std::fs::File;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::callers::LOCK_HELD;
use crate::os;
use crate::sandbox::{Outcome, Sandbox};
use crate::steps::Step;
use stand_in::spotinst::PASSWORD;
use stand_in::{Reply, StandIn};

/// The shortest timeout of a usual host. The default time limit stays below it.
const HOST: Duration = Duration::from_secs(10);

/// Runs `n` callers concurrently and returns the outcome and duration of each.
fn run_concurrently<const N: usize>(sandbox: &Sandbox, n: usize, arguments: [&str; N]) -> Vec<(Outcome, Duration)> {
    thread::scope(|scope| {
        let caller = || {
            let started = Instant::now();
            let outcome = sandbox.run(arguments);
            (outcome, started.elapsed())
        };
        let callers: Vec<_> = (0..n).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    })
}

/// Asserts a temporary failure with one line and its hint.
#[track_caller]
fn assert_gave_up(outcome: &Outcome) {
    outcome.has_failed(5);
    let lines: Vec<_> = outcome.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("spotinst-cred: ") && lines[1].starts_with("hint: "), "{lines:?}");
}

#[test]
fn if_the_server_hangs_two_hundred_callers_end_before_a_host_gives_up() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::hang());
    let sandbox = Sandbox::of(&stand_in);

    for (outcome, took) in run_concurrently(&sandbox, 200, []) {
        assert_gave_up(&outcome);
        assert!(took < HOST, "{took:?}");
    }
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn if_the_server_sends_slowly_all_callers_end_in_time() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::access_only("t").dripping(Duration::from_secs(1)));
    let sandbox = Sandbox::of(&stand_in);

    for (outcome, took) in run_concurrently(&sandbox, 24, ["--timeout", "2s"]) {
        assert_gave_up(&outcome);
        assert!(took < HOST, "{took:?}");
    }
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn if_the_body_never_arrives_all_callers_end_in_time() {
    let stand_in = StandIn::start();
    // The headers arrive at once, and the announced body never does.
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_TOKEN_URL", format!("http://{}/token", listener.local_addr().unwrap()));
    thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
            open.push(stream);
        }
    });

    for (outcome, took) in run_concurrently(&sandbox, 6, ["--timeout", "1s"]) {
        assert_gave_up(&outcome);
        assert!(took < HOST, "{took:?}");
    }
}

#[test]
fn if_the_server_never_accepts_all_callers_end_in_time() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let port = listener.local_addr().unwrap().port();

    // With http the request is sent and never read; with https the handshake never begins.
    for scheme in ["http", "https"] {
        sandbox.set("SPOTINST_TOKEN_URL", format!("{scheme}://127.0.0.1:{port}/token"));
        for (outcome, took) in run_concurrently(&sandbox, 6, ["--timeout", "1s"]) {
            assert_gave_up(&outcome);
            assert!(took < HOST, "{took:?}");
        }
    }
}

#[test]
fn very_short_time_limits_are_kept() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::hang());
    let sandbox = Sandbox::of(&stand_in);

    for limit in ["1ms", "10ms", "100ms", "1ns"] {
        for (outcome, took) in run_concurrently(&sandbox, 6, ["--timeout", limit, "--force-refresh"]) {
            assert_gave_up(&outcome);
            // Earlier than the default time limit, which would end the call too.
            assert!(took < HOST / 2, "{limit}: {took:?}");
        }
    }
}

#[test]
fn time_spent_waiting_for_the_lock_counts_toward_the_limit() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    stand_in.always(Reply::hang());
    let lock = File::open(sandbox.lock_path()).unwrap();
    lock.lock().unwrap();
    let started = Instant::now();
    let mut waiter = sandbox.start(["-v", "--timeout", "8s", "--force-refresh"]);
    assert_eq!(waiter.next_line(), LOCK_HELD);

    thread::sleep(Duration::from_secs(4));
    drop(lock);
    stand_in.wait_for_requests(2);

    // Four seconds of waiting and another eight would exceed the host's timeout.
    waiter.end().has_failed(5);
    assert!(started.elapsed() < HOST, "{:?}", started.elapsed());
}

#[test]
fn a_command_shares_the_time_limit_of_the_call() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let command = os::command(&[Step::Wait(1000)]);
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.config(&format!("[profiles.default]\npassword_command = {command:?}\n"));

    for (outcome, took) in run_concurrently(&sandbox, 12, ["--timeout", "1s"]) {
        assert_gave_up(&outcome);
        assert!(took < HOST, "{took:?}");
    }
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn a_command_may_run_for_its_own_time_limit() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let runs = sandbox.home().join("runs");
    let password = sandbox.write("password", &format!("{PASSWORD}\n"));
    let command = os::command(&[Step::Count(runs.clone()), Step::Wait(2), Step::Print(password)]);
    sandbox.unset("SPOTINST_PASSWORD");
    let config = format!("[profiles.default]\npassword_command = {command:?}\ncommand_timeout = \"50s\"\n");
    sandbox.config(&config);

    // The command takes longer than the time limit of a call.
    let ends = run_concurrently(&sandbox, 50, ["--timeout", "1s"]);

    for (outcome, _) in ends {
        outcome.prints(&format!("{}\n", stand_in.issued()[0]));
    }
    assert_eq!(std::fs::read_to_string(runs).unwrap().lines().collect::<Vec<_>>(), ["run"]);
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn a_command_that_exceeds_its_own_time_limit_fails_the_call() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let command = os::command(&[Step::Wait(1000)]);
    sandbox.unset("SPOTINST_PASSWORD");
    let config = format!("[profiles.default]\npassword_command = {command:?}\ncommand_timeout = \"1s\"\n");
    sandbox.config(&config);

    for (outcome, took) in run_concurrently(&sandbox, 12, []) {
        assert_gave_up(&outcome);
        assert!(outcome.stderr.contains("timed out"), "{outcome:?}");
        assert!(took < HOST, "{took:?}");
    }
}
