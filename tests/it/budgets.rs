//! Time limits: whatever the server does, a call ends, and in time for the host that runs it.

use std::fs::File;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{Outcome, Sandbox};
use stand_in::spotinst::PASSWORD;
use stand_in::{Reply, StandIn};

/// The shortest patience of a usual host, and the guarantee for the default time limit.
const HOST: Duration = Duration::from_secs(10);

const HELD: &str = "spotinst-cred: the lock is held by another spotinst-cred that is getting a token";

/// Runs so many callers at once and gives each one's end and how long it took.
fn all_at_once<const N: usize>(sandbox: &Sandbox, n: usize, arguments: [&str; N]) -> Vec<(Outcome, Duration)> {
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

/// It failed as temporary, with one line and its hint.
#[track_caller]
fn gave_up(outcome: &Outcome) {
    outcome.has_failed(5);
    let lines: Vec<_> = outcome.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("spotinst-cred: ") && lines[1].starts_with("hint: "), "{lines:?}");
}

#[test]
fn with_a_server_that_hangs_two_hundred_callers_end_within_a_hosts_patience() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::hang());
    let sandbox = Sandbox::of(&stand_in);

    for (outcome, took) in all_at_once(&sandbox, 200, []) {
        gave_up(&outcome);
        assert!(took < HOST, "{took:?}");
    }
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn with_a_server_that_drips_all_end_in_time() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::access_only("t").dripping(Duration::from_secs(1)));
    let sandbox = Sandbox::of(&stand_in);

    for (outcome, took) in all_at_once(&sandbox, 24, ["--timeout", "2s"]) {
        gave_up(&outcome);
        assert!(took < HOST, "{took:?}");
    }
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn with_a_body_that_does_not_come_all_end_in_time() {
    let stand_in = StandIn::start();
    // The head comes at once, and then nothing of what it announces.
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

    for (outcome, took) in all_at_once(&sandbox, 6, ["--timeout", "1s"]) {
        gave_up(&outcome);
        assert!(took < HOST, "{took:?}");
    }
}

#[test]
fn with_a_server_that_never_accepts_all_end_in_time() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let port = listener.local_addr().unwrap().port();

    // Without TLS the request is sent and stays unread; with TLS the handshake never begins.
    for scheme in ["http", "https"] {
        sandbox.set("SPOTINST_TOKEN_URL", format!("{scheme}://127.0.0.1:{port}/token"));
        for (outcome, took) in all_at_once(&sandbox, 6, ["--timeout", "1s"]) {
            gave_up(&outcome);
            assert!(took < HOST, "{took:?}");
        }
    }
}

#[test]
fn the_shortest_time_limits_are_kept_too() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::hang());
    let sandbox = Sandbox::of(&stand_in);

    for limit in ["1ms", "10ms", "100ms", "1ns"] {
        for (outcome, took) in all_at_once(&sandbox, 6, ["--timeout", limit, "--force-refresh"]) {
            gave_up(&outcome);
            // Well before the default limit, which would do for the host as well.
            assert!(took < HOST / 2, "{limit}: {took:?}");
        }
    }
}

#[test]
fn a_wait_for_the_lock_that_ends_late_leaves_only_the_rest() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    stand_in.always(Reply::hang());
    let lock = File::open(sandbox.lock_path()).unwrap();
    lock.lock().unwrap();
    let started = Instant::now();
    let mut waiter = sandbox.start(["-v", "--timeout", "8s", "--force-refresh"]);
    assert_eq!(waiter.next_line(), HELD);

    thread::sleep(Duration::from_secs(4));
    drop(lock);
    stand_in.wait_for_requests(2);

    // Four seconds and another eight would be too many for the host.
    waiter.end().has_failed(5);
    assert!(started.elapsed() < HOST, "{:?}", started.elapsed());
}

#[test]
fn a_command_shares_the_time_of_the_exchange() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let command = sandbox.script("password", "exec sleep 1000");
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.config(&format!("[profiles.default]\npassword_command = [\"{}\"]\n", command.display()));

    for (outcome, took) in all_at_once(&sandbox, 12, ["--timeout", "1s"]) {
        gave_up(&outcome);
        assert!(took < HOST, "{took:?}");
    }
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn a_command_with_a_time_limit_of_its_own_is_waited_for() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let text = format!("echo run >> \"$HOME/runs\"\nsleep 2\necho '{PASSWORD}'");
    let command = sandbox.script("password", &text);
    sandbox.unset("SPOTINST_PASSWORD");
    let config =
        format!("[profiles.default]\npassword_command = [\"{}\"]\ncommand_timeout = \"50s\"\n", command.display());
    sandbox.config(&config);

    // The command takes longer than an exchange may, and longer than anybody would wait for the lock of one.
    let ends = all_at_once(&sandbox, 50, ["--timeout", "1s"]);

    for (outcome, _) in ends {
        outcome.prints(&format!("{}\n", stand_in.issued()[0]));
    }
    assert_eq!(std::fs::read_to_string(sandbox.home().join("runs")).unwrap(), "run\n");
    assert_eq!(stand_in.connections(), 1);
}

#[test]
fn a_command_that_is_over_its_own_limit_ends_the_call() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let command = sandbox.script("password", "exec sleep 1000");
    sandbox.unset("SPOTINST_PASSWORD");
    let config =
        format!("[profiles.default]\npassword_command = [\"{}\"]\ncommand_timeout = \"1s\"\n", command.display());
    sandbox.config(&config);

    for (outcome, took) in all_at_once(&sandbox, 12, []) {
        gave_up(&outcome);
        assert!(outcome.stderr.contains("was not done in time"), "{outcome:?}");
        assert!(took < HOST, "{took:?}");
    }
}
