//! At every moment of every life: what is handed out lives long enough, and what is told is true.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use time::PrimitiveDateTime;

use super::*;
use crate::strategies::{bytes, config, text};

/// Lives from a second to ten years, many of them short.
fn life() -> impl Strategy<Value = u64> {
    prop_oneof![1..300_u64, 1..10_000_u64, 1..=315_360_000_u64]
}

fn token(life: u64) -> AccessToken {
    let obtained_at = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let expires_at = Some(obtained_at + Duration::from_secs(life));
    AccessToken { value: Secret::from("T".to_owned()), obtained_at, expires_at, account: None }
}

/// A moment in the token's life, or up to as long before or after it.
fn moment(token: &AccessToken, life: u64, part: f64) -> OffsetDateTime {
    token.obtained_at + time::Duration::seconds_f64(life as f64 * part)
}

/// A clock that is broken beyond all measure is no reason to panic.
#[test]
fn a_token_has_a_state_at_the_ends_of_time() {
    for now in [PrimitiveDateTime::MIN, PrimitiveDateTime::MAX].map(PrimitiveDateTime::assume_utc) {
        assert_eq!(token(300).freshness(now, Duration::ZERO, || 0.0), Freshness::Due);
    }
}

/// Obtained `age` seconds ago, with `left` seconds to live.
fn aged(age: u64, left: u64) -> (AccessToken, OffsetDateTime) {
    let token = token(age + left);
    let now = token.obtained_at + Duration::from_secs(age);
    (token, now)
}

fn without_expiry() -> AccessToken {
    AccessToken { expires_at: None, ..token(1) }
}

#[test]
fn the_last_twenty_minutes_less_a_spread_are_for_an_early_refresh() {
    use Freshness::{Aging, Due, Fresh};

    for (lifetime, left, spread, expected) in [
        // Two hours: the refresh begins 20 to 15 minutes before the end.
        (7200, 7200, 0.0, Fresh),
        (7200, 1201, 0.0, Fresh),
        (7200, 1200, 0.0, Aging),
        (7200, 1200, 1.0, Fresh),
        (7200, 1051, 0.5, Fresh),
        (7200, 1050, 0.5, Aging),
        (7200, 901, 1.0, Fresh),
        (7200, 900, 1.0, Aging),
        (7200, 61, 0.0, Aging),
        (7200, 60, 0.0, Due),
        (7200, 0, 0.0, Due),
        // Ten minutes: the refresh begins after the half of it, less the spread.
        (600, 301, 0.0, Fresh),
        (600, 300, 0.0, Aging),
        (600, 226, 1.0, Fresh),
        (600, 225, 1.0, Aging),
        (600, 61, 0.0, Aging),
        (600, 60, 0.0, Due),
        // Half of a short life is the margin, too.
        (100, 51, 0.0, Fresh),
        (100, 50, 0.0, Due),
        (1, 1, 0.0, Fresh),
    ] {
        let (token, now) = aged(lifetime - left, left);
        let freshness = token.freshness(now, Duration::ZERO, || spread);
        assert_eq!(freshness, expected, "{left} of {lifetime} s left, spread {spread}");
    }
}

#[test]
fn the_spread_is_asked_for_only_where_it_decides() {
    for (left, is_asked) in [(1201, false), (1200, true), (901, true), (900, false), (60, false)] {
        let (token, now) = aged(7200 - left, left);
        let mut asked = false;
        token.freshness(now, Duration::ZERO, || {
            asked = true;
            0.0
        });
        assert_eq!(asked, is_asked, "{left} s left");
    }
}

#[test]
fn a_token_without_a_known_expiry_is_refreshed_after_half_an_hour_and_never_due() {
    let token = without_expiry();
    for (age, expected) in
        [(0, Freshness::Fresh), (1799, Freshness::Fresh), (1800, Freshness::Aging), (1_000_000, Freshness::Aging)]
    {
        let now = token.obtained_at + Duration::from_secs(age);
        assert_eq!(token.freshness(now, Duration::from_secs(1_000_000), || 1.0), expected, "{age}");
    }
    assert_eq!((token.lifetime(), token.longest_min_ttl(), token.advertised_expiry()), (None, None, None));
}

#[test]
fn a_token_is_usable_if_enough_of_its_life_is_left() {
    for (left, min_ttl, expected) in
        [(61, 0, true), (60, 0, false), (3600, 3600, true), (3600, 3601, false), (7200, 7200, true)]
    {
        let (token, now) = aged(7200 - left, left);
        assert_eq!(token.is_usable(now, Duration::from_secs(min_ttl)), expected, "{left} {min_ttl}");
    }
}

#[test]
fn a_token_from_the_future_is_not_usable() {
    for token in [token(7200), without_expiry()] {
        for (seconds, expected) in [(60, true), (61, false)] {
            let now = token.obtained_at - Duration::from_secs(seconds);
            assert_eq!(token.is_usable(now, Duration::ZERO), expected, "{seconds}");
        }
    }
}

#[test]
fn the_margin_is_a_minute_and_less_for_short_lives() {
    for (lifetime, margin) in [(7200, 60), (120, 60), (119, 59), (100, 50), (3, 1), (1, 0)] {
        let token = token(lifetime);
        let margin = Duration::from_secs(margin);
        assert_eq!(token.lifetime(), Some(Duration::from_secs(lifetime)));
        assert_eq!(token.longest_min_ttl(), Some(Duration::from_secs(lifetime) - margin), "{lifetime}");
        assert_eq!(token.advertised_expiry(), token.expires_at.map(|at| at - margin), "{lifetime}");
    }
}

#[test]
fn a_refresh_token_lives_until_its_expiry() {
    let now = token(1).obtained_at;
    let second = Duration::from_secs(1);
    for (expires_at, expected) in
        [(None, true), (Some(now + second), true), (Some(now), false), (Some(now - second), false)]
    {
        let value = RefreshTokenValue::Plain(Secret::from("R".to_owned()));
        let token = RefreshToken { value, expires_at, client_fingerprint: None, maybe_spent: false };
        assert_eq!(token.is_alive(now), expected, "{expires_at:?}");
    }
}

#[test]
fn a_refresh_token_ends_soon_in_its_last_two_days() {
    let now = token(1).obtained_at;
    let days = |days: f64| Some(Duration::from_secs_f64(days * 86_400.0));
    for (left, expected) in [(None, None), (days(0.0), None), (days(2.0), days(2.0)), (days(2.001), None)] {
        let value = RefreshTokenValue::Plain(Secret::from("R".to_owned()));
        let expires_at = left.map(|left| now + left);
        let token = RefreshToken { value, expires_at, client_fingerprint: None, maybe_spent: false };
        assert_eq!(token.ends_soon(now), expected, "{left:?}");
    }
}

#[test]
fn times_end_where_the_calendar_does() {
    let (now, minute) = (token(1).obtained_at, Duration::from_secs(60));
    let end = PrimitiveDateTime::MAX.assume_utc();
    assert_eq!(
        (span(now, now + minute), span(now, now), span(now + minute, now)),
        (minute, Duration::ZERO, Duration::ZERO)
    );
    assert_eq!((later(now, minute), later(end, minute), later(now, Duration::MAX)), (now + minute, end, now));
    assert_eq!((whole_second(now + Duration::from_millis(999)), whole_second(now)), (now, now));
    assert_eq!(MAX_LIFETIME, Duration::from_secs(315_360_000), "ten years");
}

#[test]
fn tokens_and_accounts_have_their_characters_and_no_others() {
    for (text, is_token, is_an_account) in [
        ("aZ09", true, true),
        ("a-b.c_d", true, true),
        ("a~b+c/d", true, false),
        ("a==", true, false),
        ("act-1", true, true),
        ("", false, false),
        ("==", false, false),
        ("a=b", false, false),
        ("a b", false, false),
        ("a\n", false, false),
        ("ä", false, false),
        ("a:b", false, false),
    ] {
        assert_eq!((is_bearer_token(text), is_account(text)), (is_token, is_an_account), "{text:?}");
    }
}

#[test]
fn a_token_is_valid_with_its_account() {
    for (value, account, expected) in [
        ("T", None, true),
        ("T", Some("act-1"), true),
        ("T", Some("act 1"), false),
        ("T T", None, false),
        ("T T", Some("act-1"), false),
    ] {
        let account = account.map(str::to_owned);
        let token = AccessToken { value: Secret::from(value.to_owned()), account, ..token(1) };
        assert_eq!(token.is_valid(), expected, "{token:?} {value}");
    }
}

#[test]
fn the_expiry_of_a_jwt_is_its_exp_claim() {
    for (claims, expected) in [
        (r#"{"exp":1800000000}"#, Some(1_800_000_000)),
        (r#"{"exp":1800000000.9}"#, Some(1_800_000_000)),
        (r#"{"exp":0}"#, Some(0)),
        (r#"{"exp":253402300799}"#, Some(253_402_300_799)),
        (r#"{"exp":253402300800}"#, None),
        (r#"{"exp":-1}"#, Some(0)),
        (r#"{"exp":-1e300}"#, Some(0)),
        (r#"{"exp":1e300}"#, None),
        (r#"{"exp":"1800000000"}"#, Some(1_800_000_000)),
        (r#"{"exp":"nan"}"#, None),
        (r#"{"exp":"-inf"}"#, None),
        (r#"{"exp":"soon"}"#, None),
        (r#"{"exp":null}"#, None),
        ("{}", None),
        ("no JSON", None),
    ] {
        let expiry = jwt_expiry(&format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims)));
        assert_eq!(expiry.map(OffsetDateTime::unix_timestamp), expected, "{claims}");
    }
    assert_eq!((jwt_expiry("T"), jwt_expiry("a.!.b")), (None, None));
}

#[test]
fn the_lifetime_of_a_jwt_is_from_its_iat_to_its_exp() {
    for (claims, expected) in [
        (r#"{"iat":1800000000,"exp":1800003600}"#, Some(3600)),
        (r#"{"iat":1800000000,"exp":1800000000}"#, None),
        (r#"{"iat":1800000001,"exp":1800000000}"#, None),
        (r#"{"exp":1800000000}"#, None),
        (r#"{"iat":1800000000}"#, None),
        (r#"{"iat":"1800000000","exp":1800003600}"#, Some(3600)),
        (r#"{"iat":"today","exp":1800003600}"#, None),
    ] {
        let lifetime = jwt_lifetime(&format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims)));
        assert_eq!(lifetime, expected.map(Duration::from_secs), "{claims}");
    }
    assert_eq!(jwt_lifetime("T"), None);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_token_that_is_handed_out_lives_on(
        life in life(), part in -1.0..2.0_f64, min_ttl in prop_oneof![Just(0), 0..10_000_u64], spread in 0.0..=1.0_f64,
    ) {
        let token = token(life);
        let now = moment(&token, life, part);
        let min_ttl = Duration::from_secs(min_ttl);
        if token.freshness(now, min_ttl, || spread) != Freshness::Due {
            let expires_at = token.expires_at.unwrap();
            let margin = Duration::from_secs(60.min(life / 2));
            prop_assert!(expires_at - now > margin);
            prop_assert!(expires_at - now >= min_ttl);
            prop_assert!(token.obtained_at <= now + CLOCK_SKEW);
            let told = token.advertised_expiry().unwrap();
            prop_assert!(now < told && told <= expires_at);
            prop_assert!(expires_at - told >= margin, "a host is told the margin");
            prop_assert_eq!(told.nanosecond(), 0);
        }
    }

    /// A token of an hour or more that has just come is fresh, and one that nobody could ask longer of is served.
    #[test]
    fn a_new_token_serves(life in life(), spread in 0.0..=1.0_f64) {
        let token = token(life);
        prop_assert_eq!(token.freshness(token.obtained_at, Duration::ZERO, || spread), Freshness::Fresh);
        let longest = token.longest_min_ttl().unwrap();
        prop_assert!(token.is_usable(token.obtained_at, longest));
    }

    #[test]
    fn no_token_grows_younger(life in life(), first in 0.0..1.0_f64, second in 0.0..1.0_f64, spread in 0.0..=1.0_f64) {
        let token = token(life);
        let age = |part| match token.freshness(moment(&token, life, part), Duration::ZERO, || spread) {
            Freshness::Fresh => 0,
            Freshness::Aging => 1,
            Freshness::Due => 2,
        };
        prop_assert!(age(first.min(second)) <= age(first.max(second)));
    }

    #[test]
    fn the_refresh_comes_early_but_not_too_early(life in 7200..1_000_000_u64, left in 0..7200_u64, spread in 0.0..=1.0_f64) {
        let token = token(life);
        let now = token.expires_at.unwrap() - Duration::from_secs(left);
        let expected = match left {
            0..=60 => Some(Freshness::Due),
            61..=900 => Some(Freshness::Aging),
            1201.. => Some(Freshness::Fresh),
            _ => None,
        };
        let freshness = token.freshness(now, Duration::ZERO, || spread);
        prop_assert!(expected.is_none_or(|expected| expected == freshness), "{:?} with {} s left", freshness, left);
    }

    #[test]
    fn a_bearer_token_has_no_way_out_of_a_format(text in text()) {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        prop_assert!(!is_bearer_token(&text) || (!text.is_empty() && text.chars().all(is_safe)));
    }

    #[test]
    fn the_expiry_of_any_jwt_is_in_the_calendar(claims in prop_oneof![
        bytes(),
        any::<f64>().prop_map(|exp| serde_json::json!({"exp": exp}).to_string().into_bytes()),
    ]) {
        let token = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
        prop_assert!(jwt_expiry(&token).is_none_or(|at| (0..=253_402_300_799).contains(&at.unix_timestamp())));
    }

    #[test]
    fn any_text_may_be_looked_at_as_a_jwt(token in text()) {
        jwt_expiry(&token);
    }
}
