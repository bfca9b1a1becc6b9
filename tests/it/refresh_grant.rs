//! When the refresh grant fails: what is forgotten, what is tried instead, and what is not.

use std::time::Duration;

use crate::sandbox::{Outcome, Sandbox};
use stand_in::spotinst::RefreshTokens;
use stand_in::token_reply::REQUEST_ID;
use stand_in::{Reply, StandIn};

/// Endpoints as the real ones are, two hosts of one service, and a sandbox that has a refresh token.
struct Siblings {
    obtaining: StandIn,
    refreshing: StandIn,
    sandbox: Sandbox,
}

impl Siblings {
    fn new() -> Self {
        let obtaining = StandIn::start();
        let refreshing = obtaining.sibling();
        let mut sandbox = Sandbox::of(&obtaining);
        sandbox.set("SPOTINST_REFRESH_URL", refreshing.url());
        sandbox.token();
        Self { obtaining, refreshing, sandbox }
    }

    fn force(&self) -> Outcome {
        self.sandbox.run(["--force-refresh"])
    }

    /// Prints the newest token of the service.
    #[track_caller]
    fn forced_prints_the_newest(&self) {
        let outcome = self.force();
        outcome.prints(&format!("{}\n", self.obtaining.issued().last().unwrap()));
    }

    #[track_caller]
    fn asked(&self, obtaining: usize, refreshing: usize) {
        let grants = (self.obtaining.grants(), self.refreshing.grants());
        assert_eq!(grants, (vec!["password".to_owned(); obtaining], vec!["refresh_token".to_owned(); refreshing]));
    }
}

#[test]
fn a_rejected_refresh_token_is_forgotten_for_one_password_grant() {
    for refusal in [Reply::oauth_error(400, "invalid_grant", "gone"), Reply::unauthorized(), Reply::bad_request()] {
        let siblings = Siblings::new();
        siblings.obtaining.settings(|service| service.refresh_tokens = RefreshTokens::Never);
        siblings.refreshing.always(refusal);

        siblings.forced_prints_the_newest();
        siblings.asked(2, 1);

        // The service gave no new one, and the old one is not tried again.
        siblings.forced_prints_the_newest();
        siblings.asked(3, 1);
    }
}

#[test]
fn a_refused_password_after_a_rejected_refresh_token_ends_it() {
    let siblings = Siblings::new();
    siblings.refreshing.always(Reply::unauthorized());
    siblings.obtaining.always(Reply::oauth_error(400, "invalid_grant", "wrong password"));

    let url = siblings.obtaining.url();
    let line =
        format!("{url} refused the password grant: HTTP 400, invalid_grant, wrong password (request id {REQUEST_ID})");
    let hint = "check user name, password, client id and client secret";
    siblings.force().fails(4, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    siblings.asked(2, 1);

    // Nor is that refresh token tried again.
    assert_eq!(siblings.force().status, Some(4));
    siblings.asked(3, 1);
}

#[test]
fn trouble_at_the_refresh_host_alone_is_got_around() {
    let troubles = [
        (Reply::gateway_page(), 3),
        (Reply::captive_portal(), 1),
        (Reply::empty(204), 1),
        (Reply::failed(404), 1),
        (Reply::redirect(307, "https://elsewhere.example/token"), 1),
        (Reply::close_unanswered(), 3),
        (Reply::garbage(), 1),
        (Reply::huge(1, "T"), 1),
    ];
    for (trouble, requests) in troubles {
        let siblings = Siblings::new();
        siblings.refreshing.always(trouble.clone());

        siblings.forced_prints_the_newest();
        siblings.asked(2, requests);

        // The refresh token was not rejected: it is tried again.
        siblings.refreshing.default_behavior();
        siblings.forced_prints_the_newest();
        siblings.asked(2, requests + 1);
    }
}

#[test]
fn a_refresh_host_that_is_not_there_is_got_around() {
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
fn a_refresh_host_that_hangs_leaves_time_for_the_password() {
    let siblings = Siblings::new();
    siblings.refreshing.always(Reply::hang());

    let outcome = siblings.sandbox.run(["--force-refresh", "--timeout", "6s"]);

    outcome.prints(&format!("{}\n", siblings.obtaining.issued().last().unwrap()));
    siblings.asked(2, 1);
}

#[test]
fn trouble_at_the_only_host_is_not_got_around() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    stand_in.always(Reply::failed(503));

    let line = format!("{} has trouble: HTTP 503, Service Unavailable (request id {REQUEST_ID})", stand_in.url());
    sandbox.run(["--force-refresh"]).fails(5, &format!("spotinst-cred: {line}\nhint: try again later\n"));
    // Who does not insist on a new one is served the token in hand.
    sandbox.run([]).prints(&format!("{token}\n"));

    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token", "refresh_token"]);
}

#[test]
fn a_rate_limit_at_the_refresh_host_is_respected() {
    let siblings = Siblings::new();
    siblings.refreshing.always(Reply::rate_limited_until_reset(Duration::from_secs(30)));

    // No password is sent to get around the limit.
    let outcome = siblings.force();
    let begin = format!("spotinst-cred: {} wants no more requests for 30 s: ", siblings.refreshing.url());
    assert!(outcome.stderr.starts_with(&begin), "{outcome:?}");
    assert_eq!(outcome.status, Some(5));

    siblings.asked(1, 1);
}
