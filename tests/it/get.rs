//! `get`: headers for requests to Spotinst, and to no other server.

use std::io::Write;
use std::process::Stdio;

use crate::fixtures::{DOCUMENT, EXPIRY, TOKEN, with_document, with_permanent_token};
use crate::sandbox::{Outcome, Running, Sandbox};
use stand_in::StandIn;

const HINT: &str =
    "hint: tokens go to https://spotinst.io, to what is below it, and to the server of SPOTINST_API_URL or `api_url`\n";

const USE: &str = "hint: `get` is run by Bazel, Buck2 or restish, and reads {\"uri\":\"https://api.spotinst.io/\"}\n";

#[test]
fn the_response_has_headers_and_their_expiry() {
    let answer = format!("{{\"headers\":{{\"Authorization\":[\"Bearer {TOKEN}\"]}},\"expires\":\"{EXPIRY}\"}}\n");
    ask(&with_document(DOCUMENT), r#"{"uri":"https://api.spotinst.io/ocean"}"#).prints(&answer);
    let permanent = with_permanent_token("abc", "");
    let answer = "{\"headers\":{\"Authorization\":[\"Bearer abc\"]}}\n";
    ask(&permanent, r#"{"uri":"https://api.spotinst.io/ocean"}"#).prints(answer);
}

#[test]
fn unknown_request_fields_are_ignored() {
    // Like restish sends it, and like a later version of the protocol could.
    let request =
        r#"{"method":"GET","uri":"https://api.spotinst.io/setup/account","headers":{"Accept":["*/*"]},"body":""}"#;
    assert_eq!(ask(&with_permanent_token("abc", ""), request).status, Some(0));
    assert_eq!(
        ask(&with_permanent_token("abc", ""), "{\"uri\":\"https://spotinst.io\",\"x\":[{}]}\n\n").status,
        Some(0)
    );
}

#[test]
fn spotinst_hosts_over_https_get_a_token() {
    let sandbox = with_permanent_token("abc", "");
    for uri in [
        "https://spotinst.io",
        "https://api.spotinst.io",
        "https://api.spotinst.io/",
        "https://api.spotinst.io/a?b=https://evil.example/@",
        "https://api.spotinst.io?x=1",
        "https://a.b.c.spotinst.io/x",
        "HTTPS://API.SpotInst.IO/x",
        "https://api.spotinst.io:443/x",
        "https://api.spotinst.io:8443/x",
        "https://api.spotinst.io/a@b:c",
    ] {
        assert_eq!(ask_for(&sandbox, uri).status, Some(0), "{uri}");
    }
}

#[test]
fn any_other_server_is_refused_by_name() {
    let sandbox = with_permanent_token("abc", "");
    for (uri, server) in [
        ("https://evil.example/", "https://evil.example:443"),
        ("https://xn--bcher-kva.spotinst.io/", "https://xn--bcher-kva.spotinst.io:443"),
        ("https://notspotinst.io/", "https://notspotinst.io:443"),
        ("https://spotinst.io.evil.example/", "https://spotinst.io.evil.example:443"),
        ("https://api-spotinst.io/", "https://api-spotinst.io:443"),
        ("https://spotinst.com/", "https://spotinst.com:443"),
        ("https://spotinst.io-evil.example/", "https://spotinst.io-evil.example:443"),
        ("https://io/spotinst.io", "https://io:443"),
        ("https://evil.example/.spotinst.io", "https://evil.example:443"),
        ("https://evil.example?.spotinst.io", "https://evil.example:443"),
        ("https://EVIL.example:8443/", "https://evil.example:8443"),
        ("https://127.0.0.1/", "https://127.0.0.1:443"),
        ("https://[::1]/", "https://[::1]:443"),
        ("http://api.spotinst.io/", "http://api.spotinst.io:80"),
        ("http://api.spotinst.io:443/", "http://api.spotinst.io:443"),
    ] {
        let problem = format!("spotinst-cred: {server} gets no token: it is not a Spotinst server\n");
        ask_for(&sandbox, uri).fails(1, &format!("{problem}{HINT}"));
    }
}

#[test]
fn ambiguous_uris_are_refused_and_not_shown() {
    let sandbox = with_permanent_token("abc", "");
    let user = "must not contain a user name or password";
    let odd_host = "has an invalid host";
    let odd_port = "has an invalid port";
    let no_host = "has no host";
    let odd_byte = "holds a space, a control character or a non-ASCII character";
    let mark = "holds a backslash or a fragment";
    for (uri, problem) in [
        ("https://api.spotinst.io@evil.example/", user),
        ("https://user:secret@api.spotinst.io/", user),
        ("https://@api.spotinst.io/", user),
        ("https://evil.example\\\\@api.spotinst.io/", mark),
        ("https://evil.example\\\\.spotinst.io/", mark),
        ("https://api.spotinst.io\\\\.evil.example/", mark),
        ("https://api.spotinst.io#@evil.example/", mark),
        ("https://evil.example#.spotinst.io/", mark),
        ("https://api.spotinst.io./", odd_host),
        ("https://api.spotinst.io../", odd_host),
        ("https://.spotinst.io/", odd_host),
        ("https://api..spotinst.io/", odd_host),
        ("https://evil.example%2f.spotinst.io/", odd_host),
        ("https://api%2espotinst.io/", odd_host),
        ("https://-a.spotinst.io/", odd_host),
        ("https://a_b.spotinst.io/", odd_host),
        ("https://evil.example;.spotinst.io/", odd_host),
        ("https://evil.example,api.spotinst.io/", odd_host),
        ("https:///api.spotinst.io/", no_host),
        ("https://", no_host),
        ("https://[::1/", odd_host),
        ("https://[api.spotinst.io]/", odd_host),
        ("https://[::1%25eth0]/", odd_host),
        ("https://api.spotinst.io:/", odd_port),
        ("https://api.spotinst.io:0/", odd_port),
        ("https://api.spotinst.io:0443/", odd_port),
        ("https://api.spotinst.io:+443/", odd_port),
        ("https://api.spotinst.io:65536/", odd_port),
        ("https://api.spotinst.io:44x/", odd_port),
        ("https://api.spotinst.io:443:443/", odd_host),
        ("https://evil.example\\t.spotinst.io/", odd_byte),
        ("https://api.spotinst.io\\r\\nHost: evil.example/", odd_byte),
        ("https://api.spotinst.io /", odd_byte),
        (" https://api.spotinst.io/", odd_byte),
        ("https://api.spotinst.io/\\u0000", odd_byte),
        ("https://\\u0430pi.spotinst.io/", odd_byte),
        ("https://api.spotinst\\u3002io/", odd_byte),
        ("https://api\\uff0espotinst.io/", odd_byte),
        ("https:/api.spotinst.io/", "is not an absolute URL"),
        ("https:api.spotinst.io", "is not an absolute URL"),
        ("//api.spotinst.io/", "is not an absolute URL"),
        ("api.spotinst.io", "is not an absolute URL"),
        ("", "is not an absolute URL"),
        ("ftp://api.spotinst.io/", "is not https"),
        ("javascript://api.spotinst.io/", "is not https"),
        ("https+x://api.spotinst.io/", "is not https"),
    ] {
        let problem = format!("spotinst-cred: the URI {problem}\n");
        ask_for(&sandbox, uri).fails(1, &format!("{problem}{HINT}"));
    }
}

#[test]
fn the_configured_api_gets_a_token_too() {
    let mut sandbox = with_permanent_token("abc", "api_url = \"https://Gateway.Example:8443/spot\"");
    assert_eq!(ask_for(&sandbox, "https://gateway.example:8443/x").status, Some(0));
    for other in [
        "https://gateway.example/",
        "http://gateway.example:8443/",
        "https://a.gateway.example:8443/",
        "https://gateway.example.:8443/",
    ] {
        assert_eq!(ask_for(&sandbox, other).status, Some(1), "{other}");
    }
    // The variable overrides the profile; http is allowed only for loopback addresses.
    sandbox.set("SPOTINST_API_URL", "http://127.0.0.1:8080");
    assert_eq!(ask_for(&sandbox, "http://127.0.0.1:8080/x").status, Some(0));
    assert_eq!(ask_for(&sandbox, "http://127.0.0.1:8081/x").status, Some(1));
    assert_eq!(ask_for(&sandbox, "https://127.0.0.1:8080/x").status, Some(1));
    assert_eq!(ask_for(&sandbox, "https://gateway.example:8443/x").status, Some(1));
    assert_eq!(ask_for(&sandbox, "https://api.spotinst.io/").status, Some(0));
    sandbox.set("SPOTINST_API_URL", "http://[::1]:8080/");
    assert_eq!(ask_for(&sandbox, "http://[0:0::1]:8080/x").status, Some(0));

    sandbox.set("SPOTINST_API_URL", "http://gateway.example");
    ask_for(&sandbox, "https://api.spotinst.io/").fails(
        3,
        "spotinst-cred: the API URL from SPOTINST_API_URL is not https: http is only allowed to loopback addresses, as it sends secrets unencrypted\nhint: it looks like https://api.spotinst.io\n",
    );
}

#[test]
fn stdin_must_hold_a_request() {
    let sandbox = with_permanent_token("abc", "");
    let no_request = "spotinst-cred: stdin is not a request: expected a JSON object with a `uri`\n";
    for input in [
        "",
        "https://api.spotinst.io/",
        "{}",
        "{\"uri\":7}",
        "[]",
        "null",
        "{\"uri\":\"https://spotinst.io\"",
        "\u{0}",
        "[\"https://api.spotinst.io/\"]",
        " [\"https://api.spotinst.io/\"]\n",
    ] {
        ask(&sandbox, input).fails(1, &format!("{no_request}{USE}"));
    }
    let long = format!("{{\"uri\":\"https://spotinst.io\",\"x\":\"{}\"}}", "x".repeat(64 * 1024));
    ask(&sandbox, &long).fails(1, &format!("spotinst-cred: stdin holds more than 64 KiB\n{USE}"));
}

#[test]
fn a_stdin_that_is_never_closed_times_out() {
    let sandbox = with_permanent_token("abc", "");
    let (reader, _writer) = std::io::pipe().unwrap();
    let mut command = sandbox.program(["--timeout", "400ms", "get"]);
    let outcome = Running::start(command.stdin(reader)).end();
    outcome.fails(5, &format!("spotinst-cred: stdin was not closed in time\n{USE}"));
}

#[test]
fn a_refused_uri_causes_no_request() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    assert_eq!(ask_for(&sandbox, "https://evil.example/").status, Some(1));
    assert_eq!(stand_in.connections(), 0);
    assert_eq!(ask_for(&sandbox, "https://api.spotinst.io/").status, Some(0));
    assert_eq!(stand_in.grants(), ["password"]);
}

/// Runs `get` for a URI, in JSON notation.
#[track_caller]
fn ask_for(sandbox: &Sandbox, uri: &str) -> Outcome {
    ask(sandbox, &format!("{{\"uri\":\"{uri}\"}}"))
}

#[track_caller]
fn ask(sandbox: &Sandbox, input: &str) -> Outcome {
    let mut child = sandbox.program(["get"]).stdin(Stdio::piped()).spawn().unwrap();
    // `get` may exit before it has read all of a long request.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { stdout: text(output.stdout), stderr: text(output.stderr), status: output.status.code() }
}
