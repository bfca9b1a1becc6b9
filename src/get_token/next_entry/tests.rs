//! The entry that follows each result of a fetch.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::cache::entry::fixtures::{NOW, at, entry, failure, refresh_token, rejection, token};
use crate::error::Error;
use crate::oauth::IssuedTokens;

/// The cache drops fractions of seconds, so times are rounded up.
#[test]
fn a_span_ends_with_a_whole_second_and_never_early() {
    let second = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for (fraction, seconds) in [(0, 2), (1, 3), (500_000_000, 3), (999_999_999, 3)] {
        let now = second + Duration::from_nanos(fraction);
        assert_eq!(end(now, Duration::from_secs(2)), second + Duration::from_secs(seconds), "{fraction}");
    }
}

/// A publication at `NOW`, after an exchange with a time limit of 8 s.
fn publication() -> Publication {
    Publication {
        revision: "2".to_owned(),
        now: NOW,
        spread: 0.0,
        exchange: Duration::from_secs(8),
        keeps_refresh_token: true,
    }
}

fn issued(refresh: Option<&str>) -> FetchResult {
    let issued = IssuedTokens { access: token(0, 7200), refresh: refresh.map(refresh_token) };
    Ok::<_, FetchError>(issued).into()
}

fn failed(kind: ErrorKind, retry_after: Option<u64>, fingerprint: Option<&str>) -> FetchResult {
    let error = Error::new(kind, "failed");
    let retry_after = retry_after.map(Duration::from_secs);
    let fingerprint = fingerprint.map(str::to_owned);
    Err(FetchError::New { error, retry_after, fingerprint, source: None }).into()
}

/// An entry with an old token, the refresh token `R`, two cached rejections, and a failure.
fn before() -> Entry {
    Entry {
        refresh_token: Some(refresh_token("R")),
        rejections: vec![rejection("a"), rejection("b")],
        ..entry(token(7200, 0), failure(ErrorKind::Temporary, 5, 0))
    }
}

/// The cached failure after an error of this kind.
fn cached_after(kind: ErrorKind, retry_after: Option<u64>, publication: Publication) -> CachedFailure {
    next_entry(before(), failed(kind, retry_after, None), publication).failure.unwrap()
}

fn fingerprints(entry: &Entry) -> Vec<&str> {
    entry.rejections.iter().filter_map(|one| one.fingerprint.as_deref()).collect()
}

#[test]
fn a_new_token_replaces_the_old_one_and_clears_all_failures() {
    let next = next_entry(before(), issued(None), publication());
    let expected =
        Entry { revision: "2".to_owned(), refresh_token: Some(refresh_token("R")), ..entry(token(0, 7200), None) };
    assert_eq!(next, expected);
}

#[test]
fn the_refresh_token_is_kept_marked_replaced_or_removed() {
    use RefreshTokenFate::{Forgotten, Kept, MaybeSpent, Replaced};

    let failed = |kind| failed(kind, None, None);
    let (kept, successor) = (Some(refresh_token("R")), Some(refresh_token("S")));
    let doubted = Some(RefreshToken { maybe_spent: true, ..refresh_token("R") });
    let replaced = || Replaced(refresh_token("S"));
    for (what, result, fate, expected) in [
        ("a response without one", issued(None), Kept, &kept),
        ("a response with a new one", issued(Some("S")), Kept, &successor),
        ("the old one was rejected", issued(None), Forgotten, &None),
        ("the old one was rejected, and there is a new one", issued(Some("S")), Forgotten, &successor),
        ("a failure of something else", failed(ErrorKind::Temporary), Kept, &kept),
        ("a lost response", failed(ErrorKind::Temporary), MaybeSpent, &doubted),
        ("a lost response, and another grant that served", issued(None), MaybeSpent, &doubted),
        ("a new one without an access token", failed(ErrorKind::Temporary), replaced(), &successor),
        ("it was rejected, and so was the other grant", failed(ErrorKind::Rejected), Forgotten, &None),
    ] {
        let result = FetchResult { refresh_token: fate, ..result };
        assert_eq!(&next_entry(before(), result, publication()).refresh_token, expected, "{what}");
    }
}

#[test]
fn no_refresh_token_is_stored_if_that_is_not_allowed() {
    for result in [issued(Some("S")), issued(None), failed(ErrorKind::Temporary, None, None)] {
        let publication = Publication { keeps_refresh_token: false, ..publication() };
        assert_eq!(next_entry(before(), result, publication).refresh_token, None);
    }
}

#[test]
fn a_rejection_of_the_client_is_cached_in_addition_to_the_failure_of_the_other_grant() {
    let client_rejection = || Some((Error::new(ErrorKind::Rejected, "failed"), "client".to_owned()));
    let result = FetchResult { client_rejection: client_rejection(), ..failed(ErrorKind::Temporary, None, None) };
    let next = next_entry(before(), result, publication());
    assert_eq!(fingerprints(&next), ["client", "a", "b"]);
    let expected = CachedFailure { backoff_until: at(60), ..rejection("client") };
    assert_eq!(next.rejections.first(), Some(&expected));
    assert_eq!(
        next.failure.map(|failure| (failure.error.kind, failure.fingerprint)),
        Some((ErrorKind::Temporary, None))
    );
    let served = FetchResult { client_rejection: client_rejection(), ..issued(None) };
    assert_eq!(next_entry(before(), served, publication()).rejections, []);
}

#[test]
fn the_kind_of_a_failure_decides_how_long_it_is_cached() {
    for (kind, retry_after, seconds) in [
        (ErrorKind::Rejected, None, 15 * 60),
        (ErrorKind::RateLimited, Some(40), 40),
        (ErrorKind::RateLimited, None, 2),
        (ErrorKind::Config, None, 0),
        (ErrorKind::Temporary, None, 2),
        (ErrorKind::Temporary, Some(40), 2),
        (ErrorKind::Other, None, 2),
    ] {
        let cached = cached_after(kind, retry_after, publication());
        assert_eq!((cached.at, cached.until), (NOW, at(seconds)), "{kind:?} {retry_after:?}");
    }
}

#[test]
fn a_failure_is_cached_with_its_cause_and_the_limits_of_its_call() {
    let cached = next_entry(before(), failed(ErrorKind::Rejected, None, Some("c")), publication()).failure.unwrap();
    let expected = CachedFailure { backoff_until: at(60), ..rejection("c") };
    assert_eq!(cached, expected);
    for (spread, seconds) in [(0.0, 60), (0.5, 90), (1.0, 120)] {
        let cached = cached_after(ErrorKind::Temporary, None, Publication { spread, ..publication() });
        assert_eq!(cached.backoff_until, at(seconds), "{spread}");
    }
    let error = Error::new(ErrorKind::Temporary, "failed");
    let local = FetchResult::from(Err(FetchError::local(error, "digest".to_owned())));
    let cached = next_entry(before(), local, publication()).failure.unwrap();
    assert_eq!((cached.source.as_deref(), cached.fingerprint), (Some("digest"), None));
    let short = Publication { exchange: Duration::from_micros(1_500_900), ..publication() };
    assert_eq!(cached_after(ErrorKind::Temporary, None, short).timeout_ms, 1500);
}

#[test]
fn after_a_failure_the_last_token_is_still_there() {
    let next = next_entry(before(), failed(ErrorKind::Temporary, None, None), publication());
    assert_eq!((next.revision.as_str(), next.token), ("2", before().token));
}

#[test]
fn a_cached_rejection_that_stopped_the_fetch_is_the_failure_with_its_first_times() {
    let known = CachedFailure { at: at(-100), ..rejection("b") };
    let result = FetchResult::from(Err(FetchError::Cached(Box::new(known.clone()))));
    let expected = Entry { revision: "2".to_owned(), failure: Some(known), ..before() };
    assert_eq!(next_entry(before(), result, publication()), expected);
}

#[test]
fn rejections_are_cached_once_per_fingerprint_and_the_newest_first() {
    let over = CachedFailure { until: at(0), ..rejection("over") };
    for (what, known, fingerprint, expected) in [
        ("another one", vec![rejection("a"), rejection("b")], Some("c"), vec!["c", "a", "b"]),
        ("a known one", vec![rejection("a"), rejection("b")], Some("b"), vec!["b", "a"]),
        ("no rejection", vec![rejection("a"), rejection("b")], None, vec!["a", "b"]),
        ("one that is over", vec![over.clone(), rejection("b")], Some("c"), vec!["c", "b"]),
        ("one that is over, and no rejection", vec![rejection("a"), over], None, vec!["a"]),
    ] {
        let result = failed(ErrorKind::Rejected, None, fingerprint);
        let next = next_entry(Entry { rejections: known, ..before() }, result, publication());
        assert_eq!(fingerprints(&next), expected, "{what}");
    }
}

#[test]
fn no_more_than_sixteen_rejections_are_cached() {
    let known: Vec<_> = (1..=16).map(|number| number.to_string()).collect();
    let before = Entry { rejections: known.iter().map(|one| rejection(one)).collect(), ..before() };
    let next = next_entry(before, failed(ErrorKind::Rejected, None, Some("new")), publication());
    let expected: Vec<_> = std::iter::once("new").chain(known.iter().map(String::as_str)).take(16).collect();
    assert_eq!(fingerprints(&next), expected);
}
