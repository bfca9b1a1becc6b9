//! Which URIs get the token, and what is wrong with the others.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

/// What is wrong with the URI, where the API is at `api`.
fn problem(uri: &str, api: &str) -> Option<String> {
    let api = Endpoint::parse(api).unwrap();
    check(uri, &api).err().map(|error| error.message)
}

#[test]
fn spotinst_and_the_configured_api_get_the_token() {
    let label = "a".repeat(63);
    let longest = format!("https://{label}.{label}.{label}.{}.spotinst.io/", "a".repeat(49));
    for (uri, api) in [
        ("https://spotinst.io", "https://api.spotinst.io"),
        ("https://api.spotinst.io/aws/ec2/group?accountId=act-1", "https://api.spotinst.io"),
        ("https://API.Spotinst.IO:8443/", "https://api.spotinst.io"),
        ("https://a-1.b.spotinst.io/%20", "https://api.spotinst.io"),
        ("https://broker.example/path", "https://broker.example/api"),
        ("https://broker.example:443", "https://broker.example"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080"),
        ("http://[0:0:0:0:0:0:0:1]:8080/x", "http://[::1]:8080"),
        (&format!("https://{label}.spotinst.io/"), "https://api.spotinst.io"),
        (&longest, "https://api.spotinst.io"),
    ] {
        assert_eq!(problem(uri, api), None, "{uri}");
    }
}

#[test]
fn no_other_server_gets_the_token() {
    for (uri, api, origin) in [
        ("https://example.com/", "https://api.spotinst.io", "https://example.com:443"),
        ("https://notspotinst.io/", "https://api.spotinst.io", "https://notspotinst.io:443"),
        ("https://spotinst.io.example/", "https://api.spotinst.io", "https://spotinst.io.example:443"),
        ("http://api.spotinst.io/", "https://api.spotinst.io", "http://api.spotinst.io:80"),
        ("https://broker.example:444/", "https://broker.example", "https://broker.example:444"),
        ("https://127.0.0.1:8080/", "http://127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("http://127.0.0.1:8081/", "http://127.0.0.1:8080", "http://127.0.0.1:8081"),
        ("https://[::1]/", "https://api.spotinst.io", "https://[::1]:443"),
        ("https://a.XN--a.spotinst.io/", "https://api.spotinst.io", "https://a.xn--a.spotinst.io:443"),
    ] {
        assert_eq!(problem(uri, api), Some(format!("{origin} gets no token: it is not a Spotinst server")));
    }
}

#[test]
fn a_uri_that_programs_may_read_differently_is_refused_without_repeating_it() {
    let odd_characters = "holds a space, a control character or a non-ASCII character";
    let label = "a".repeat(64);
    let too_long = format!("https://{}spotinst.io/", "a.".repeat(122));
    for (uri, expected) in [
        ("https://api.spotinst.io/a b", odd_characters),
        ("https://api.spotinst.io/\n", odd_characters),
        ("https://api.spotinst.io/ö", odd_characters),
        ("https://api.spotinst.io\\@example.com/", "holds a backslash or a fragment"),
        ("https://api.spotinst.io/#f", "holds a backslash or a fragment"),
        ("https://secret@api.spotinst.io/", "must not contain a user name or password"),
        ("api.spotinst.io", "is not an absolute URL"),
        ("ftp://api.spotinst.io/", "is not https"),
        ("https:///", "has no host"),
        ("https://api.spotinst.io./", "has an invalid host"),
        ("https://.spotinst.io/", "has an invalid host"),
        ("https://-a.spotinst.io/", "has an invalid host"),
        ("https://a-.spotinst.io/", "has an invalid host"),
        ("https://a_b.spotinst.io/", "has an invalid host"),
        ("https://%61.spotinst.io/", "has an invalid host"),
        ("https://[::1/", "has an invalid host"),
        (&format!("https://{label}.spotinst.io/"), "has an invalid host"),
        (&too_long, "has an invalid host"),
    ] {
        assert_eq!(problem(uri, "https://api.spotinst.io"), Some(format!("the URI {expected}")), "{uri}");
    }
}

#[test]
fn the_hint_names_the_servers_that_get_the_token() {
    let api = Endpoint::parse("https://api.spotinst.io").unwrap();
    let hint = check("https://example.com", &api).unwrap_err().hint.unwrap();
    assert!(hint.contains("https://spotinst.io") && hint.contains("SPOTINST_API_URL"), "{hint}");
}
