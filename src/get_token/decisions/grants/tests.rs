//! One table per decision: the entry or the failure, and what follows.

use std::time::Duration;

use super::*;
use crate::cache::entry::fixtures::{NOW, at, refresh_token, rejection};
use crate::error::ErrorKind::{Config, RateLimited, Rejected, Temporary};
use crate::token::RefreshTokenValue;

const ANY: TokenRequest = TokenRequest { min_ttl: Duration::ZERO, force: false };
const FORCED: TokenRequest = TokenRequest { force: true, ..ANY };

#[test]
fn the_refresh_token_is_used_until_it_expires_or_without_an_alternative() {
    let expiring = |seconds| RefreshToken { expires_at: Some(at(seconds)), ..refresh_token("R") };
    let maybe_spent = RefreshToken { maybe_spent: true, ..refresh_token("R") };
    for (token, can_use_own_grant, is_used) in [
        (None, true, false),
        (None, false, false),
        (Some(refresh_token("R")), true, true),
        (Some(refresh_token("R")), false, true),
        (Some(expiring(1)), true, true),
        (Some(expiring(0)), true, false),
        (Some(expiring(0)), false, true),
        (Some(maybe_spent.clone()), true, false),
        (Some(maybe_spent), false, true),
    ] {
        let entry = Entry { refresh_token: token.clone(), ..Entry::default() };
        let expected = token.as_ref().filter(|_| is_used).map_or(NextGrant::Own, NextGrant::Refresh);
        assert_eq!(first_grant(&entry, can_use_own_grant, NOW), expected, "{token:?} {can_use_own_grant}");
    }
}

#[test]
fn rejected_credentials_are_not_sent_again_unless_forced() {
    let over = CachedFailure { until: at(0), ..rejection("over") };
    let entry = Entry { rejections: vec![rejection("new"), rejection("old"), over], ..Entry::default() };
    for (fingerprint, request, expected) in [
        ("new", ANY, entry.rejections.first()),
        ("old", ANY, entry.rejections.get(1)),
        ("over", ANY, None),
        ("others", ANY, None),
        ("new", FORCED, None),
    ] {
        let token = refresh_token("R");
        let refresh = NextGrant::Refresh(&token);
        let decide = |grant, can_use_own_grant| plan(&entry, grant, fingerprint, &request, can_use_own_grant, NOW);
        let own = expected.map_or(Plan::Send(NextGrant::Own), Plan::FailFromCache);
        assert_eq!(decide(NextGrant::Own, true), own, "{fingerprint} {request:?}");
        let refreshed = expected.map_or(Plan::Send(refresh), Plan::FailFromCache);
        assert_eq!(decide(refresh, false), refreshed, "{fingerprint} {request:?}, a refresh");
        // The own grant may use another client secret.
        let replaced = Plan::Send(expected.map_or(refresh, |_| NextGrant::Own));
        assert_eq!(decide(refresh, true), replaced, "{fingerprint} {request:?}, a refresh, and another grant");
    }
}

/// Describes what follows a failed refresh grant.
fn describe_after(decided: &AfterFailure) -> String {
    let token = match &decided.refresh_token {
        RefreshTokenFate::Kept => "keep".to_owned(),
        RefreshTokenFate::MaybeSpent => "doubt".to_owned(),
        RefreshTokenFate::Forgotten => "forget".to_owned(),
        RefreshTokenFate::Replaced(token) => match &token.value {
            RefreshTokenValue::Plain(value) => format!("take {}", value.expose()),
            RefreshTokenValue::Stored { store, .. } => format!("take what {store} has"),
        },
    };
    let whose = if decided.is_about_client { ", blame the client" } else { "" };
    match &decided.next {
        AfterRefresh::FallBack => format!("{token}{whose}, fall back"),
        AfterRefresh::Fail(error) => {
            format!("{token}{whose}, fail: {:?}, hint: {}", error.kind, error.hint.as_deref().unwrap_or("none"))
        }
    }
}

#[test]
fn after_a_refresh_grant_the_cause_and_the_alternatives_decide() {
    use Delivery::{Answered, Lost, NotSent};
    use RejectionCause::{Client, Grant, GrantOrClient, Unknown};

    let alternatives = |can_use_own_grant, has_own_refresh_url, login_hint: Option<&str>| Alternatives {
        can_use_own_grant,
        has_own_refresh_url,
        login_hint: login_hint.map(str::to_owned),
    };
    let nothing_else = alternatives(false, false, None);
    let own_grant = alternatives(true, false, None);
    let own_url = alternatives(false, true, None);
    let both = alternatives(true, true, None);
    let login = alternatives(false, false, Some("log in"));
    let ours = "check the client secret: the refresh token was issued to another one";
    let client = format!("keep, blame the client, fail: Rejected, hint: {ours}");
    let not_ours = format!("keep, fail: Temporary, hint: {}", TOKEN_ENDPOINT.hint);
    let table = [
        // Rejected, with an alternative: the other grant is tried.
        (Rejected, Grant, Answered(400), "client", &own_grant, "forget, fall back"),
        (Rejected, GrantOrClient, Answered(400), "client", &own_grant, "forget, fall back"),
        (Rejected, GrantOrClient, Answered(400), "another", &own_grant, "keep, blame the client, fall back"),
        (Rejected, Client, Answered(401), "client", &own_grant, "keep, blame the client, fall back"),
        (Rejected, Unknown, Answered(401), "client", &own_grant, "forget, fall back"),
        // Rejected, without an alternative: the login has ended, or the failure is not about the login.
        (Rejected, Grant, Answered(400), "client", &login, "forget, fail: Rejected, hint: log in"),
        (Rejected, Grant, Answered(400), "another", &login, "forget, fail: Rejected, hint: log in"),
        (Rejected, Grant, Answered(400), "client", &nothing_else, "forget, fail: Rejected, hint: first"),
        (Rejected, GrantOrClient, Answered(400), "client", &login, "forget, fail: Rejected, hint: log in"),
        (Rejected, GrantOrClient, Answered(400), "another", &login, &client),
        (Rejected, GrantOrClient, Answered(400), "another", &own_url, &client),
        (Rejected, Client, Answered(401), "client", &login, &client),
        (Rejected, Unknown, Answered(401), "client", &login, &not_ours),
        // Not rejected: the refresh token is kept, unless the response is lost. A separate token endpoint is tried, and
        // the same endpoint if it responded with an error.
        (Temporary, Unknown, NotSent, "client", &both, "keep, fall back"),
        (Temporary, Unknown, NotSent, "client", &own_grant, "keep, fail: Temporary, hint: first"),
        (Temporary, Unknown, NotSent, "client", &own_url, "keep, fail: Temporary, hint: first"),
        (Temporary, Unknown, NotSent, "client", &login, "keep, fail: Temporary, hint: first"),
        (Temporary, Unknown, Lost, "client", &both, "doubt, fall back"),
        (Temporary, Unknown, Lost, "client", &own_grant, "doubt, fail: Temporary, hint: first"),
        (Temporary, Unknown, Answered(200), "client", &own_grant, "keep, fail: Temporary, hint: first"),
        (Temporary, Unknown, Answered(399), "client", &own_grant, "keep, fail: Temporary, hint: first"),
        (Temporary, Unknown, Answered(400), "client", &own_grant, "keep, fall back"),
        (Temporary, Unknown, Answered(502), "client", &own_grant, "keep, fall back"),
        (Temporary, Unknown, Answered(502), "client", &login, "keep, fail: Temporary, hint: first"),
        (RateLimited, Unknown, Answered(429), "client", &both, "keep, fail: RateLimited, hint: first"),
        (Config, Unknown, NotSent, "client", &both, "keep, fail: Config, hint: first"),
    ];
    for (kind, cause, delivery, client_fingerprint, alternatives, expected) in table {
        let error = Error::new(kind, "failed").hint("first");
        let failure = GrantFailure { cause, delivery, ..error.into() };
        let decided = after_failure(&failure, &refresh_token("R"), client_fingerprint, alternatives);
        let case = format!("{kind:?} {cause:?} {delivery:?} {client_fingerprint} {alternatives:?}");
        assert_eq!(describe_after(&decided), expected, "{case}");
    }
}

#[test]
fn a_new_refresh_token_is_always_kept() {
    let alternatives = Alternatives { can_use_own_grant: true, has_own_refresh_url: false, login_hint: None };
    for delivery in [Delivery::Answered(200), Delivery::Lost] {
        let successor = Some(Box::new(refresh_token("S")));
        let failure = GrantFailure { delivery, refresh_token: successor, ..Error::temporary("failed").into() };
        let decided = after_failure(&failure, &refresh_token("R"), "client", &alternatives);
        assert_eq!(describe_after(&decided), "take S, fail: Temporary, hint: none");
    }
}

#[test]
fn a_refresh_token_of_unknown_origin_counts_as_the_callers_own() {
    let token = RefreshToken { client_fingerprint: None, ..refresh_token("R") };
    assert!(is_about_refresh_token(RejectionCause::GrantOrClient, &token, "client"));
}
