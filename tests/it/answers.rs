//! Every shape in which a token endpoint hands out a token, and how long that token is then believed to live.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use stand_in::token_reply::{SAMPLE_2017_TOKEN, Style, Tokens};
use stand_in::{Reply, StandIn, jwt};

/// The stand-in's answer to everything, and a sandbox that asks it.
fn answering(reply: Reply) -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    stand_in.always(reply);
    let sandbox = Sandbox::of(&stand_in);
    (stand_in, sandbox)
}

/// What `-f json` prints about the token of this answer.
#[track_caller]
fn document(reply: Reply) -> Value {
    let (_stand_in, sandbox) = answering(reply);
    let outcome = sandbox.run(["-f", "json"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// The token, and the time that a host is told it lives, were the answer instant: a slow machine takes some of it.
#[track_caller]
fn told(reply: Reply) -> (String, u64) {
    let document = document(reply);
    let told = document["expires_in"].as_u64().unwrap();
    // Hosts are told 60 s less than the server grants; a minute of slowness is rounded away.
    (document["access_token"].as_str().unwrap().to_owned(), (told + 60).next_multiple_of(60))
}

/// RFC 6749's answer with this lifetime.
fn expiring(lifetime: &Value) -> Reply {
    Reply::json(200, &json!({"access_token": "T", "token_type": "Bearer", "expires_in": lifetime}))
}

#[test]
fn the_sample_of_2017_lives_as_long_as_it_is_told_to() {
    let (stand_in, sandbox) = answering(Reply::sample_2017());

    sandbox.run([]).prints(&format!("{SAMPLE_2017_TOKEN}\n"));
    // Its JWT expired in 2017, and `expiresIn` says 7199: a second call asks nobody.
    sandbox.run([]).prints(&format!("{SAMPLE_2017_TOKEN}\n"));

    assert_eq!(stand_in.grants(), ["password"]);
    assert_eq!(told(Reply::sample_2017()), (SAMPLE_2017_TOKEN.to_owned(), 7200));
}

#[test]
fn the_exchange_of_2016_word_for_word() {
    const BODY: &str = r#"{"request":{"id":"963e071a-b62c-4a12-b4d9-0ca34cbe9320","url":"/token","method":"POST","timestamp":"2016-01-25T20:20:59.446Z"},
 "response":{"status":{"code":200,"message":"OK"},"kind":"spotinst:oauth2:token","items":[
   {"accessToken":"eyJ.access.x","tokenType":"bearer","expiresIn":7200},
   {"refreshToken":"eyJ.refresh.x","tokenType":"bearer","expiresIn":1209600}],"count":2}}"#;
    let (stand_in, sandbox) = answering(Reply::new(200, BODY));

    sandbox.run([]).prints("eyJ.access.x\n");
    sandbox.run(["--force-refresh"]).prints("eyJ.access.x\n");

    // The second item's lifetime is the refresh token's, and the first one's the access token's.
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
    assert_eq!(stand_in.requests()[1].form()["refresh_token"], "eyJ.refresh.x");
    assert_eq!(told(Reply::new(200, BODY)), ("eyJ.access.x".to_owned(), 7200));
}

#[test]
fn every_arrangement_holds_both_tokens() {
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

    assert_eq!(told(reply), ("A".to_owned(), 7200));
}

#[test]
fn an_untold_lifetime_is_that_of_the_jwt() {
    let token = jwt::mint(SystemTime::now(), Duration::from_secs(3600));
    for style in [Style::TwoItems, Style::OneItem, Style::Rfc6749] {
        let reply = style.reply(&Tokens::access(&token).expiring(None));
        assert_eq!(told(reply), (token.clone(), 3600));
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
fn lifetimes_in_every_notation() {
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
        assert_eq!(told(expiring(&lifetime)), ("T".to_owned(), seconds), "{lifetime}");
    }
}

#[test]
fn a_refresh_answer_without_a_refresh_token_leaves_the_old_one_good() {
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

    // The service takes each of them once only.
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token", "refresh_token"]);
}

#[test]
fn a_dripped_answer_is_read_to_its_end() {
    let (_stand_in, sandbox) = answering(Reply::rfc6749("A", "R").dripping(Duration::from_millis(1)));

    sandbox.run([]).prints("A\n");
}
