//! No response causes a panic, or a token or lifetime out of range.
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::*;
use crate::strategies::{bytes, config, damaged, text};

const KEYS: &[&str] = &[
    "request",
    "id",
    "response",
    "status",
    "code",
    "message",
    "items",
    "errors",
    "error",
    "error_id",
    "data",
    "field",
    "error_description",
    "accessToken",
    "access_token",
    "refreshToken",
    "refresh_token",
    "tokenType",
    "token_type",
    "expiresIn",
    "expires_in",
    "refreshExpiresIn",
];

/// JSON with the service's keys in any structure.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(&["bearer", "T", "eyJ.e30.x", "7200", "-1", "NaN", "inf", "1e999", "T T", ""][..]).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let members = vec((select(KEYS), inner.clone()), 0..6);
        prop_oneof![
            vec(inner, 0..5).prop_map(Value::from),
            members.prop_map(|members| members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

fn document() -> impl Strategy<Value = Vec<u8>> {
    let envelope = |inner: Value| json!({"request": {"id": "1"}, "response": {"items": inner}});
    prop_oneof![value(), vec(value(), 0..4).prop_map(move |items| envelope(items.into()))]
        .prop_map(|value| value.to_string().into_bytes())
}

/// Checks what is true for every response.
fn assert_harmless(response: &TokenResponse) {
    assert!(response.access_token.as_ref().is_none_or(|token| is_bearer_token(token.expose())));
    assert!(response.refresh_token.as_ref().is_none_or(|token| !token.expose().is_empty()));
    for lifetime in [response.expires_in, response.refresh_expires_in].into_iter().flatten() {
        assert!(lifetime <= MAX_LIFETIME);
    }
    assert!(response.is_json || (response.access_token.is_none() && response.error.is_none()));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn arbitrary_bytes_are_harmless(body in bytes()) {
        assert_harmless(&TokenResponse::parse(&body));
    }

    #[test]
    fn arbitrary_json_is_harmless(body in document()) {
        let response = TokenResponse::parse(&body);
        prop_assert!(response.is_json);
        assert_harmless(&response);
    }

    #[test]
    fn a_damaged_document_is_harmless(body in damaged(document())) {
        assert_harmless(&TokenResponse::parse(&body));
    }

    /// The tokens are found at any position, and each lifetime belongs to its own token.
    #[test]
    fn the_tokens_are_found_at_any_position(
        access in "[A-Za-z0-9._~+/-]{1,40}={0,2}",
        refresh in proptest::option::of("[!-~]{1,40}"),
        life in 0..1_000_000_u64,
        is_one_item: bool,
        is_turned: bool,
        noise in vec((select(&["kind", "x", "scope"][..]), value()), 0..3),
    ) {
        let mut items = vec![json!({"accessToken": access, "tokenType": "bearer", "expiresIn": life})];
        if let Some(refresh) = &refresh {
            if is_one_item {
                items[0]["refreshToken"] = json!(refresh);
            } else {
                items.push(json!({"refreshToken": refresh, "tokenType": "bearer", "expiresIn": 1_209_600}));
            }
        }
        for (key, value) in noise {
            items[0][key] = value;
        }
        if is_turned {
            items.reverse();
        }
        let response = TokenResponse::parse(json!({"response": {"items": items}}).to_string().as_bytes());
        let exposed = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        prop_assert_eq!(exposed(&response.access_token), Some(access));
        prop_assert_eq!(response.expires_in, Some(Duration::from_secs(life)));
        prop_assert_eq!(response.refresh_expires_in, refresh.as_ref().filter(|_| !is_one_item).map(|_| Duration::from_secs(1_209_600)));
        prop_assert_eq!(exposed(&response.refresh_token), refresh);
    }
}

#[test]
fn deeply_nested_and_long_bodies_are_harmless() {
    for (open, close) in [("[", "]"), ("{\"response\":", "}")] {
        let body = open.repeat(100_000) + "1" + &close.repeat(100_000);
        assert!(!TokenResponse::parse(body.as_bytes()).is_json);
    }
    let padding = " ".repeat(10 << 20);
    assert!(TokenResponse::parse(format!("{padding}{{\"access_token\":\"T\"}}").as_bytes()).access_token.is_some());
}

#[test]
fn debug_shows_no_secret() {
    let response = TokenResponse::parse(br#"{"access_token":"sentinel","refresh_token":"sentinel"}"#);
    assert!(response.access_token.is_some() && response.refresh_token.is_some());
    assert!(!format!("{response:?}").contains("sentinel"));
}

/// The tokens and lifetimes of a body, as text.
fn found(body: &str) -> String {
    let response = TokenResponse::parse(body.as_bytes());
    let token = |token: &Option<Secret>| token.as_ref().map_or("-".to_owned(), |token| token.expose().to_owned());
    let lifetime = |lifetime: Option<Duration>| lifetime.map_or("-".to_owned(), |time| time.as_secs().to_string());
    let access = format!("{} {}", token(&response.access_token), lifetime(response.expires_in));
    format!("{access} {} {}", token(&response.refresh_token), lifetime(response.refresh_expires_in))
}

#[test]
fn tokens_are_found_in_every_known_shape() {
    for (body, expected) in [
        (r#"{"access_token":"T","expires_in":60}"#, "T 60 - -"),
        (r#"{"accessToken":"T","expiresIn":"60"}"#, "T 60 - -"),
        (r#"{"access_token":"T","refresh_token":"R","expires_in":60}"#, "T 60 R -"),
        (r#"{"access_token":"T","refresh_token":"R","expires_in":60,"refresh_expires_in":90}"#, "T 60 R 90"),
        (r#"{"access_token":"T","refresh_token":"R","refreshExpiresIn":90}"#, "T - R 90"),
        (r#"{"access_token":"T","refresh_token":"R","refresh_token_expires_in":90}"#, "T - R 90"),
        (r#"{"refresh_token":"R","expires_in":60}"#, "- - R 60"),
        (
            r#"{"response":{"items":[{"accessToken":"T","expiresIn":60},{"refreshToken":"R","expiresIn":90}]}}"#,
            "T 60 R 90",
        ),
        (r#"{"response":{"items":[{"refreshToken":"R","expiresIn":90},{"accessToken":"T"}]}}"#, "T - R 90"),
        // If the next token has no lifetime, that of the previous token remains.
        (r#"{"response":{"items":[{"accessToken":"A","expiresIn":60},{"accessToken":"T"}]}}"#, "T 60 - -"),
        (r#"{"access_token":7,"refresh_token":7}"#, "- - - -"),
        // An empty string is not a token.
        (r#"{"access_token":"","refresh_token":""}"#, "- - - -"),
        (r#"{"accessToken":"","access_token":"T","refreshToken":"","refresh_token":"R"}"#, "T - R -"),
        (r#"{"access_token":"T T","expires_in":60}"#, "- - - -"),
        ("[]", "- - - -"),
        ("", "- - - -"),
    ] {
        assert_eq!(found(body), expected, "{body}");
    }
}

#[test]
fn a_lifetime_is_a_number_within_ten_years() {
    for (number, expected) in [
        ("60", "60"),
        ("60.9", "60"),
        ("-1", "0"),
        ("1e300", "315360000"),
        ("\"7200\"", "7200"),
        ("\"inf\"", "-"),
        ("\"NaN\"", "-"),
        ("\"soon\"", "-"),
        ("null", "-"),
    ] {
        let body = format!(r#"{{"access_token":"T","expires_in":{number}}}"#);
        assert_eq!(found(&body), format!("T {expected} - -"), "{number}");
    }
}

#[test]
fn a_malformed_access_token_differs_from_a_missing_one() {
    let is_malformed = |body: &str| TokenResponse::parse(body.as_bytes()).is_token_malformed;
    assert!(is_malformed(r#"{"access_token":"T T"}"#));
    for body in [r#"{"access_token":"T"}"#, r#"{"access_token":""}"#, "{}"] {
        assert!(!is_malformed(body), "{body}");
    }
    // A valid token does not hide a malformed one.
    assert!(is_malformed(r#"{"response":{"items":[{"accessToken":"T T"},{"accessToken":"T"}]}}"#));
}

#[test]
fn an_error_is_found_in_every_known_shape() {
    let server_error = |code: &str, message: &str, field: &str| {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ServerError { code: text(code), message: text(message), field: text(field) }
    };
    for (body, expected) in [
        (
            r#"{"response":{"errors":[{"code":"C","message":"M","field":"F"},{"code":"D"}]}}"#,
            Some(server_error("C", "M", "F")),
        ),
        (r#"{"response":{"errors":[{"message":"M"}]}}"#, Some(server_error("", "M", ""))),
        (r#"{"response":{"error":"M","error_id":"C"}}"#, Some(server_error("C", "M", ""))),
        (r#"{"error":"C","error_description":"M"}"#, Some(server_error("C", "M", ""))),
        (r#"{"error":"C"}"#, Some(server_error("C", "", ""))),
        (r#"{"response":{"errors":[]}}"#, None),
        (r#"{"error":""}"#, None),
        ("{}", None),
    ] {
        assert_eq!(TokenResponse::parse(body.as_bytes()).error, expected, "{body}");
    }
}

#[test]
fn status_message_request_id_and_token_type_are_found() {
    let parsed = TokenResponse::parse(
        br#"{"request":{"id":"1"},"response":{"status":{"message":"M"},"items":[{"accessToken":"T","tokenType":"bearer"}]}}"#,
    );
    let texts = [&parsed.request_id, &parsed.status_message, &parsed.token_type].map(|text| text.as_deref());
    assert_eq!((texts, parsed.is_json), ([Some("1"), Some("M"), Some("bearer")], true));
    let parsed = TokenResponse::parse(
        br#"{"response":{"data":"D","status":{"message":"M"}},"access_token":"T","token_type":"mac"}"#,
    );
    assert_eq!((parsed.status_message.as_deref(), parsed.token_type.as_deref()), (Some("D"), Some("mac")));
    assert!(!TokenResponse::parse(b"<html>").is_json);
}
