//! What each response of a token endpoint means.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use zeroize::Zeroizing;

use super::*;
use crate::cache::entry::fixtures::{NOW, at, secret};
use crate::error::ErrorKind::{RateLimited, Rejected, Temporary, WrongServer};
use crate::oauth::request::Grant;
use crate::url::Endpoint;

fn response(status: u16, body: &str) -> Response {
    Response {
        status,
        retry_after: None,
        request_id: None,
        location: None,
        body: Ok(Zeroizing::new(body.as_bytes().to_vec())),
    }
}

/// Interprets the response to a client credentials grant with the client secret `secret`.
fn judge(response: &Response) -> Result<IssuedTokens, GrantFailure> {
    let endpoint = Endpoint::parse("https://id.example/token").unwrap();
    let client_secret = secret("secret");
    let grant = Grant::ClientCredentials;
    let request =
        GrantRequest { endpoint: &endpoint, grant, client_id: Some("id"), client_secret: Some(&client_secret) };
    super::judge(&request, response, NOW)
}

fn issued(body: &str) -> IssuedTokens {
    judge(&response(200, body)).unwrap()
}

fn failure(status: u16, body: &str) -> GrantFailure {
    judge(&response(status, body)).unwrap_err()
}

#[test]
fn a_token_lives_from_the_start_of_the_request() {
    let jwt = "e30.eyJleHAiOjE3NjcyMjU2NjB9.x"; // {"exp":1767225660}: a minute after NOW
    let short_jwt = "e30.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDA2MH0.x"; // {"iat":1700000000,"exp":1700000060}: by another clock
    for (what, body, expected) in [
        ("as the server says", r#"{"access_token":"T","expires_in":7200}"#.to_owned(), Some(at(7200))),
        ("if the JWT does not live longer", format!(r#"{{"access_token":"{jwt}","expires_in":7200}}"#), Some(at(7200))),
        (
            "as the JWT says, which lives shorter",
            format!(r#"{{"access_token":"{short_jwt}","expires_in":7200}}"#),
            Some(at(60)),
        ),
        (
            "as the server says, if the JWT lives longer",
            format!(r#"{{"access_token":"{short_jwt}","expires_in":50}}"#),
            Some(at(50)),
        ),
        ("as the JWT says", format!(r#"{{"access_token":"{jwt}"}}"#), Some(at(60))),
        ("unknown", r#"{"access_token":"T","token_type":"Bearer"}"#.to_owned(), None),
    ] {
        let access = issued(&body).access;
        assert_eq!((access.obtained_at, access.expires_at), (NOW, expected), "{what}");
    }
}

#[test]
fn a_refresh_token_has_its_own_lifetime_and_belongs_to_the_client_secret() {
    let refresh = |fields: &str| issued(&format!(r#"{{"access_token":"T","expires_in":60{fields}}}"#)).refresh;
    assert_eq!(refresh(""), None);
    let expected = RefreshToken {
        value: RefreshTokenValue::Plain(secret("R")),
        expires_at: Some(at(1000)),
        client_fingerprint: Some(fingerprint(&secret("secret"), None)),
        maybe_spent: false,
    };
    assert_eq!(refresh(r#","refresh_token":"R","refresh_expires_in":1000"#), Some(expected.clone()));
    assert_eq!(refresh(r#","refresh_token":"R""#), Some(RefreshToken { expires_at: None, ..expected }));
}

#[test]
fn a_success_without_a_usable_token_is_a_temporary_error() {
    for (body, problem) in [
        ("", "has no access token"),
        ("{}", "has no access token"),
        (r#"{"access_token":"T T"}"#, "has an access token with characters that RFC 6750 does not allow"),
        (r#"{"access_token":"T","token_type":"mac"}"#, "has a token type other than Bearer"),
        (
            r#"{"access_token":"T","expires_in":0}"#,
            "has a token that has already expired (is this machine's clock right?)",
        ),
    ] {
        let failure = failure(200, body);
        let expected = format!("the response from https://id.example/token {problem}: HTTP 200");
        assert!(failure.error.message.starts_with(&expected), "{}", failure.error.message);
        assert_eq!((failure.error.kind, failure.is_retryable), (Temporary, false), "{body}");
    }
}

#[test]
fn a_body_that_could_not_be_read_is_its_own_error() {
    let failed = Response { body: Err(Error::temporary("too large")), ..response(200, "") };
    let failure = judge(&failed).unwrap_err();
    assert_eq!((failure.error, failure.delivery), (Error::temporary("too large"), Delivery::Lost));
}

#[test]
fn status_and_error_code_decide_the_kind_of_a_failure() {
    use RejectionCause::{Client, Grant, GrantOrClient, Unknown};

    let oauth = |code: &str| format!(r#"{{"error":"{code}"}}"#);
    let spotinst = r#"{"response":{"errors":[{"code":"ValidationError","message":"invalid"}]}}"#.to_owned();
    let html = "\n<html>".to_owned();
    for (status, body, kind, cause, is_retryable) in [
        (400, oauth("invalid_grant"), Rejected, Grant, false),
        (401, oauth("invalid_client"), Rejected, Client, false),
        (403, oauth("unauthorized_client"), Rejected, Client, false),
        (400, oauth("invalid_request"), Rejected, GrantOrClient, false),
        (401, spotinst.clone(), Rejected, GrantOrClient, false),
        (400, "{}".to_owned(), Rejected, GrantOrClient, false),
        (401, "no".to_owned(), Rejected, Unknown, false),
        (401, html.clone(), Rejected, Unknown, false),
        (400, html.clone(), Temporary, Unknown, false),
        (403, html.clone(), Temporary, Unknown, false),
        // An error in the body of a success.
        (200, oauth("invalid_grant"), Rejected, Grant, false),
        (200, spotinst, Rejected, GrantOrClient, false),
        // A server error, whatever the status. Only a 503 guarantees that the server did not act on the request.
        (400, oauth("temporarily_unavailable"), Temporary, Unknown, false),
        (401, oauth("SERVER_ERROR"), Temporary, Unknown, false),
        (200, oauth("InternalError"), Temporary, Unknown, false),
        (403, oauth("serviceunavailable"), Temporary, Unknown, false),
        (500, oauth("invalid_grant"), Temporary, Unknown, false),
        (502, html.clone(), Temporary, Unknown, false),
        (503, html, Temporary, Unknown, true),
        (599, String::new(), Temporary, Unknown, false),
        // Not from a token endpoint.
        (302, String::new(), WrongServer, Unknown, false),
        (404, oauth("invalid_grant"), WrongServer, Unknown, false),
        (407, String::new(), Temporary, Unknown, false),
        (429, oauth("invalid_grant"), RateLimited, Unknown, false),
        (600, String::new(), Temporary, Unknown, false),
    ] {
        let failure = failure(status, &body);
        let found = (failure.error.kind, failure.cause, failure.is_retryable);
        assert_eq!(found, (kind, cause, is_retryable), "{status} {body}");
        assert_eq!(failure.delivery, Delivery::Answered(status), "{status} {body}");
    }
}

#[test]
fn a_new_refresh_token_is_kept_even_if_its_access_token_is_unusable() {
    for access in
        [r#""access_token":"T T""#, r#""access_token":"T","token_type":"mac""#, r#""access_token":"T","expires_in":0"#]
    {
        let successor = failure(200, &format!(r#"{{{access},"refresh_token":"R"}}"#)).refresh_token;
        assert_eq!(successor.map(|token| token.value), Some(RefreshTokenValue::Plain(secret("R"))), "{access}");
        assert_eq!(failure(200, &format!("{{{access}}}")).refresh_token, None, "{access}");
    }
}

#[test]
fn a_failure_includes_the_servers_error() {
    let at = "https://id.example/token";
    for (status, body, message, hint) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"no"}"#,
            format!("{at} refused the client_credentials grant: HTTP 400, invalid_grant, no"),
            "check client id and client secret",
        ),
        (500, "down", format!("server error from {at}: HTTP 500, down"), "try again later"),
        (
            407,
            "",
            format!("the proxy on the way to {at} requires a password (HTTP 407)"),
            "add the user name and password to the proxy's URL",
        ),
        (
            404,
            "",
            format!("the response from {at} is not from a token endpoint: HTTP 404, no body"),
            "check the token URL (SPOTINST_TOKEN_URL or `token_url`); `spotinst-cred status` shows it",
        ),
        (
            405,
            "",
            format!("the response from {at} is not from a token endpoint: HTTP 405, no body"),
            TOKEN_ENDPOINT.hint,
        ),
        (
            429,
            "slow\ndown",
            format!("rate limited by {at} for 60 s: HTTP 429, slow down"),
            "wait; requests before then prolong the block",
        ),
        (
            500,
            "the secret is shown",
            format!("server error from {at}: HTTP 500, the [redacted] is shown"),
            "try again later",
        ),
        // In an encoding that cannot be redacted.
        (500, "the se&#99;ret", format!("server error from {at}: HTTP 500"), "try again later"),
        (
            500,
            r#"{"error":"C","error_description":"se&#99;ret"}"#,
            format!("server error from {at}: HTTP 500, C"),
            "try again later",
        ),
        (500, r#"{"error":"se&#99;ret"}"#, format!("server error from {at}: HTTP 500"), "try again later"),
    ] {
        let error = failure(status, body).error;
        assert_eq!((error.message, error.hint.as_deref()), (message, Some(hint)));
    }
}

#[test]
fn a_rate_limit_lasts_as_long_as_the_server_asks_within_bounds() {
    for (asked, kept) in
        [(None, 60), (Some(0), 1), (Some(1), 1), (Some(90), 90), (Some(3600), 3600), (Some(3601), 3600)]
    {
        let limited = Response { retry_after: asked.map(Duration::from_secs), ..response(429, "") };
        assert_eq!(judge(&limited).unwrap_err().retry_after, Some(Duration::from_secs(kept)), "{asked:?}");
    }
}

#[test]
fn a_redirect_is_shown_without_secrets() {
    for (location, shown) in [
        (Some("https://login.example/a?session=1#x"), "https://login.example/a"),
        (Some("https://login.example/#x"), "https://login.example/"),
        (Some("https://login.example/secret"), "https://login.example/[redacted]"),
        (Some("https://login.example/s%2565cret"), "an address that is not shown"),
        (None, "an unknown address"),
    ] {
        let redirect = Response { location: location.map(str::to_owned), ..response(302, "") };
        let message = judge(&redirect).unwrap_err().error.message;
        assert!(message.contains(&format!(" is a redirect to {shown}, which is not followed")), "{message}");
    }
}
