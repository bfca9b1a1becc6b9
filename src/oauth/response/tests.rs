//! Whatever a server sends: no panic, and no token or lifetime out of range.
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

/// JSON with the service's own keys, in any arrangement.
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

/// What holds for every response.
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
    fn any_bytes(body in bytes()) {
        assert_harmless(&TokenResponse::parse(&body));
    }

    #[test]
    fn any_arrangement(body in document()) {
        let response = TokenResponse::parse(&body);
        prop_assert!(response.is_json);
        assert_harmless(&response);
    }

    #[test]
    fn any_damage(body in damaged(document())) {
        assert_harmless(&TokenResponse::parse(&body));
    }

    /// The tokens are found wherever they stand, and each lifetime goes with its own token.
    #[test]
    fn the_tokens_are_found(
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
fn nothing_is_too_deep_or_too_long() {
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
