//! When the refresh grant fails: in which cases the password grant is used instead, and what is removed from the cache.

use std::time::Duration;

use crate::sandbox::{Outcome, Sandbox};
use stand_in::spotinst::RefreshTokens;
use stand_in::token_reply::REQUEST_ID;
use stand_in::{Reply, StandIn};

/// A token endpoint and a refresh endpoint of one service, like the real ones, and a sandbox with a refresh token.
struct Endpoints {
    token: StandIn,
    refresh: StandIn,
    sandbox: Sandbox,
}

impl Endpoints {
    fn new() -> Self {
        let token = StandIn::start();
        let refresh = token.sibling();
        let mut sandbox = Sandbox::of(&token);
        sandbox.set("SPOTINST_REFRESH_URL", refresh.url());
        sandbox.token();
        Self { token, refresh, sandbox }
    }

    fn force(&self) -> Outcome {
        self.sandbox.run(["--force-refresh"])
    }

    /// Asserts that a forced refresh prints the newest token.
    #[track_caller]
    fn assert_force_prints_newest(&self) {
        let outcome = self.force();
        outcome.prints(&format!("{}\n", self.token.issued().last().unwrap()));
    }

    #[track_caller]
    fn assert_requests(&self, token: usize, refresh: usize) {
        let grants = (self.token.grants(), self.refresh.grants());
        assert_eq!(grants, (vec!["password".to_owned(); token], vec!["refresh_token".to_owned(); refresh]));
    }
}

#[test]
fn a_rejected_refresh_token_is_dropped_and_the_password_grant_used() {
    for refusal in [Reply::oauth_error(400, "invalid_grant", "gone"), Reply::unauthorized(), Reply::bad_request()] {
        let endpoints = Endpoints::new();
        endpoints.token.settings(|service| service.refresh_tokens = RefreshTokens::Never);
        endpoints.refresh.always(refusal);

        endpoints.assert_force_prints_newest();
        endpoints.assert_requests(2, 1);

        // The service issued no new refresh token, and the old one is not sent again.
        endpoints.assert_force_prints_newest();
        endpoints.assert_requests(3, 1);
    }
}

#[test]
fn if_the_password_is_rejected_too_the_call_fails() {
    let endpoints = Endpoints::new();
    endpoints.refresh.always(Reply::unauthorized());
    endpoints.token.always(Reply::oauth_error(400, "invalid_grant", "wrong password"));

    let url = endpoints.token.url();
    let line =
        format!("{url} refused the password grant: HTTP 400, invalid_grant, wrong password (request id {REQUEST_ID})");
    let hint = "check user name, password, client id and client secret";
    endpoints.force().fails(4, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    endpoints.assert_requests(2, 1);

    // The refresh token is not sent again either.
    assert_eq!(endpoints.force().status, Some(4));
    endpoints.assert_requests(3, 1);
}

#[test]
fn if_only_the_refresh_host_fails_the_password_grant_is_used() {
    let troubles = [
        (Reply::gateway_page(), 1),
        (Reply::failed(503), 3),
        (Reply::captive_portal(), 1),
        (Reply::empty(204), 1),
        (Reply::failed(404), 1),
        (Reply::redirect(307, "https://elsewhere.example/token"), 1),
        (Reply::close_unanswered(), 1),
        (Reply::garbage(), 1),
        (Reply::huge(1, "T"), 1),
    ];
    for (trouble, requests) in troubles {
        let endpoints = Endpoints::new();
        endpoints.refresh.always(trouble.clone());

        endpoints.assert_force_prints_newest();
        endpoints.assert_requests(2, requests);

        // The refresh token was not rejected, so it is sent again.
        endpoints.refresh.default_behavior();
        endpoints.assert_force_prints_newest();
        endpoints.assert_requests(2, requests + 1);
    }
}

#[test]
fn if_the_refresh_host_is_unreachable_the_password_grant_is_used() {
    let stand_in = StandIn::start();
    let gone = StandIn::start().url();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_REFRESH_URL", gone);

    for _ in 0..2 {
        let outcome = sandbox.run(["--force-refresh"]);
        outcome.prints(&format!("{}\n", stand_in.issued().last().unwrap()));
    }

    assert_eq!(stand_in.grants(), ["password", "password"]);
}

#[test]
fn if_the_refresh_host_hangs_there_is_time_for_the_password_grant() {
    let endpoints = Endpoints::new();
    endpoints.refresh.always(Reply::hang());

    let outcome = endpoints.sandbox.run(["--force-refresh", "--timeout", "6s"]);

    outcome.prints(&format!("{}\n", endpoints.token.issued().last().unwrap()));
    endpoints.assert_requests(2, 1);
}

#[test]
fn if_the_only_host_fails_the_password_grant_is_tried_too() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    stand_in.always(Reply::failed(503));

    let line = format!("server error from {}: HTTP 503, Service Unavailable (request id {REQUEST_ID})", stand_in.url());
    sandbox.run(["--force-refresh"]).fails(5, &format!("spotinst-cred: {line}\nhint: try again later\n"));
    // Without `--force-refresh` the cached token is printed.
    sandbox.run([]).prints(&format!("{token}\n"));

    let three = |grant| [grant; 3];
    let tried = [&["password"][..], &three("refresh_token"), &three("password")].concat();
    assert_eq!(stand_in.grants(), tried);
}

#[test]
fn if_the_only_host_fails_only_for_refresh_grants_the_password_grant_is_used() {
    for trouble in [Reply::failed(500), Reply::failed(404), Reply::gateway_page()] {
        let stand_in = StandIn::start();
        let sandbox = Sandbox::of(&stand_in);
        sandbox.token();
        let service = stand_in.service();
        stand_in.handler(move |request| match request.grant().as_str() {
            "refresh_token" => trouble.clone(),
            _ => service.reply_to(request),
        });

        let outcome = sandbox.run(["--force-refresh"]);

        outcome.prints(&format!("{}\n", stand_in.issued()[1]));
        assert_eq!(stand_in.grants(), ["password", "refresh_token", "password"]);
    }
}

#[test]
fn a_refresh_token_whose_response_was_lost_is_not_sent_again_if_there_is_a_password() {
    let endpoints = Endpoints::new();
    endpoints.refresh.always(Reply::close_unanswered());

    endpoints.assert_force_prints_newest();
    endpoints.assert_requests(2, 1);

    // The password grant returned a new refresh token.
    endpoints.refresh.default_behavior();
    endpoints.assert_force_prints_newest();
    endpoints.assert_requests(2, 2);
    let sent: Vec<_> = endpoints.refresh.requests().iter().map(|one| one.form()["refresh_token"].clone()).collect();
    assert_ne!(sent[0], sent[1]);
}

#[test]
fn a_refresh_token_whose_response_was_lost_is_sent_once_more_if_there_is_no_password() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    sandbox.unset("SPOTINST_PASSWORD");
    stand_in.script([Reply::close_unanswered()]);

    sandbox.run(["--force-refresh"]).has_failed(5);
    let outcome = sandbox.run(["--force-refresh"]);

    outcome.prints(&format!("{}\n", stand_in.issued()[1]));
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token"]);
}

#[test]
fn a_rate_limit_at_the_refresh_host_is_respected() {
    let endpoints = Endpoints::new();
    endpoints.refresh.always(Reply::rate_limited_until_reset(Duration::from_secs(30)));

    // The password is not sent to bypass the limit.
    let outcome = endpoints.force();
    let begin = format!("spotinst-cred: rate limited by {} for 30 s: ", endpoints.refresh.url());
    assert!(outcome.stderr.starts_with(&begin), "{outcome:?}");
    assert_eq!(outcome.status, Some(5));

    endpoints.assert_requests(1, 1);
}
