//! One table per decision: the entry, the request, and the result.

use super::*;
use crate::cache::entry::fixtures::{NOW, at, entry, failure, rejection, token};
use crate::error::ErrorKind::{Config, Other, RateLimited, Rejected, Temporary};

const ANY: TokenRequest = TokenRequest { min_ttl: Duration::ZERO, force: false };
const FORCED: TokenRequest = TokenRequest { force: true, ..ANY };

/// A token endpoint, and a caller with a time limit of 8 s.
const ENDPOINT: Traits = Traits { has_fixed_lifetime: true, exchange: Duration::from_secs(8) };
const COMMAND: Traits = Traits { has_fixed_lifetime: false, ..ENDPOINT };

fn min_ttl(seconds: u64) -> TokenRequest {
    TokenRequest { min_ttl: Duration::from_secs(seconds), ..ANY }
}

fn forced_min_ttl(seconds: u64) -> TokenRequest {
    TokenRequest { force: true, ..min_ttl(seconds) }
}

/// A failure of the source with this digest; `mine` is this caller's.
fn with_source(source: &str, failure: CachedFailure) -> CachedFailure {
    CachedFailure { source: Some(source.to_owned()), ..failure }
}

/// The failure of a caller with another time limit.
fn with_timeout(failure: CachedFailure, timeout_ms: u64) -> CachedFailure {
    CachedFailure { timeout_ms, ..failure }
}

/// Describes an action, with its token or message.
fn describe(action: Action) -> String {
    match action {
        Action::Serve(token) => format!("serve {}", token.value.expose()),
        Action::RefreshEarly(token) => format!("refresh early or serve {}", token.value.expose()),
        Action::Fail(error) => format!("fail: {error}"),
        Action::Refresh => "refresh".to_owned(),
    }
}

fn assert_looks(traits: &Traits, table: &[(&str, Entry, TokenRequest, &str)]) {
    for (state, entry, request, expected) in table {
        let action = look(entry, request, traits, NOW, || 0.0, |source| source == "mine");
        assert_eq!(describe(action), *expected, "{state}");
    }
}

#[test]
fn the_age_of_the_token_and_the_request_decide_what_a_call_does() {
    let never = "fail: --min-ttl 1h 59m 1s cannot be met: the server grants tokens of 2h";
    assert_looks(
        &ENDPOINT,
        &[
            ("no token", entry(None, None), ANY, "refresh"),
            ("new", entry(token(0, 7200), None), ANY, "serve T"),
            ("fresh up to 20 min before its end", entry(token(5999, 1201), None), ANY, "serve T"),
            ("aging from then on", entry(token(6000, 1200), None), ANY, "refresh early or serve T"),
            ("aging to its last usable second", entry(token(7139, 61), None), ANY, "refresh early or serve T"),
            ("due in its last minute", entry(token(7140, 60), None), ANY, "refresh"),
            ("expired", entry(token(7300, -100), None), ANY, "refresh"),
            ("from the future", entry(token(-61, 7261), None), ANY, "refresh"),
            ("fresh, but it is not to be used", entry(token(0, 7200), None), FORCED, "refresh"),
            ("just enough left", entry(token(3600, 3600), None), min_ttl(3600), "serve T"),
            ("not enough left", entry(token(3600, 3600), None), min_ttl(3601), "refresh"),
            ("the longest that a new one meets", entry(token(3600, 3600), None), min_ttl(7140), "refresh"),
            ("longer than any", entry(token(3600, 3600), None), min_ttl(7141), never),
            ("longer than any, aging", entry(token(6100, 1100), None), min_ttl(7141), never),
            ("longer than the last one, which is over", entry(token(7300, -100), None), min_ttl(7141), "refresh"),
            ("longer than any, forced", entry(token(3600, 3600), None), forced_min_ttl(7141), "refresh"),
        ],
    );
}

#[test]
fn the_next_token_of_a_command_may_live_longer() {
    assert_looks(&COMMAND, &[("", entry(token(3600, 3600), None), min_ttl(7141), "refresh")]);
}

#[test]
fn a_cached_failure_is_reused_until_its_end() {
    let limited = "fail: failed; 30 s left";
    assert_looks(
        &ENDPOINT,
        &[
            ("no connection", entry(None, failure(Temporary, 0, 2)), ANY, "fail: failed"),
            ("with its age", entry(None, failure(Temporary, 1, 1)), ANY, "fail: failed (1 s ago, not asked again)"),
            ("any other failure", entry(None, failure(Other, 0, 2)), ANY, "fail: failed"),
            ("the token is over", entry(token(7300, -100), failure(Temporary, 0, 2)), ANY, "fail: failed"),
            ("the token is too old", entry(token(0, 7200), failure(Temporary, 0, 2)), min_ttl(7140), "serve T"),
            ("it does not hold any more", entry(None, failure(Temporary, 2, 0)), ANY, "refresh"),
            ("it is from the future", entry(None, failure(Temporary, -61, 99)), ANY, "refresh"),
            ("a setting was wrong", entry(None, failure(Config, 0, 0)), ANY, "refresh"),
            ("of the same source", entry(None, with_source("mine", failure(Temporary, 0, 2))), ANY, "fail: failed"),
            ("of another source", entry(None, with_source("other", failure(Temporary, 0, 2))), ANY, "refresh"),
            ("a forced call tries again", entry(None, failure(Temporary, 0, 2)), FORCED, "refresh"),
            ("forced, same source", entry(None, with_source("mine", failure(Temporary, 0, 2))), FORCED, "refresh"),
            ("rate limited", entry(None, failure(RateLimited, 30, 30)), ANY, limited),
            ("a forced call keeps to the rate limit", entry(None, failure(RateLimited, 30, 30)), FORCED, limited),
            ("the rate limit is over", entry(None, failure(RateLimited, 60, 0)), ANY, "refresh"),
            ("rejected: the secrets decide, under the lock", entry(None, rejection("f")), ANY, "refresh"),
            ("rejected, forced", entry(None, rejection("f")), FORCED, "refresh"),
        ],
    );
}

#[test]
fn a_call_with_a_usable_token_backs_off_after_a_failure() {
    let backoff = |kind| CachedFailure { backoff_until: at(50), ..failure(kind, 10, 0) };
    let over = CachedFailure { backoff_until: at(0), ..failure(Temporary, 100, 0) };
    assert_looks(
        &ENDPOINT,
        &[
            ("fresh", entry(token(0, 7200), failure(Temporary, 0, 2)), ANY, "serve T"),
            ("aging", entry(token(6100, 1100), backoff(Temporary)), ANY, "serve T"),
            ("aging, rejected", entry(token(6100, 1100), backoff(Rejected)), ANY, "serve T"),
            ("aging, rate limited", entry(token(6100, 1100), failure(RateLimited, 10, 50)), ANY, "serve T"),
            ("aging, the back-off is over", entry(token(6100, 1100), over), ANY, "refresh early or serve T"),
            ("due", entry(token(7200, 0), backoff(Temporary)), ANY, "refresh"),
        ],
    );
}

#[test]
fn a_caller_with_a_longer_timeout_retries_a_temporary_failure() {
    let shorter = |kind| entry(None, with_timeout(failure(kind, 0, 2), 7999));
    assert_looks(
        &ENDPOINT,
        &[
            ("shorter", shorter(Temporary), ANY, "refresh"),
            ("the same", entry(None, with_timeout(failure(Temporary, 0, 2), 8000)), ANY, "fail: failed"),
            ("longer", entry(None, with_timeout(failure(Temporary, 0, 2), 8001)), ANY, "fail: failed"),
            ("not a matter of time", shorter(Other), ANY, "fail: failed"),
            ("a rate limit is none either", shorter(RateLimited), ANY, "fail: failed"),
        ],
    );
}

#[test]
fn a_result_of_another_process_applies_to_this_call() {
    let rejected = || entry(None, rejection("f"));
    let known = || Entry { rejections: vec![rejection("f")], ..entry(None, None) };
    let before = || entry(token(7300, -100), None);
    let fresh = || token(0, 7200);
    let failed = || failure(Temporary, 0, 2);
    let never = "fail: --min-ttl 1h 59m 1s cannot be met: the server grants tokens of 2h";
    let ago = "fail: failed (3 s ago, not asked again)";
    let same = || before().token;
    for (state, before, after, request, expected) in [
        ("a token", before(), entry(fresh(), None), ANY, "T"),
        ("a token counts as forced", before(), entry(fresh(), None), FORCED, "T"),
        ("the same token", entry(fresh(), None), entry(fresh(), None), ANY, "T"),
        ("the same token does not count as forced", entry(fresh(), None), entry(fresh(), None), FORCED, "nothing"),
        ("a token that is about to end", before(), entry(token(7140, 60), None), ANY, "nothing"),
        ("a token without enough time left", before(), entry(token(100, 7100), None), min_ttl(7140), "nothing"),
        ("a token that lives too short", before(), entry(token(100, 7100), None), min_ttl(7141), never),
        ("nothing at all", before(), entry(None, None), ANY, "nothing"),
        ("a failure", before(), entry(None, failed()), ANY, "fail: failed"),
        ("a failure, forced", before(), entry(None, failed()), FORCED, "fail: failed"),
        ("a failure beside the token that is over", before(), entry(same(), failed()), ANY, "fail: failed"),
        ("a failure that no longer applies", before(), entry(None, failure(Temporary, 3, -1)), ANY, ago),
        ("a failure with less time", before(), entry(None, with_timeout(failed(), 7999)), ANY, "nothing"),
        ("a failure with as much time", before(), entry(None, with_timeout(failed(), 8000)), ANY, "fail: failed"),
        ("a failure beside a usable token", entry(fresh(), None), entry(fresh(), failed()), ANY, "T"),
        ("the same, forced", entry(fresh(), None), entry(fresh(), failed()), FORCED, "fail: failed"),
        ("a failure beside a new token, forced", before(), entry(fresh(), failed()), FORCED, "T"),
        ("a rejection", before(), rejected(), ANY, "fail: failed"),
        ("a rejection, forced", before(), rejected(), FORCED, "fail: failed"),
        ("a rejection that was known", known(), rejected(), ANY, "fail: failed"),
        ("a rejection that was known, forced", known(), rejected(), FORCED, "nothing"),
    ] {
        let result = |before: Option<&Entry>, revision: &str, applies| {
            let after = Entry { revision: revision.to_owned(), ..after.clone() };
            match use_concurrent_result(before, &after, &request, &ENDPOINT, NOW, |_| applies) {
                None => "nothing".to_owned(),
                Some(Ok(token)) => token.value.expose().to_owned(),
                Some(Err(error)) => format!("fail: {error}"),
            }
        };
        assert_eq!(result(Some(&before), "2", true), expected, "{state}");
        assert_eq!(result(Some(&before), "1", true), "nothing", "{state}, not published since");
        let is_failure = after.failure.is_some() && expected.starts_with("fail");
        let without = if is_failure { "nothing" } else { expected };
        assert_eq!(result(Some(&before), "2", false), without, "{state}, of another caller's credentials");
        let after_unknown = if request.force { "nothing" } else { expected };
        assert_eq!(result(None, "1", true), after_unknown, "{state}, after an entry that could not be read");
        assert_eq!(result(None, "", true), "nothing", "{state}, after an entry that could not be read, and no entry");
    }
}

#[test]
fn a_failure_applies_to_callers_with_the_same_credentials_or_the_same_source() {
    let of = |fingerprint: Option<&str>, source: Option<&str>, kind| CachedFailure {
        fingerprint: fingerprint.map(str::to_owned),
        source: source.map(str::to_owned),
        ..failure(kind, 0, 900)
    };
    let mine = || Ok("mine".to_owned());
    let same_error = || Err(Error::config("failed"));
    let other_error = || Err(Error::config("another"));
    type Fingerprint = fn() -> Result<String>;
    let table: [(&str, CachedFailure, bool, Fingerprint, bool); 19] = [
        ("the same credentials", of(Some("mine"), None, Rejected), false, mine, true),
        ("others", of(Some("theirs"), None, Rejected), false, mine, false),
        ("a rejection of no known credentials", of(None, None, Rejected), false, mine, false),
        ("a command prints them", of(Some("mine"), None, Rejected), true, mine, false),
        ("no credentials here", of(Some("theirs"), None, Rejected), false, other_error, false),
        ("a setting that is wrong here, too", of(None, None, Config), false, same_error, true),
        ("a setting that is wrong in another way", of(None, None, Config), false, other_error, false),
        ("a setting that is right here", of(None, None, Config), false, mine, false),
        ("a setting, and a command", of(None, None, Config), true, same_error, false),
        ("the network", of(None, None, Temporary), false, other_error, true),
        ("a rate limit", of(None, None, RateLimited), false, mine, true),
        ("anything else, and a command", of(None, None, Other), true, mine, true),
        ("the same source", of(None, Some("mine"), Config), false, mine, true),
        ("another source", of(None, Some("theirs"), Config), false, same_error, false),
        ("another source of a temporary failure", of(None, Some("theirs"), Temporary), false, mine, false),
        ("rejected credentials of the same source", of(Some("theirs"), Some("mine"), Rejected), true, mine, true),
        ("the same credentials of another source", of(Some("mine"), Some("theirs"), Rejected), false, mine, true),
        ("the same, and a command", of(Some("mine"), Some("theirs"), Rejected), true, mine, false),
        ("other credentials of another source", of(Some("theirs"), Some("theirs"), Rejected), false, mine, false),
    ];
    for (what, failure, runs_commands, fingerprint, expected) in table {
        let applies = applies_to(&failure, |source| source == "mine", runs_commands, fingerprint);
        assert_eq!(applies, expected, "{what}");
    }
}

#[test]
fn a_min_ttl_longer_than_the_lifetime_is_an_error_with_the_longest_one() {
    let unmet = |token: &AccessToken, request, traits| {
        let error = unmet_min_ttl(token, &request, traits)?;
        Some((error.kind, error.message, error.hint.unwrap_or_default()))
    };
    let hour = token(0, 3600);
    let message = "--min-ttl 1h cannot be met: the server grants tokens of 1h";
    let expected = (Config, message.to_owned(), "ask for 59m at most".to_owned());
    assert_eq!(unmet(&hour, min_ttl(3600), &ENDPOINT), Some(expected));
    let message = "--min-ttl 1h is not met: the token command printed a token with 1h left";
    let expected = (Temporary, message.to_owned(), "ask for 59m at most, or try again later".to_owned());
    assert_eq!(unmet(&hour, min_ttl(3600), &COMMAND), Some(expected));
    assert_eq!(unmet(&hour, min_ttl(3540), &ENDPOINT), None);
    let permanent = AccessToken { expires_at: None, ..hour };
    assert_eq!(unmet(&permanent, min_ttl(1_000_000), &ENDPOINT), None);
}

#[test]
fn a_cached_failure_shows_its_age_or_the_rest_of_the_rate_limit() {
    let moment = |milliseconds| NOW + Duration::from_millis(milliseconds);
    for (kind, milliseconds, expected) in [
        (Temporary, 0, "failed"),
        (Temporary, 999, "failed"),
        (Temporary, 1000, "failed (1 s ago, not asked again)"),
        (Rejected, 61_500, "failed (61 s ago, not asked again)"),
        (RateLimited, 0, "failed"),
        (RateLimited, 999, "failed"),
        (RateLimited, 1100, "failed; 29 s left"),
        (RateLimited, 29_000, "failed; 1 s left"),
        (RateLimited, 40_000, "failed; 0 s left"),
    ] {
        let cached = failure(kind, 0, 30);
        let error = from_cache(&cached, moment(milliseconds));
        assert_eq!((error.kind, error.message.as_str()), (kind, expected));
    }
}

#[test]
fn a_new_token_that_took_longer_than_it_lives_is_an_error() {
    let after = |token: &AccessToken, seconds, request| {
        expired_meanwhile(token, &request, Duration::from_secs(seconds)).map(|error| (error.kind, error.message))
    };
    let left = |text: &str| Some((Temporary, format!("the new token has only {text} left")));
    let minutes = token(0, 300);
    assert_eq!(after(&minutes, 0, ANY), None);
    assert_eq!(after(&minutes, 239, ANY), None);
    assert_eq!(after(&minutes, 240, ANY), left("1m"));
    assert_eq!(after(&minutes, 100, min_ttl(200)), None);
    assert_eq!(after(&minutes, 100, min_ttl(201)), left("3m 20s"));
    assert_eq!(after(&minutes, 400, ANY), left("0s"));
    let permanent = AccessToken { expires_at: None, ..minutes };
    assert_eq!(after(&permanent, 1_000_000, min_ttl(1_000_000)), None);
}
