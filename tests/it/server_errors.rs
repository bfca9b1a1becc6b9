//! Every response without a token, from the token endpoint or from a proxy or portal: the exact error, the exit status
//! and the number of requests.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fake_clock::FakeClock;
use crate::sandbox::Sandbox;
use crate::system_errors;
use stand_in::spotinst::{CLIENT_SECRET, PASSWORD};
use stand_in::token_reply::REQUEST_ID;
use stand_in::{Reply, StandIn};

const CREDENTIALS: &str = "check user name, password, client id and client secret";
const PLACE: &str = "is this the token endpoint? a proxy, a gateway or a login page may have responded instead";
const PAGE: &str =
    "a login page of this network or of a proxy may have responded: open a browser to log in, or check the URL";
const WRONG_URL: &str = "check the token URL (SPOTINST_TOKEN_URL or `token_url`); `spotinst-cred status` shows it";
const LATER: &str = "try again later";
const NETWORK: &str = "check the network; behind a proxy, set HTTPS_PROXY";

/// Runs the program against a stand-in that always sends this reply. Returns stderr with `URL` and `ID` in place of its
/// URL and the request id, the exit status, and the stand-in.
fn ask(reply: Reply) -> (String, Option<i32>, StandIn) {
    let stand_in = StandIn::start();
    stand_in.always(reply);
    let outcome = Sandbox::of(&stand_in).run([]);
    assert_eq!(outcome.stdout, "");
    let stderr = outcome.stderr.replace(&stand_in.url(), "URL").replace(&format!("(request id {REQUEST_ID})"), "ID");
    (stderr, outcome.status, stand_in)
}

/// Checks rows of reply, error line and number of requests.
#[track_caller]
fn check<const N: usize>(status: i32, hint: &str, rows: [(Reply, &str, usize); N]) {
    for (reply, line, requests) in rows {
        let (stderr, ended, stand_in) = ask(reply);
        assert_eq!(stderr, format!("spotinst-cred: {line}\nhint: {hint}\n"));
        assert_eq!((ended, stand_in.connections()), (Some(status), requests), "{line}");
    }
}

/// A response of RFC 6749 with one changed member.
fn changed(member: &str, value: Value) -> Reply {
    let mut body = json!({"access_token": "T", "token_type": "Bearer", "expires_in": 7200});
    body[member] = value;
    Reply::json(200, &body)
}

fn html(status: u16) -> Reply {
    Reply { status, ..Reply::captive_portal() }
}

#[test]
fn a_rejection_is_not_retried() {
    check(
        4,
        CREDENTIALS,
        [
            (
                Reply::validation_error("\"username\" is required"),
                "URL refused the password grant: HTTP 400, ValidationError, \"username\" is required ID",
                1,
            ),
            (
                Reply::validation_error_in("query.accountId", "\"accountId\" is required"),
                "URL refused the password grant: HTTP 400, ValidationError, \"accountId\" is required, \
                 field query.accountId ID",
                1,
            ),
            (Reply::unauthorized(), "URL refused the password grant: HTTP 401, Unauthorized ID", 1),
            (Reply::no_auth(401), "URL refused the password grant: HTTP 401, NOAUTH, invalid auth ID", 1),
            (Reply::no_auth(200), "URL refused the password grant: HTTP 200, NOAUTH, invalid auth ID", 1),
            (
                Reply::oauth_error(400, "invalid_grant", "wrong password"),
                "URL refused the password grant: HTTP 400, invalid_grant, wrong password ID",
                1,
            ),
            (
                Reply::oauth_error(403, "access_denied", "not you"),
                "URL refused the password grant: HTTP 403, access_denied, not you ID",
                1,
            ),
            (
                Reply::ok_with_errors(),
                "URL refused the password grant: HTTP 200, InvalidCredentials, the credentials are not valid ID",
                1,
            ),
            (Reply::bad_request(), "URL refused the password grant: HTTP 400, Bad Request", 1),
            (Reply::empty(401), "URL refused the password grant: HTTP 401, no body", 1),
            (Reply::new(401, *b"\xFF\xFE"), "URL refused the password grant: HTTP 401, not text", 1),
        ],
    );
}

#[test]
fn only_http_503_is_retried() {
    check(
        5,
        LATER,
        [
            (Reply::gateway_page(), "server error from URL: HTTP 502, an HTML page", 1),
            (Reply::failed(500), "server error from URL: HTTP 500, Internal Server Error ID", 1),
            (Reply::failed(503), "server error from URL: HTTP 503, Service Unavailable ID", 3),
            (Reply::empty(504), "server error from URL: HTTP 504, no body", 1),
            (
                Reply::oauth_error(400, "temporarily_unavailable", "soon"),
                "server error from URL: HTTP 400, temporarily_unavailable, soon ID",
                1,
            ),
        ],
    );
}

#[test]
fn a_page_may_be_the_login_of_the_network() {
    check(
        5,
        PAGE,
        [
            (html(200), "the response from URL has no access token: HTTP 200, an HTML page", 1),
            (html(403), "the response from URL is not from a token endpoint: HTTP 403, an HTML page", 1),
        ],
    );
}

#[test]
fn a_url_where_nothing_is_found_is_a_wrong_setting() {
    let line = "the response from URL is not from a token endpoint: HTTP 404, Not Found ID";
    check(3, WRONG_URL, [(Reply::failed(404), line, 1)]);
}

/// Only the exit status tells a wrong server from a failure that passes.
#[test]
fn a_wrong_server_is_remembered_shortly_and_a_usable_token_is_served() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    stand_in.script([Reply::failed(404)]);
    sandbox.run([]).has_failed(3);
    sandbox.run([]).has_failed(3);
    assert_eq!(stand_in.connections(), 1);
    clock.set(2);
    let token = sandbox.token();
    assert_eq!(stand_in.connections(), 2);

    stand_in.always(Reply::failed(404));
    clock.set(2 + 6900);
    sandbox.run([]).prints(&format!("{token}\n"));
    assert_eq!(stand_in.connections(), 4, "the refresh grant, and the password grant as its fallback");
}

#[test]
fn a_response_that_is_not_from_a_token_endpoint_is_not_a_rejection() {
    check(
        5,
        PLACE,
        [
            (
                Reply::failed(405),
                "the response from URL is not from a token endpoint: HTTP 405, Method Not Allowed ID",
                1,
            ),
            (Reply::empty(200), "the response from URL has no access token: HTTP 200, no body", 1),
            (Reply::empty(204), "the response from URL has no access token: HTTP 204, no body", 1),
            (Reply::without_access_token(), "the response from URL has no access token: HTTP 200, OK ID", 1),
            (Reply::without_items(), "the response from URL has no access token: HTTP 200, OK ID", 1),
            // Text in a successful response may be a token: it is not shown.
            (Reply::new(200, "T"), "the response from URL has no access token: HTTP 200", 1),
            (Reply::new(200, "\"T\""), "the response from URL has no access token: HTTP 200", 1),
            (Reply::invalid_utf8(), "the response from URL has no access token: HTTP 200 ID", 1),
            (Reply::nul_byte(), "the response from URL has no access token: HTTP 200 ID", 1),
            (Reply::nested(30_000), "the response from URL has no access token: HTTP 200", 1),
            (Reply::nested(100_000), "URL: the response is longer than 64 KiB", 1),
            (Reply::huge(10, "T"), "URL: the response is longer than 64 KiB", 1),
            (Reply::huge(10, "T").chunked(), "URL: the response is longer than 64 KiB", 1),
            (Reply::access_only("T").announcing(20), "the response from URL has no access token: HTTP 200 ID", 1),
            (Reply::garbage(), "URL: the response is not HTTP", 1),
        ],
    );
}

#[test]
fn invalid_tokens_are_refused() {
    const DEAD: &str =
        "the response from URL has a token that has already expired (is this machine's clock right?): HTTP 200 ID";
    const ALPHABET: &str =
        "the response from URL has an access token with characters that RFC 6750 does not allow: HTTP 200 ID";
    let tokens = ["T T", "T\nT", "T\u{1b}[2J", "T'; rm -rf /", "tök", "=", "T=T", "T\"", "T$(id)", "T\u{0}"];
    for token in tokens {
        check(5, PLACE, [(changed("access_token", json!(token)), ALPHABET, 1)]);
    }
    let lifetimes = [json!(0), json!(-7200), json!("-1"), json!(0.9), json!(-1e300)];
    for lifetime in lifetimes {
        check(5, PLACE, [(changed("expires_in", lifetime), DEAD, 1)]);
    }
    let no_bearer = "the response from URL has a token type other than Bearer: HTTP 200 ID";
    check(5, PLACE, [(changed("token_type", json!("mac")), no_bearer, 1)]);
}

#[test]
fn a_request_without_a_response_is_not_sent_again() {
    check(
        5,
        NETWORK,
        [
            (Reply::close_unanswered(), "URL: the connection closed before the response was complete", 1),
            (Reply::close_at_once(), "URL: the connection closed before the response was complete", 1),
            (Reply::access_only("T").cut_short(), "URL: the connection closed before the response was complete", 1),
        ],
    );
}

#[test]
fn an_unreachable_server_is_tried_three_times() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let url = stand_in.url();
    drop(stand_in);

    let outcome = sandbox.run(["-v"]);

    assert_eq!(outcome.status, Some(5));
    assert_eq!(outcome.stderr.matches("asking ").count(), 3, "{}", outcome.stderr);
    let end = format!("spotinst-cred: {url}: {}\nhint: {NETWORK}\n", system_errors::connection_refused());
    assert!(outcome.stderr.ends_with(&end), "{}", outcome.stderr);
}

#[test]
fn a_temporary_error_is_silent() {
    let stand_in = StandIn::start();
    stand_in.script([Reply::failed(503), Reply::failed(503), Reply::access_only("T")]);

    Sandbox::of(&stand_in).run([]).prints("T\n");
}

#[test]
fn a_rate_limit_is_not_retried() {
    let rows = [
        (Reply::rate_limited(), 60),
        (Reply::rate_limited_until_reset(Duration::from_secs(17)), 17),
        (Reply::rate_limited_retry_after(Duration::from_secs(5)), 5),
        (Reply::rate_limited_until_reset(Duration::from_secs(86400)), 3600),
        (Reply::rate_limited_until_reset(Duration::ZERO), 1),
        (Reply::rate_limited().with_header("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"), 60),
    ];
    for (reply, seconds) in rows {
        let (stderr, status, stand_in) = ask(reply);
        let begin = format!("spotinst-cred: rate limited by URL for {seconds} s: HTTP 429, Rate limit exceeded ID\n");
        assert!(stderr.starts_with(&begin), "{stderr}");
        assert!(stderr.ends_with("\nhint: wait; requests before then prolong the block\n"), "{stderr}");
        assert_eq!((status, stand_in.connections()), (Some(5), 1));
    }
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = StandIn::start();
        let to = elsewhere.base_at("localhost");
        let line =
            format!("the response from URL is a redirect to {to}/token, which is not followed: HTTP {status}, no body");

        check(3, WRONG_URL, [(Reply::redirect(status, &format!("{to}/token")), &line, 1)]);

        assert_eq!(elsewhere.connections(), 0);
    }
}

#[test]
fn a_secret_in_the_response_is_not_shown() {
    let encoded =
        ["correct+horse+%26+100%25+%2B+%3D", "correct%20horse%20%26%20100%25%20%2B%20%3D", "s3cr3t%2F%2B%3D%26"];
    let echoes = [PASSWORD, CLIENT_SECRET].into_iter().chain(encoded);
    for echo in echoes {
        let text = format!("you sent {echo}, which is wrong");
        let replies = [
            Reply::oauth_error(400, "invalid_grant", &text),
            Reply::oauth_error(400, &text, "no"),
            Reply::validation_error_in(&text, "no"),
            Reply::new(401, text.clone()),
            Reply::new(500, text.clone()),
            Reply::empty(401).with_header("X-Request-Id", &text),
            Reply::redirect(307, &format!("https://elsewhere.example/{echo}")),
            Reply::redirect(307, &format!("https://elsewhere.example/?q=horse&{echo}")),
            Reply::redirect(307, &format!("https://elsewhere.example/{}/{echo}", "a".repeat(250))),
        ];
        for reply in replies {
            let (stderr, _, _) = ask(reply);
            for part in ["horse", "s3cr3t"] {
                assert!(!stderr.contains(part), "{stderr}");
            }
        }
    }
}

#[test]
fn a_secret_that_contains_another_is_fully_redacted() {
    for (password, client_secret) in [("prod", "prod-sentinel"), ("sentinel-prod", "prod")] {
        let stand_in = StandIn::start();
        stand_in.handler(|request| Reply::new(401, request.text()));
        let mut sandbox = Sandbox::of(&stand_in);
        sandbox.set("SPOTINST_PASSWORD", password).set("SPOTINST_CLIENT_SECRET", client_secret);
        let outcome = sandbox.run([]);
        outcome.has_failed(4);
        assert!(outcome.stderr.contains("[redacted]") && !outcome.stderr.contains("sentinel"), "{outcome:?}");
    }
}

#[test]
fn a_server_message_is_kept_to_one_short_line() {
    let text = format!("one\ntwo\r\n\u{1b}[31mthree\u{7}{}", " four".repeat(200));

    let (stderr, _, _) = ask(Reply::oauth_error(400, "invalid_grant", &text));

    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(
        lines[0].starts_with(
            "spotinst-cred: URL refused the password grant: HTTP 400, invalid_grant, one two [31mthree four"
        )
    );
    assert!(lines[0].ends_with('…') && lines[0].len() < 400, "{stderr}");
    assert!(stderr.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn a_message_that_holds_a_secret_in_any_encoding_is_not_shown() {
    let secret = "pa&ss \"w\u{f6}rd\" </b> 1%2";
    let html = secret.replace('&', "&amp;").replace('"', "&#34;").replace('<', "&lt;").replace('>', "&#x3e;");
    let escaped = secret.replace('&', "\\u0026").replace('/', "\\/").replace('"', "\\\"");
    let twice = secret.bytes().map(|byte| format!("%25{byte:02X}")).collect::<String>();
    let collapsed = secret.replace(' ', "   \n");
    for echo in [html, escaped, twice, collapsed] {
        let stand_in = StandIn::start();
        stand_in.always(Reply::oauth_error(400, "invalid_request", &format!("no, {echo} it is not")));
        let mut sandbox = Sandbox::of(&stand_in);
        sandbox.set("SPOTINST_PASSWORD", secret);

        let outcome = sandbox.run([]);

        let line = format!("{} refused the password grant: HTTP 400, invalid_request", stand_in.url());
        let shown = format!("spotinst-cred: {line} (request id {REQUEST_ID})\nhint: {CREDENTIALS}\n");
        outcome.fails(4, &shown);
        let cached = std::fs::read_to_string(sandbox.entry_path()).unwrap();
        assert!(!cached.contains(&echo) && !cached.contains("it is not"), "{cached}");
    }
}
