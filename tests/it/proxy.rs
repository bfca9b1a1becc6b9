//! Proxy variables: which one is used, what the proxy gets, and how it can fail.

use std::time::{Duration, Instant};

use crate::sandbox::{Outcome, Sandbox};
use crate::system_errors;
use stand_in::proxy::{Proxy, Tunnel};
use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

/// A host that no name server knows: it can be reached only through the proxy.
const HOST: &str = "oauth.spotinst.invalid";
const URL: &str = "https://oauth.spotinst.invalid/token";

/// An endpoint behind a proxy: the stand-in's certificate is for [`HOST`] and its own address.
struct BehindProxy {
    stand_in: StandIn,
    proxy: Proxy,
    sandbox: Sandbox,
}

impl BehindProxy {
    fn new() -> Self {
        let ca = Ca::new();
        let stand_in = StandIn::start_tls(&ca.identity_for(&[HOST, "127.0.0.1"]));
        let proxy = Proxy::start(stand_in.addr());
        let mut sandbox = Sandbox::of(&stand_in);
        let roots = sandbox.path().join("ca.pem");
        ca.write_pem(&roots).unwrap();
        sandbox.set("SSL_CERT_FILE", roots).set("SPOTINST_TOKEN_URL", URL);
        Self { stand_in, proxy, sandbox }
    }

    /// Like [`Self::new`], with `HTTPS_PROXY` set to the proxy.
    fn set() -> Self {
        let mut behind = Self::new();
        behind.sandbox.set("HTTPS_PROXY", behind.proxy.url());
        behind
    }

    #[track_caller]
    fn fails(&self, status: i32, line: &str, hint: &str) {
        self.sandbox.run([]).fails(status, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    }

    #[track_caller]
    fn prints_the_token(&self) {
        let outcome = self.sandbox.run([]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        assert_eq!(outcome.stdout, format!("{}\n", self.stand_in.issued().last().unwrap()));
    }
}

fn tunnel(authorization: Option<&str>) -> Tunnel {
    let authorization = authorization.map(str::to_owned);
    Tunnel { method: "CONNECT".to_owned(), target: format!("{HOST}:443"), authorization }
}

#[test]
fn every_proxy_variable_is_used() {
    for variable in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        let mut behind = BehindProxy::new();
        behind.sandbox.set(variable, behind.proxy.url());

        behind.prints_the_token();

        assert_eq!(behind.proxy.tunnels(), [tunnel(None)], "{variable}");
    }
}

#[test]
fn the_more_specific_variable_wins() {
    let mut behind = BehindProxy::set();
    let other = Proxy::start(behind.stand_in.addr());
    behind.sandbox.set("ALL_PROXY", other.url()).set("http_proxy", other.url()).set("HTTP_PROXY", other.url());

    behind.prints_the_token();

    assert_eq!((behind.proxy.tunnels().len(), other.tunnels().len()), (1, 0));
}

#[test]
fn no_proxy_lists_hosts_and_domains() {
    let by_address = |behind: &mut BehindProxy| {
        let url = behind.stand_in.url();
        behind.sandbox.set("SPOTINST_TOKEN_URL", url);
    };
    for entries in ["127.0.0.1", "*", "example.com, 127.0.0.1 ,", "*.0.0.1"] {
        let mut behind = BehindProxy::set();
        by_address(&mut behind);
        behind.sandbox.set("NO_PROXY", entries);

        behind.prints_the_token();

        assert_eq!(behind.proxy.tunnels(), [], "{entries}");
    }
    for entries in ["localhost", "127.0.0.10", "example.com"] {
        let mut behind = BehindProxy::set();
        by_address(&mut behind);
        behind.sandbox.set("no_proxy", entries);

        behind.prints_the_token();

        assert_eq!(behind.proxy.tunnels().len(), 1, "{entries}");
    }
}

#[test]
fn no_proxy_includes_subdomains() {
    for (entries, is_direct) in [
        ("spotinst.invalid", true),
        (".spotinst.invalid", true),
        ("*.spotinst.invalid", true),
        ("OAUTH.Spotinst.invalid", true),
        ("inst.invalid", false),
        ("api.spotinst.invalid", false),
        ("invalid.com", false),
    ] {
        let mut behind = BehindProxy::set();
        behind.sandbox.set("NO_PROXY", entries);

        let outcome = behind.sandbox.run([]);

        // The host cannot be resolved, so without the proxy there is no token.
        let expected = if is_direct { (Some(5), 0) } else { (Some(0), 1) };
        assert_eq!((outcome.status, behind.proxy.tunnels().len()), expected, "{entries}: {outcome:?}");
    }
}

#[test]
fn the_proxy_password_is_sent_only_to_the_proxy() {
    let mut behind = BehindProxy::new();
    // `ada:p@ss/100% +`, encoded as in RFC 7617.
    behind.sandbox.set("HTTPS_PROXY", behind.proxy.url_with("ada:p%40ss%2F100%25%20+"));

    let outcome = behind.sandbox.run(["-v"]);

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(behind.proxy.tunnels(), [tunnel(Some("Basic YWRhOnBAc3MvMTAwJSAr"))]);
    let request = behind.stand_in.requests().remove(0);
    assert_eq!((request.header("proxy-authorization"), request.header("authorization")), (None, None));
    assert_is_silent_about_the_password(&outcome);
}

#[track_caller]
fn assert_is_silent_about_the_password(outcome: &Outcome) {
    for secret in ["p@ss", "p%40ss", "YWRh"] {
        assert!(!outcome.stderr.contains(secret), "{outcome:?}");
    }
}

#[test]
fn a_proxy_refusal_is_an_error_without_the_password() {
    let rows = [
        (403, 1, "the proxy refused the connection (HTTP 403)", "check the network and the proxy in HTTPS_PROXY"),
        (
            407,
            1,
            "the proxy requires a user name and password (HTTP 407)",
            "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT",
        ),
        (502, 3, "the proxy refused the connection (HTTP 502)", "check the network and the proxy in HTTPS_PROXY"),
    ];
    for (status, tunnels, line, hint) in rows {
        let mut behind = BehindProxy::new();
        behind.sandbox.set("HTTPS_PROXY", behind.proxy.url_with("ada:p%40ss"));
        behind.proxy.refuse(Reply::new(status, "p@ss"));

        behind.fails(5, &format!("{URL}: {line}"), hint);

        assert_eq!((behind.proxy.tunnels().len(), behind.stand_in.connections()), (tunnels, 0));
    }
}

#[test]
fn a_proxy_that_closes_the_connection_or_is_down_is_an_error() {
    let hint = "check the network and the proxy in ALL_PROXY";
    let mut behind = BehindProxy::new();
    behind.sandbox.set("ALL_PROXY", behind.proxy.url());
    behind.proxy.refuse(Reply::close_unanswered());
    behind.fails(5, &format!("{URL}: the proxy closed the connection"), hint);

    let mut behind = BehindProxy::new();
    behind.sandbox.set("ALL_PROXY", behind.proxy.url());
    drop(behind.proxy);
    let outcome = behind.sandbox.run([]);
    let problem = system_errors::connection_refused();
    outcome.fails(5, &format!("spotinst-cred: {URL}: {problem}\nhint: {hint}\n"));
}

#[test]
fn a_slow_proxy_times_out() {
    let pause = Duration::from_millis(50);
    // Each response would take minutes, or never end.
    let slow = [Reply::hang(), Reply::empty(200).with_header("X", "x".repeat(10_000)).dripping(pause)];
    for reply in slow {
        let behind = BehindProxy::set();
        behind.proxy.refuse(reply);

        let started = Instant::now();
        let outcome = behind.sandbox.run(["--timeout", "2s"]);

        let hint = "check the network and the proxy, or allow more time with `--timeout`";
        outcome.fails(5, &format!("spotinst-cred: {URL}: timed out\nhint: {hint}\n"));
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
        assert_eq!(behind.stand_in.connections(), 0);
    }
}

#[test]
fn an_invalid_proxy_url_is_a_configuration_error() {
    for value in
        ["socks5://127.0.0.1:1080/s3cr3t", "socks4a://u:s3cr3t@h:1", "ftp://u:s3cr3t@h", "http://", "::: s3cr3t"]
    {
        let mut behind = BehindProxy::new();
        behind.sandbox.set("HTTPS_PROXY", value);

        behind.fails(
            3,
            "HTTPS_PROXY is not the URL of an http or https proxy",
            "set it to a URL such as http://proxy.example:3128, or unset HTTPS_PROXY",
        );
    }
}

#[test]
fn loopback_http_never_uses_a_proxy() {
    let stand_in = StandIn::start();
    let proxy = Proxy::start(stand_in.addr());
    let mut sandbox = Sandbox::of(&stand_in);
    for variable in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        sandbox.set(variable, proxy.url());
    }

    sandbox.token();

    assert_eq!((proxy.tunnels(), stand_in.connections()), (vec![], 1));
}
