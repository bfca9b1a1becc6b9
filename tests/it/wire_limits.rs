//! However slow a server is, and wherever in the exchange, the call ends inside its budget.

use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::mounts::run_with_mounts;
use crate::sandbox::{Outcome, Sandbox};
use crate::surroundings::need;
use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

/// Far more than the time limit of these calls, far less than what they meet would take.
const AT_MOST: Duration = Duration::from_secs(8);

/// So slow that a head of some hundred bytes takes half a minute.
const PAUSE: Duration = Duration::from_millis(200);

#[track_caller]
fn assert_ends(sandbox: &Sandbox, url: &str) {
    let started = Instant::now();
    assert_late(&sandbox.run(["--timeout", "1s"]), started, url);
}

#[track_caller]
fn assert_late(outcome: &Outcome, started: Instant, url: &str) {
    let hint = "check the network and the proxy, or allow more with `--timeout`";
    outcome.fails(5, &format!("spotinst-cred: {url}: no complete answer in time\nhint: {hint}\n"));
    assert!(started.elapsed() < AT_MOST, "{:?}", started.elapsed());
}

/// Answers that end much too late or never: before the head, in the head, in the body.
fn slow_answers() -> [Reply; 3] {
    let padding = |body| [vec![b' '; 60_000], body].concat();
    [
        Reply::hang(),
        Reply::access_only("T").with_header("X", "x".repeat(1000)).dripping(PAUSE),
        Reply::access_only("T").with_body(padding).dripping(Duration::from_millis(1)),
    ]
}

#[test]
fn over_http() {
    for reply in slow_answers() {
        let stand_in = StandIn::start();
        stand_in.always(reply);
        assert_ends(&Sandbox::of(&stand_in), &stand_in.url());
        assert_eq!(stand_in.connections(), 1);
    }
}

#[test]
fn over_tls() {
    let ca = Ca::new();
    for reply in slow_answers() {
        let stand_in = StandIn::start_tls(&ca.identity_for(&["127.0.0.1"]));
        stand_in.always(reply);
        let mut sandbox = Sandbox::of(&stand_in);
        let roots = sandbox.path().join("ca.pem");
        ca.write_pem(&roots).unwrap();
        sandbox.set("SSL_CERT_FILE", roots);
        assert_ends(&sandbox, &stand_in.url());
        assert_eq!(stand_in.connections(), 1);
    }
}

/// A server that accepts and then only does this, and a sandbox that asks it by `scheme`.
fn odd_server(scheme: &str, serve: impl Fn(TcpStream) + Send + 'static) -> (Sandbox, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{scheme}://{}/token", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    let mut sandbox = Sandbox::of(&StandIn::start());
    sandbox.set("SPOTINST_TOKEN_URL", &url);
    (sandbox, url)
}

/// Writes the bytes one by one until the client has had enough.
fn drip(mut to: TcpStream, bytes: impl Iterator<Item = u8>) {
    for byte in bytes {
        if to.write_all(&[byte]).is_err() {
            return;
        }
        thread::park_timeout(PAUSE / 4);
    }
}

#[test]
fn a_tls_handshake_that_hangs() {
    let (sandbox, url) = odd_server("https", |stream| {
        thread::park_timeout(AT_MOST * 2);
        drop(stream);
    });
    assert_ends(&sandbox, &url);
}

#[test]
fn a_tls_handshake_that_drips() {
    // The head of a record of 16 KiB, and then its content.
    let record = || [0x16, 0x03, 0x03, 0x40, 0x00, 0x02, 0x00, 0x3F, 0xFC].into_iter().chain(std::iter::repeat(0));
    let (sandbox, url) = odd_server("https", move |stream| drip(stream, record()));
    assert_ends(&sandbox, &url);
}

#[test]
fn a_head_that_never_ends() {
    let head = || b"HTTP/1.1 200 OK\r\n".iter().copied().chain(b"X: y\r\n".iter().copied().cycle());
    let (sandbox, url) = odd_server("http", move |stream| drip(stream, head()));
    assert_ends(&sandbox, &url);
}

#[test]
fn a_body_that_never_ends() {
    let heads = ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"];
    for head in heads {
        let bytes = move || head.bytes().chain(std::iter::repeat(b' '));
        let (sandbox, url) = odd_server("http", move |mut stream| {
            stream.write_all(head.as_bytes()).ok();
            drip(stream, bytes().skip(head.len()));
        });
        assert_ends(&sandbox, &url);
    }
}

#[test]
fn an_interim_answer_does_not_start_the_clock_anew() {
    let interim = || b"HTTP/1.1 102 Processing\r\n\r\n".iter().copied().cycle();
    let (sandbox, url) = odd_server("http", move |stream| drip(stream, interim()));
    assert_ends(&sandbox, &url);
}

#[test]
fn a_name_server_that_is_silent() {
    // It must be on port 53, so at an address that nobody else uses.
    const NAME_SERVER: &str = "127.77.53.53";
    let silent = UdpSocket::bind((NAME_SERVER, 53));
    if !need("port 53", silent.is_ok()) {
        return;
    }
    let mut sandbox = Sandbox::of(&StandIn::start());
    let url = "https://oauth.spotinst.invalid/token";
    sandbox.set("SPOTINST_TOKEN_URL", url).set("SPOTINST_CRED_TIMEOUT", "2s");
    let servers = sandbox.write("resolv.conf", &format!("nameserver {NAME_SERVER}\n"));
    let names = sandbox.write("nsswitch.conf", "hosts: files dns\n");
    let (servers, names) = (servers.display(), names.display());
    let mounts = format!("mount --bind {servers} /etc/resolv.conf && mount --bind {names} /etc/nsswitch.conf");

    let started = Instant::now();
    if let Some(outcome) = run_with_mounts(&sandbox, &mounts) {
        assert_late(&outcome, started, url);
    }
}
