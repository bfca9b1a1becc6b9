//! A call ends within its time limit, at whatever point of a request the server is slow.

use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::mount_namespace::run_with_mounts;
use crate::requirements::need;
use crate::sandbox::{Outcome, Sandbox};
use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

/// Far more than the time limit of these calls, and far less than a complete response would take.
const AT_MOST: Duration = Duration::from_secs(8);

/// So slow that a few hundred bytes of headers take half a minute.
const PAUSE: Duration = Duration::from_millis(200);

#[track_caller]
fn assert_times_out(sandbox: &Sandbox, url: &str) {
    let started = Instant::now();
    assert_timed_out(&sandbox.run(["--timeout", "1s"]), started, url);
}

#[track_caller]
fn assert_timed_out(outcome: &Outcome, started: Instant, url: &str) {
    let hint = "check the network and the proxy, or allow more time with `--timeout`";
    outcome.fails(5, &format!("spotinst-cred: {url}: timed out\nhint: {hint}\n"));
    assert!(started.elapsed() < AT_MOST, "{:?}", started.elapsed());
}

/// Responses that end too late or never: before, in or after the headers.
fn slow_answers() -> [Reply; 3] {
    let padding = |body| [vec![b' '; 60_000], body].concat();
    [
        Reply::hang(),
        Reply::access_only("T").with_header("X", "x".repeat(1000)).dripping(PAUSE),
        Reply::access_only("T").with_body(padding).dripping(Duration::from_millis(1)),
    ]
}

#[test]
fn a_slow_response_over_http_times_out() {
    for reply in slow_answers() {
        let stand_in = StandIn::start();
        stand_in.always(reply);
        assert_times_out(&Sandbox::of(&stand_in), &stand_in.url());
        assert_eq!(stand_in.connections(), 1);
    }
}

#[test]
fn a_slow_response_over_tls_times_out() {
    let ca = Ca::new();
    for reply in slow_answers() {
        let stand_in = StandIn::start_tls(&ca.identity_for(&["127.0.0.1"]));
        stand_in.always(reply);
        let mut sandbox = Sandbox::of(&stand_in);
        let roots = sandbox.path().join("ca.pem");
        ca.write_pem(&roots).unwrap();
        sandbox.set("SSL_CERT_FILE", roots);
        assert_times_out(&sandbox, &stand_in.url());
        assert_eq!(stand_in.connections(), 1);
    }
}

/// A server that accepts connections and passes them to `serve`, and a sandbox that uses it.
fn raw_server(scheme: &str, serve: impl Fn(TcpStream) + Send + 'static) -> (Sandbox, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{scheme}://{}/token", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    let mut sandbox = Sandbox::of(&StandIn::start());
    sandbox.set("SPOTINST_TOKEN_URL", &url);
    (sandbox, url)
}

/// Writes the bytes one by one until the client disconnects.
fn send_slowly(mut to: TcpStream, bytes: impl Iterator<Item = u8>) {
    for byte in bytes {
        if to.write_all(&[byte]).is_err() {
            return;
        }
        thread::park_timeout(PAUSE / 4);
    }
}

#[test]
fn a_tls_handshake_that_hangs_times_out() {
    let (sandbox, url) = raw_server("https", |stream| {
        thread::park_timeout(AT_MOST * 2);
        drop(stream);
    });
    assert_times_out(&sandbox, &url);
}

#[test]
fn a_slow_tls_handshake_times_out() {
    // The header of a record of 16 KiB, and then its content.
    let record = || [0x16, 0x03, 0x03, 0x40, 0x00, 0x02, 0x00, 0x3F, 0xFC].into_iter().chain(std::iter::repeat(0));
    let (sandbox, url) = raw_server("https", move |stream| send_slowly(stream, record()));
    assert_times_out(&sandbox, &url);
}

#[test]
fn response_headers_that_never_end_time_out() {
    let head = || b"HTTP/1.1 200 OK\r\n".iter().copied().chain(b"X: y\r\n".iter().copied().cycle());
    let (sandbox, url) = raw_server("http", move |stream| send_slowly(stream, head()));
    assert_times_out(&sandbox, &url);
}

#[test]
fn a_body_that_never_ends_times_out() {
    let heads = ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"];
    for head in heads {
        let bytes = move || head.bytes().chain(std::iter::repeat(b' '));
        let (sandbox, url) = raw_server("http", move |mut stream| {
            stream.write_all(head.as_bytes()).ok();
            send_slowly(stream, bytes().skip(head.len()));
        });
        assert_times_out(&sandbox, &url);
    }
}

#[test]
fn interim_responses_do_not_restart_the_timeout() {
    let interim = || b"HTTP/1.1 102 Processing\r\n\r\n".iter().copied().cycle();
    let (sandbox, url) = raw_server("http", move |stream| send_slowly(stream, interim()));
    assert_times_out(&sandbox, &url);
}

#[test]
fn a_name_server_that_does_not_reply_times_out() {
    // Name servers are on port 53, so this one has its own address.
    const NAME_SERVER: &str = "127.77.53.53";
    let silent = UdpSocket::bind((NAME_SERVER, 53));
    if !need(silent.is_ok(), "it needs port 53") {
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
        assert_timed_out(&outcome, started, url);
    }
}

#[test]
fn an_unknown_host_is_named_as_such() {
    let mut sandbox = Sandbox::new();
    let url = "https://oauth.spotinst.invalid/token";
    sandbox.set("SPOTINST_TOKEN_URL", url);
    for name in ["SPOTINST_USERNAME", "SPOTINST_PASSWORD", "SPOTINST_CLIENT_ID", "SPOTINST_CLIENT_SECRET"] {
        sandbox.set(name, "x");
    }
    let names = sandbox.write("nsswitch.conf", "hosts: files\n");

    let mounts = format!("mount --bind {} /etc/nsswitch.conf", names.display());
    if let Some(outcome) = run_with_mounts(&sandbox, &mounts) {
        outcome.has_failed(5);
        assert!(outcome.stderr.starts_with(&format!("spotinst-cred: {url}: host not found: ")), "{outcome:?}");
        let hint = "check the host in the URL, and the network; behind a proxy, set HTTPS_PROXY";
        assert!(outcome.stderr.ends_with(&format!("\nhint: {hint}\n")), "{outcome:?}");
    }
}
