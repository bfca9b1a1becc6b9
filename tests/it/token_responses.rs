//! Every layout of a response with a token, and the lifetime that is read from it.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use stand_in::token_reply::{SAMPLE_2017_TOKEN, Style, Tokens};
use stand_in::{Reply, StandIn, jwt};

/// A stand-in that always sends this reply, and a sandbox that uses it.
fn answering(reply: Reply) -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    stand_in.always(reply);
    let sandbox = Sandbox::of(&stand_in);
    (stand_in, sandbox)
}

/// The `-f json` document for the token of this reply.
#[track_caller]
fn document(reply: Reply) -> Value {
    let (_stand_in, sandbox) = answering(reply);
    let outcome = sandbox.run(["-f", "json"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// The token and its lifetime as if the response were instant: a slow machine reports less.
#[track_caller]
fn token_and_lifetime(reply: Reply) -> (String, u64) {
    let document = document(reply);
    let expires_in = document["expires_in"].as_u64().unwrap();
    // Hosts get 60 s less than the server grants; up to a minute of slowness is rounded away.
    (document["access_token"].as_str().unwrap().to_owned(), (expires_in + 60).next_multiple_of(60))
}

/// A response of RFC 6749 with this lifetime.
fn expiring(lifetime: &Value) -> Reply {
    Reply::json(200, &json!({"access_token": "T", "token_type": "Bearer", "expires_in": lifetime}))
}

#[test]
fn the_sample_of_2017_expires_after_its_expires_in() {
    let (stand_in, sandbox) = answering(Reply::sample_2017());

    sandbox.run([]).prints(&format!("{SAMPLE_2017_TOKEN}\n"));
    // Its JWT expired in 2017, but `expiresIn` is 7199: the second call sends no request.
    sandbox.run([]).prints(&format!("{SAMPLE_2017_TOKEN}\n"));

    assert_eq!(stand_in.grants(), ["password"]);
    assert_eq!(token_and_lifetime(Reply::sample_2017()), (SAMPLE_2017_TOKEN.to_owned(), 7200));
}

#[test]
fn the_recorded_exchange_of_2016_is_understood() {
    const BODY: &str = r#"{"request":{"id":"963e071a-b62c-4a12-b4d9-0ca34cbe9320","url":"/token","method":"POST","timestamp":"2016-01-25T20:20:59.446Z"},
 "response":{"status":{"code":200,"message":"OK"},"kind":"spotinst:oauth2:token","items":[
   {"accessToken":"eyJ.access.x","tokenType":"bearer","expiresIn":7200},
   {"refreshToken":"eyJ.refresh.x","tokenType":"bearer","expiresIn":1209600}],"count":2}}"#;
    let (stand_in, sandbox) = answering(Reply::new(200, BODY));

    sandbox.run([]).prints("eyJ.access.x\n");
    sandbox.run(["--force-refresh"]).prints("eyJ.access.x\n");

    // The first item has the access token's lifetime, the second the refresh token's.
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
    assert_eq!(stand_in.requests()[1].form()["refresh_token"], "eyJ.refresh.x");
    assert_eq!(token_and_lifetime(Reply::new(200, BODY)), ("eyJ.access.x".to_owned(), 7200));
}

#[test]
fn both_tokens_are_found_in_every_response_layout() {
    let arrangements = [
        Reply::two_items("A", "R"),
        Reply::one_item("A", "R"),
        Reply::rfc6749("A", "R"),
        Reply::rfc6749("A", "R").chunked(),
    ];
    for reply in arrangements {
        let (stand_in, sandbox) = answering(reply);

        sandbox.run([]).prints("A\n");
        sandbox.run(["--force-refresh"]).prints("A\n");

        assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
        assert_eq!(stand_in.requests()[1].form()["refresh_token"], "R");
    }
}

#[test]
fn the_items_order_does_not_matter() {
    let reply = Reply::json(
        200,
        &json!({"response": {"items": [
            {"refreshToken": "R", "tokenType": "bearer", "expiresIn": 1_209_600},
            {"somethingElse": [null, 7, {}]},
            {"accessToken": "A", "tokenType": "bearer", "expiresIn": 7200},
        ]}}),
    );

    assert_eq!(token_and_lifetime(reply), ("A".to_owned(), 7200));
}

#[test]
fn a_missing_lifetime_is_read_from_the_jwt() {
    let token = jwt::mint(SystemTime::now(), Duration::from_secs(3600));
    for style in [Style::TwoItems, Style::OneItem, Style::Rfc6749] {
        let reply = style.reply(&Tokens::access(&token).expiring(None));
        assert_eq!(token_and_lifetime(reply), (token.clone(), 3600));
    }
}

#[test]
fn a_token_of_unknown_lifetime_has_no_expiry() {
    for lifetime in [Value::Null, json!("soon"), json!("NaN"), json!("inf"), json!(true), json!([7200])] {
        let document = document(expiring(&lifetime));
        assert_eq!(document, json!({"version": 1, "access_token": "T", "token_type": "Bearer"}), "{lifetime}");
    }
}

#[test]
fn lifetimes_are_read_in_every_notation() {
    const TEN_YEARS: u64 = 10 * 365 * 24 * 3600;
    let cases = [
        (json!("7200"), 7200),
        (json!(7200.9), 7200),
        (json!("7200.9"), 7200),
        (json!(7.2e3), 7200),
        (json!(u64::MAX), TEN_YEARS),
        (json!(1e300), TEN_YEARS),
        (json!("1e300"), TEN_YEARS),
    ];
    for (lifetime, seconds) in cases {
        assert_eq!(token_and_lifetime(expiring(&lifetime)), ("T".to_owned(), seconds), "{lifetime}");
    }
}

#[test]
fn a_refresh_response_without_a_refresh_token_keeps_the_old_one() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    for _ in 0..3 {
        assert_eq!(sandbox.run(["--force-refresh"]).status, Some(0));
    }

    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token"]);
}

#[test]
fn a_new_refresh_token_replaces_the_old_one() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.refresh_tokens = stand_in::spotinst::RefreshTokens::Rotated);
    let sandbox = Sandbox::of(&stand_in);

    for _ in 0..4 {
        assert_eq!(sandbox.run(["--force-refresh"]).status, Some(0));
    }

    // The service accepts each refresh token once.
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token", "refresh_token"]);
}

#[test]
fn a_response_that_arrives_byte_by_byte_is_read_to_its_end() {
    let (_stand_in, sandbox) = answering(Reply::rfc6749("A", "R").dripping(Duration::from_millis(1)));

    sandbox.run([]).prints("A\n");
}

#[test]
fn an_empty_error_beside_a_token_is_ignored() {
    let body = serde_json::json!({"error": "", "access_token": "T", "token_type": "bearer", "expires_in": 7200});
    let (_stand_in, sandbox) = answering(Reply::json(200, &body));
    assert_eq!(sandbox.token(), "T");
}

#[test]
fn a_lifetime_is_at_most_that_of_the_jwt() {
    let token = stand_in::jwt::mint(std::time::SystemTime::now(), Duration::from_secs(7_200));
    // A broker that sends milliseconds: read as seconds, they are 83 days.
    let body = serde_json::json!({"access_token": token, "token_type": "bearer", "expires_in": 7_200_000});
    let (_, lifetime) = token_and_lifetime(Reply::json(200, &body));
    assert!((7_100..=7_200).contains(&lifetime), "{lifetime}");
}

#[test]
fn a_token_that_expires_during_its_own_exchange_is_not_printed() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.expires_in = Duration::from_secs(1));
    let sandbox = Sandbox::of(&stand_in);
    let service = stand_in.service();
    // This waits for no event: the exchange must take longer than the token's lifetime.
    stand_in.handler(move |request| {
        let reply = service.reply_to(request);
        std::thread::sleep(Duration::from_millis(1_500));
        reply
    });

    let outcome = sandbox.run([]);

    let problem = "spotinst-cred: the new token has only 0s left\nhint: try again; is this machine's clock right?\n";
    outcome.fails(5, problem);
}
