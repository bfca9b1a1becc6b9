//! What is sent: the exact form of each grant, its headers, and the number of connections.

use crate::sandbox::Sandbox;
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::{Request, StandIn};

/// The only request of a stand-in, after checking what all grants have in common.
#[track_caller]
fn only_request(stand_in: &StandIn) -> Request {
    let mut requests = stand_in.requests();
    assert_eq!((requests.len(), stand_in.connections()), (1, 1), "one request, one connection");
    let request = requests.remove(0);
    let mut headers: Vec<_> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    headers.sort();
    // Credentials are only in the form; there are no cookies and no compression.
    assert_eq!(headers, ["accept", "content-length", "content-type", "host", "user-agent"]);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/token"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("user-agent"), Some(concat!("spotinst-cred/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(request.header("accept"), Some("application/json"));
    request
}

#[track_caller]
fn assert_fields(request: &Request, expected: &[(&str, &str)]) {
    let fields = request.fields();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fields, expected);
}

#[test]
fn the_password_grant_sends_the_documented_form() {
    let stand_in = StandIn::start();

    Sandbox::of(&stand_in).token();

    let request = only_request(&stand_in);
    let client = [("grant_type", "password"), ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    assert_fields(&request, &[&[("username", USERNAME), ("password", PASSWORD)][..], &client].concat());
    // Older clients did not encode these characters.
    let encoded = "password=correct+horse+%26+100%25+%2B+%3D&";
    assert!(request.text().contains(encoded), "{}", request.text());
}

#[test]
fn the_refresh_grant_is_sent_to_its_own_url() {
    let stand_in = StandIn::start();
    let refreshing = stand_in.sibling();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_REFRESH_URL", refreshing.url());

    sandbox.token();
    // The refresh grant needs no password.
    sandbox.unset("SPOTINST_PASSWORD");
    assert_eq!(sandbox.run(["--force-refresh"]).status, Some(0));

    assert_eq!(stand_in.grants(), ["password"]);
    let request = only_request(&refreshing);
    let refresh_token = request.form()["refresh_token"].clone();
    let client = [("grant_type", "refresh_token"), ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    assert_fields(&request, &[&[("refresh_token", refresh_token.as_str())][..], &client].concat());
}

#[test]
fn the_client_credentials_grant_sends_the_documented_form() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_CRED_GRANT", "client_credentials");

    sandbox.token();

    let request = only_request(&stand_in);
    let client = [("grant_type", "client_credentials"), ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    assert_fields(&request, &client);
}

#[test]
fn every_character_is_encoded() {
    let password: String = (' '..='~').chain("äß€😀\u{7f}\t\n".chars()).collect();
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.password = password.clone());
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_PASSWORD", &password);

    sandbox.token();

    assert_eq!(only_request(&stand_in).form()["password"], password);
}
