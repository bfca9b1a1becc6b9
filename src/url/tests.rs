//! Any text as URL: secrets are sent over `https` or to this machine, or the URL is refused.
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

#[test]
fn an_origin_is_scheme_host_and_port_in_one_form() {
    for (text, expected) in [
        ("https://Id.Example", "https://id.example:443"),
        ("HTTPS://id.example/a:1", "https://id.example:443"),
        ("https://id.example?a:1", "https://id.example:443"),
        ("https://id.example#a:1", "https://id.example:443"),
        ("http://id.example", "http://id.example:80"),
        ("https://id.example:1/", "https://id.example:1"),
        ("http://id.example:65535/", "http://id.example:65535"),
        ("https://[0:0::1]", "https://[::1]:443"),
        ("https://[0:0::1]:8443/", "https://[::1]:8443"),
        ("https://[A::Z]", "https://[a::z]:443"),
    ] {
        assert_eq!(Origin::parse(text).map(|origin| origin.to_string()), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn an_invalid_url_gets_a_specific_error() {
    let fragment = "must not contain a fragment (#…)";
    let user = "must not contain a user name or password";
    let port = "has an invalid port";
    let plain_http = "is not https: http is only allowed to loopback addresses, as it sends secrets unencrypted";
    for (text, expected) in [
        ("", "is not a URL"),
        ("https://a b/", "is not a URL"),
        ("id.example", "is not an absolute URL"),
        ("ftp://id.example", "is not https"),
        ("https://user@id.example/", user),
        ("https://id.example:0/", port),
        ("https://id.example:01/", port),
        ("https://id.example:65536/", port),
        ("https://id.example/#f", fragment),
        ("http://id.example/", plain_http),
        ("http://10.0.0.1/", plain_http),
        ("http://[::2]/", plain_http),
    ] {
        assert_eq!(Endpoint::parse(text), Err(expected), "{text}");
    }
    for (text, expected) in
        [("https://:1/", "has no host"), ("https://", "has no host"), ("https://a:+1", port), ("https://a:", port)]
    {
        assert_eq!(Origin::parse(text), Err(expected), "{text}");
    }
}

#[test]
fn plain_http_goes_to_this_machine_alone() {
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "[0:0::1]"] {
        let url = format!("http://{host}:8080/token");
        let endpoint = Endpoint::parse(&url).unwrap();
        assert_eq!((endpoint.as_str(), endpoint.to_string()), (url.as_str(), url.clone()));
        assert!(!endpoint.origin().is_tls);
    }
}

#[test]
fn only_an_address_in_brackets_is_ipv6() {
    for (text, expected) in [
        ("https://[::1]", true),
        ("https://[fe80::1]:1", true),
        ("https://[::g]", false),
        ("https://id.example", false),
        ("https://127.0.0.1", false),
    ] {
        assert_eq!(Origin::parse(text).map(|origin| origin.is_ip_v6()), Ok(expected), "{text}");
    }
}
