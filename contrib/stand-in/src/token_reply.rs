//! Replies of a token endpoint that issues tokens, in every shape that clients meet.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::reply::{Reply, reason};

/// The lifetime of an access token, as in the recorded exchange of 2016.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(7200);

/// The lifetime of a refresh token in the same exchange: 14 days.
pub const REFRESH_LIFETIME: Duration = Duration::from_secs(1_209_600);

/// The `request.id` of every envelope, and the value of the `X-Request-Id` header.
pub const REQUEST_ID: &str = "963e071a-b62c-4a12-b4d9-0ca34cbe9320";

/// The sample reply of the documentation of 2017, unchanged: one item, no refresh token, a lifetime that is one second
/// short, and an invalid timestamp.
pub const SAMPLE_2017: &str = r#"{"request":{"id":"a2285a3f-4948a91ee1cdf33012","url":"/token","method":"POST","timestamp":"2030T22:00:34.610Z"},
 "response":{"status":{"code":200,"message":"OK"},"kind":"spotinst:oauth2:token","items":[
   {"accessToken":"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzcG90aW5zdCIsInVpZCI6LTgsIm9pZCI6NjA2MDc5ODYxOTExLCJyb2xlIjoyLCJleHAiOjE1MDQxMzc2MzQsImlhdCI6MTUwNDEzMDQzNH0.xyax","tokenType":"bearer","expiresIn":7199}],"count":1}}"#;

/// The access token of [`SAMPLE_2017`].
pub const SAMPLE_2017_TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzcG90aW5zdCIsInVpZCI6LTgsIm9pZCI6NjA2MDc5ODYxOTExLCJyb2xlIjoyLCJleHAiOjE1MDQxMzc2MzQsImlhdCI6MTUwNDEzMDQzNH0.xyax";

/// The tokens in one reply.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The lifetime that the reply gives for the access token, in whole seconds; `None` leaves it out.
    pub expires_in: Option<Duration>,
    /// The refresh token, if there is one. Its lifetime in the reply is always 14 days.
    pub refresh: Option<String>,
}

impl Tokens {
    /// An access token with a lifetime of two hours, and no refresh token.
    #[must_use]
    pub fn access(token: &str) -> Self {
        Self { access: token.to_owned(), expires_in: Some(ACCESS_LIFETIME), refresh: None }
    }

    /// These tokens with a refresh token.
    #[must_use]
    pub fn with_refresh(mut self, token: &str) -> Self {
        self.refresh = Some(token.to_owned());
        self
    }

    /// These tokens with another lifetime in the reply, or none.
    #[must_use]
    pub fn expiring(mut self, lifetime: Option<Duration>) -> Self {
        self.expires_in = lifetime;
        self
    }
}

/// How a reply arranges its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As in the recorded exchange of 2016: the refresh token is a separate item.
    TwoItems,
    /// As in the documentation of 2017: one item for both tokens.
    OneItem,
    /// One flat object as in RFC 6749, section 5.1: customers' own brokers send it.
    Rfc6749,
}

impl Style {
    /// The reply with `tokens` in this style.
    pub fn reply(self, tokens: &Tokens) -> Reply {
        let body = match self {
            Self::TwoItems => token_envelope(two_items(tokens)),
            Self::OneItem => token_envelope(vec![one_item(tokens)]),
            Self::Rfc6749 => flat(tokens),
        };
        Reply::json(200, &body).with_header("Cache-Control", "no-store")
    }
}

impl Reply {
    /// Any JSON document, with the headers of the service.
    pub fn json(status: u16, document: &Value) -> Self {
        Self::new(status, document.to_string())
            .with_header("Content-Type", "application/json; charset=utf-8")
            .with_header("X-Request-Id", REQUEST_ID)
    }

    /// The reply of 2016: an access token of two hours and, as a second item, a refresh token of 14 days.
    pub fn two_items(access: &str, refresh: &str) -> Self {
        Style::TwoItems.reply(&Tokens::access(access).with_refresh(refresh))
    }

    /// Both tokens in one item.
    pub fn one_item(access: &str, refresh: &str) -> Self {
        Style::OneItem.reply(&Tokens::access(access).with_refresh(refresh))
    }

    /// An access token of two hours alone, in the service's envelope.
    pub fn access_only(access: &str) -> Self {
        Style::OneItem.reply(&Tokens::access(access))
    }

    /// The flat object of RFC 6749, with both tokens.
    pub fn rfc6749(access: &str, refresh: &str) -> Self {
        Style::Rfc6749.reply(&Tokens::access(access).with_refresh(refresh))
    }

    /// [`SAMPLE_2017`].
    pub fn sample_2017() -> Self {
        Self::new(200, SAMPLE_2017).with_header("Content-Type", "application/json; charset=utf-8")
    }
}

/// The envelope of the token endpoint around `response`, to which it adds `status`.
pub(crate) fn envelope(status: u16, mut response: Value) -> Value {
    response["status"] = json!({"code": status, "message": reason(status)});
    let mut envelope = json!({"request": {
        "id": REQUEST_ID,
        "url": "/token",
        "method": "POST",
        "timestamp": "2016-01-25T20:20:59.446Z",
    }});
    envelope["response"] = response;
    envelope
}

fn token_envelope(items: Vec<Value>) -> Value {
    let count = items.len();
    let response = json!({"kind": "spotinst:oauth2:token", "items": items, "count": count});
    envelope(200, response)
}

fn two_items(tokens: &Tokens) -> Vec<Value> {
    let access = one_item(&Tokens { refresh: None, ..tokens.clone() });
    let refresh = tokens.refresh.as_ref().map(|refresh| {
        let seconds = REFRESH_LIFETIME.as_secs();
        json!({"refreshToken": refresh, "tokenType": "bearer", "expiresIn": seconds})
    });
    [Some(access), refresh].into_iter().flatten().collect()
}

fn one_item(tokens: &Tokens) -> Value {
    let names = ["accessToken", "tokenType", "expiresIn", "refreshToken"];
    members(tokens, names)
}

fn flat(tokens: &Tokens) -> Value {
    let names = ["access_token", "token_type", "expires_in", "refresh_token"];
    members(tokens, names)
}

/// The tokens as one object with these member names. A value that is `None` has no member.
fn members(tokens: &Tokens, [access, kind, lifetime, refresh]: [&str; 4]) -> Value {
    let seconds = tokens.expires_in.map(|lifetime| json!(lifetime.as_secs()));
    let members = [
        (access, Some(json!(tokens.access))),
        (kind, Some(json!("bearer"))),
        (lifetime, seconds),
        (refresh, tokens.refresh.as_ref().map(|token| json!(token))),
    ];
    let present = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}
