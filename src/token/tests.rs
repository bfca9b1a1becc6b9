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
