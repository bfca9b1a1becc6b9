//! Whatever is given as a URL: secrets go by `https`, or to this machine, or nowhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::strategies::{config, damaged_text, text};

fn near_urls() -> impl Strategy<Value = String> {
    let schemes = select(&["https://", "http://", "HTTPS://", "HtTp://", "https:/", "ftp://", "file://", "//", ""][..]);
    let users = select(&["", "", "", "u@", "u:p@", "127.0.0.1@", "%40"][..]);
    let hosts = select(
        &[
            "oauth.spotinst.io",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "localhost.example",
            "127.0.0.1",
            "127.1",
            "127.0.0.1.example",
            "2130706433",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[[::1]]",
            "::1",
            "",
            "10.0.0.1",
            "exa mple",
            "ex%61mple",
        ][..],
    );
    let ports = select(&["", ":443", ":0", ":65535", ":65536", ":99999999999", ":", ":x", ":-1"][..]);
    let paths =
        select(&["", "/", "/token", "/token?a=b", "/token#f", "/a b", "/\r\nX: y", "\\", "?q", "@evil.example/"][..]);
    (schemes, users, hosts, ports, paths)
        .prop_map(|(scheme, user, host, port, path)| format!("{scheme}{user}{host}{port}{path}"))
}

fn assert_harmless(text: &str) {
    let Ok(endpoint) = Endpoint::parse(text) else { return };
    assert_eq!((endpoint.as_str(), endpoint.to_string().as_str()), (text, text));
    assert!(!text.contains(['@', '#']) && !text.chars().any(|c| c.is_control() || c.is_whitespace()), "{text:?}");
    let rest = text.split_once("://").unwrap().1;
    let authority = rest.split(['/', '?']).next().unwrap();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().ok()),
        _ => (authority, Some(1)),
    };
    assert!(!host.is_empty() && port.is_some_and(|port| port > 0), "{text:?}");
    let uri: Uri = text.parse().unwrap();
    assert_eq!(
        uri.host().unwrap().to_ascii_lowercase(),
        host.to_ascii_lowercase(),
        "the library connects to the same host"
    );
    if !endpoint.origin().is_tls {
        let host = host.to_ascii_lowercase();
        assert!(["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str()) || host.starts_with("127."), "{text:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text(text in text()) {
        assert_harmless(&text);
    }

    #[test]
    fn near_a_url(url in near_urls()) {
        assert_harmless(&url);
    }

    #[test]
    fn any_damage(url in damaged_text("https://oauth.spotinst.io:443/token?a=b")) {
        assert_harmless(&url);
    }
}
