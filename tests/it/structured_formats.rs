//! The exact bytes of JSON and Kubernetes documents. Without a lifetime in the response the expiry is the token's
//! `exp`, so that no assertion depends on how long a call takes.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::sandbox::Sandbox;
use stand_in::StandIn;

const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

/// The reported expiry is this many seconds early.
const EARLY: i64 = 60;

#[test]
fn the_token_is_one_line() {
    let (stand_in, sandbox) = without_expires_in();

    let outcome = sandbox.run([]);
    let named = sandbox.run(["--format", "token"]);

    let token = stand_in.issued().remove(0);
    outcome.prints(&format!("{token}\n"));
    named.prints(&format!("{token}\n"));
}

#[test]
fn no_newline_prints_the_token_alone() {
    let (stand_in, sandbox) = without_expires_in();

    let long = sandbox.run(["--no-newline"]);
    let short = sandbox.run(["-n", "-f", "token"]);

    let token = stand_in.issued().remove(0);
    long.prints(&token);
    short.prints(&token);
}

#[test]
fn json_has_token_expiry_and_account() {
    let (stand_in, mut sandbox) = without_expires_in();
    sandbox.set("SPOTINST_ACCOUNT", "act-12345678");

    let (outcome, expires_in) = json(&sandbox);

    let token = stand_in.issued().remove(0);
    let expiry = rfc3339(exp(&token) - EARLY);
    outcome.prints(&format!(
        "{{\"version\":1,\"access_token\":\"{token}\",\"token_type\":\"Bearer\",\"expires_in\":{expires_in},\
         \"expiry\":\"{expiry}\",\"account\":\"act-12345678\"}}\n"
    ));
}

#[test]
fn json_without_an_account_has_no_account_field() {
    let (stand_in, sandbox) = without_expires_in();

    let (outcome, expires_in) = json(&sandbox);

    let token = stand_in.issued().remove(0);
    let expiry = rfc3339(exp(&token) - EARLY);
    outcome.prints(&format!(
        "{{\"version\":1,\"access_token\":\"{token}\",\"token_type\":\"Bearer\",\"expires_in\":{expires_in},\
         \"expiry\":\"{expiry}\"}}\n"
    ));
}

#[test]
fn json_of_a_permanent_token_has_no_expiry() {
    let sandbox = permanent("");
    sandbox.run(["-f", "json"]).prints("{\"version\":1,\"access_token\":\"cafe0123\",\"token_type\":\"Bearer\"}\n");

    let sandbox = permanent("account = 'act-1'\n");
    sandbox
        .run(["-f", "json"])
        .prints("{\"version\":1,\"access_token\":\"cafe0123\",\"token_type\":\"Bearer\",\"account\":\"act-1\"}\n");
}

#[test]
fn the_flag_overrides_the_format_of_the_environment() {
    let mut sandbox = permanent("");
    sandbox.set("SPOTINST_CRED_FORMAT", "json");
    sandbox.run([]).prints("{\"version\":1,\"access_token\":\"cafe0123\",\"token_type\":\"Bearer\"}\n");
    sandbox.run(["-f", "token"]).prints("cafe0123\n");

    sandbox.set("SPOTINST_CRED_FORMAT", "nonsense");
    sandbox.run(["-f", "token"]).prints("cafe0123\n");

    sandbox.set("SPOTINST_CRED_FORMAT", "");
    sandbox.run([]).prints("cafe0123\n");
}

#[test]
fn kubernetes_defaults_to_v1() {
    let (stand_in, mut sandbox) = without_expires_in();
    // The document has no field for the account.
    sandbox.set("SPOTINST_ACCOUNT", "act-12345678");

    let cold = sandbox.run(["-f", "kubernetes"]);
    let warm = sandbox.run(["-f", "kubernetes"]);
    sandbox.set("KUBERNETES_EXEC_INFO", "");
    let empty = sandbox.run(["-f", "kubernetes"]);

    let document = credential(&stand_in.issued().remove(0), V1);
    cold.prints(&document);
    warm.prints(&document);
    empty.prints(&document);
}

#[test]
fn kubernetes_uses_the_requested_version() {
    let (stand_in, mut sandbox) = without_expires_in();
    for (version, question) in [
        (
            V1,
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}"#,
        ),
        (
            V1BETA1,
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#,
        ),
        // The order of keys may change, and there may be more keys.
        (
            V1BETA1,
            r#"{"spec":{"cluster":{"server":"https://k8s.example"},"interactive":true},"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential"}"#,
        ),
        (V1, r#" { "apiVersion" : "client.authentication.k8s.io/v1", "more": [1, null], "kind" : "ExecCredential" } "#),
    ] {
        sandbox.set("KUBERNETES_EXEC_INFO", question);
        let outcome = sandbox.run(["-f", "kubernetes"]);
        outcome.prints(&credential(&stand_in.issued()[0], version));
    }
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn kubernetes_of_a_permanent_token_has_no_expiry() {
    let sandbox = permanent("account = 'act-1'\n");
    sandbox.run(["-f", "kubernetes"]).prints(
        "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\
         \"cafe0123\"}}\n",
    );
}

/// Wrappers inherit the variable: it does not select a format, and other formats do not read it.
#[test]
fn only_the_kubernetes_format_reads_its_variable() {
    let mut sandbox = permanent("");
    for info in [r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"}"#, "garbage"] {
        sandbox.set("KUBERNETES_EXEC_INFO", info);
        sandbox.run([]).prints("cafe0123\n");
        sandbox.run(["-f", "json"]).prints("{\"version\":1,\"access_token\":\"cafe0123\",\"token_type\":\"Bearer\"}\n");
    }
}

#[test]
fn an_unsupported_version_is_refused_before_any_request() {
    let (stand_in, mut sandbox) = without_expires_in();
    sandbox.set("KUBERNETES_EXEC_INFO", r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v2"}"#);
    assert_eq!(sandbox.run(["-f", "kubernetes"]).status, Some(3));
    assert_eq!(stand_in.connections(), 0);
}

/// For a short lifetime the margin shrinks, so that the reported expiry is in the future.
#[test]
fn half_of_a_short_lifetime_is_reported() {
    let (stand_in, sandbox) = without_expires_in();
    stand_in.settings(|service| service.expires_in = Duration::from_secs(60));

    let outcome = sandbox.run(["-f", "kubernetes"]);

    let token = stand_in.issued().remove(0);
    // The lifetime counts from the start of the request, up to a second before the token was issued; half of it in
    // whole seconds is the same.
    outcome.prints(&credential_until(&token, V1, exp(&token) - 30));
}

#[test]
fn a_lifetime_counts_from_the_start_of_the_request() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    let before = OffsetDateTime::now_utc().unix_timestamp();
    let outcome = sandbox.run(["-f", "kubernetes"]);

    let token = stand_in.issued().remove(0);
    let possible: Vec<_> =
        (before + 7200..=exp(&token)).map(|expiry| credential_until(&token, V1, expiry - EARLY)).collect();
    assert!(possible.contains(&outcome.stdout), "{outcome:?} is none of {possible:?}");
}

/// A stand-in that sends no `expires_in`, so that the token's own `exp` counts.
fn without_expires_in() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.sends_expires_in = false);
    let sandbox = Sandbox::of(&stand_in);
    (stand_in, sandbox)
}

/// A permanent token, and more lines of its profile.
fn permanent(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[profiles.default]\ntoken = 'cafe0123'\n{more}"));
    sandbox
}

/// The JSON document and its `expires_in`, which must be the time until its `expiry`.
fn json(sandbox: &Sandbox) -> (crate::sandbox::Outcome, i64) {
    let before = OffsetDateTime::now_utc().unix_timestamp();
    let outcome = sandbox.run(["-f", "json"]);
    let after = OffsetDateTime::now_utc().unix_timestamp() + 1;
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let expires_in = document["expires_in"].as_i64().unwrap();
    let expiry = exp(document["access_token"].as_str().unwrap()) - EARLY;
    let left = expiry - after..=expiry - before;
    assert!(left.contains(&expires_in), "{expires_in} s, not {left:?}");
    (outcome, expires_in)
}

fn credential(token: &str, version: &str) -> String {
    credential_until(token, version, exp(token) - EARLY)
}

fn credential_until(token: &str, version: &str, expiry: i64) -> String {
    let expiry = rfc3339(expiry);
    format!(
        "{{\"apiVersion\":\"{version}\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{token}\",\
         \"expirationTimestamp\":\"{expiry}\"}}}}\n"
    )
}

/// The `exp` of a token of the stand-in, in seconds since 1970.
fn exp(token: &str) -> i64 {
    let payload = token.split('.').nth(1).unwrap();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    payload["exp"].as_i64().unwrap()
}

fn rfc3339(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).unwrap()
}
