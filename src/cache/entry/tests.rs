//! An entry survives encoding and decoding; an entry with any damage is a cache miss.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::fixtures::{NOW, at, failure, refresh_token};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::strategies::{bytes, config, damaged, text};
use crate::sys::secret::Secret;
use crate::token::{RefreshTokenValue, is_bearer_token};

const NAME: &str = "0123456789abcdef0123456789abcdef";

/// From the year -9999 to the year 9999, in whole seconds.
fn moment() -> impl Strategy<Value = OffsetDateTime> {
    (-377_705_116_800..=253_402_300_799_i64).prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap())
}

fn token() -> impl Strategy<Value = AccessToken> {
    ("[A-Za-z0-9._~+/-]{1,60}={0,2}", moment(), option::of(moment())).prop_map(|(value, obtained_at, expires_at)| {
        AccessToken { value: Secret::from(value), obtained_at, expires_at, account: None }
    })
}

fn any_refresh_token() -> impl Strategy<Value = RefreshToken> {
    let stored = (text(), text()).prop_map(|(store, fingerprint)| RefreshTokenValue::Stored { store, fingerprint });
    let value = prop_oneof![text().prop_map(|value| RefreshTokenValue::Plain(Secret::from(value))), stored];
    (value, option::of(moment()), option::of(text()), any::<bool>()).prop_map(
        |(value, expires_at, client_fingerprint, maybe_spent)| RefreshToken {
            value,
            expires_at,
            client_fingerprint,
            maybe_spent,
        },
    )
}

fn cached_failure() -> impl Strategy<Value = CachedFailure> {
    let kinds =
        &[ErrorKind::Other, ErrorKind::Config, ErrorKind::Rejected, ErrorKind::Temporary, ErrorKind::RateLimited][..];
    let error =
        (select(kinds), text(), option::of(text())).prop_map(|(kind, message, hint)| Error { kind, message, hint });
    (error, [moment(), moment(), moment()], option::of(text()), option::of(text()), any::<u64>()).prop_map(
        |(error, [at, until, backoff_until], fingerprint, source, timeout_ms)| CachedFailure {
            error,
            at,
            until,
            backoff_until,
            fingerprint,
            source,
            timeout_ms,
        },
    )
}

fn entry() -> impl Strategy<Value = Entry> {
    (
        text(),
        option::of(token()),
        option::of(any_refresh_token()),
        option::of((text(), moment()).prop_map(|(reason, at)| LostRefreshToken { reason, at })),
        option::of(cached_failure()),
        vec(cached_failure(), 0..4),
        vec(text(), 0..4),
    )
        .prop_map(|(revision, token, refresh_token, lost_refresh_token, failure, rejections, sent_assertions)| {
            Entry { revision, token, refresh_token, lost_refresh_token, failure, rejections, sent_assertions }
        })
}

fn encoded() -> impl Strategy<Value = Vec<u8>> {
    entry().prop_map(|entry| entry.encode(NAME).to_vec())
}

proptest! {
    #![proptest_config(config())]

    /// An extreme clock does not cause a panic.
    #[test]
    fn a_failure_can_be_checked_at_the_extreme_times(failure in cached_failure(), is_late in any::<bool>()) {
        let end = if is_late { time::PrimitiveDateTime::MAX } else { time::PrimitiveDateTime::MIN };
        let now = end.assume_utc();
        prop_assert!(!failure.holds(now) || failure.backs_off(now));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_encoded_entry_decodes_to_itself(entry in entry()) {
        let bytes = entry.encode(NAME);
        prop_assert_eq!(Entry::decode(&bytes, NAME), Some(entry));
    }

    #[test]
    fn a_truncated_entry_is_a_miss(bytes in encoded(), at: Index) {
        prop_assert_eq!(Entry::decode(&bytes[..at.index(bytes.len())], NAME), None);
    }

    #[test]
    fn an_entry_with_a_flipped_bit_is_a_miss(mut bytes in encoded(), at: Index, bit in 0..8_u32) {
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(Entry::decode(&bytes, NAME), None);
    }

    #[test]
    fn an_entry_of_another_identity_is_a_miss(bytes in encoded(), name in "[0-9a-f]{32}") {
        prop_assert_eq!(Entry::decode(&bytes, &name).is_some(), name == NAME);
    }

    #[test]
    fn a_damaged_entry_is_a_miss((whole, spoilt) in encoded().prop_flat_map(|whole| (Just(whole.clone()), damaged(Just(whole))))) {
        prop_assert_eq!(Entry::decode(&spoilt, NAME).is_some(), spoilt == whole);
    }

    #[test]
    fn arbitrary_bytes_are_a_miss(bytes in bytes()) {
        prop_assert_eq!(Entry::decode(&bytes, NAME), None);
    }

    /// With a correct sum over a wrong object. An attacker who can compute the sum can choose the token, but cannot break
    /// an output format.
    #[test]
    fn a_forged_entry_has_a_valid_token_or_none(json in prop_oneof![
        bytes(),
        damaged(entry().prop_map(|entry| serde_json::to_vec(&entry).unwrap())),
        text().prop_map(|token| serde_json::json!({
            "revision": "", "refresh_token": null, "failure": null, "rejections": [],
            "token": {"access_token": token, "obtained_at": 0, "expires_at": null},
        }).to_string().into_bytes()),
    ]) {
        let bytes = [header(NAME, &json).as_bytes(), &json, b"\n"].concat();
        let token = Entry::decode(&bytes, NAME).and_then(|entry| entry.token);
        prop_assert!(token.is_none_or(|token| is_bearer_token(token.value.expose())));
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_of_an_entry_is_a_miss() {
    let failure = CachedFailure {
        error: Error::temporary("it failed").hint("try again"),
        at: OffsetDateTime::UNIX_EPOCH,
        until: OffsetDateTime::UNIX_EPOCH,
        backoff_until: OffsetDateTime::UNIX_EPOCH,
        fingerprint: None,
        source: None,
        timeout_ms: 8000,
    };
    let token = AccessToken::given(Secret::from("T".to_owned()), OffsetDateTime::UNIX_EPOCH);
    let entry = Entry {
        revision: "1".to_owned(),
        token: Some(token),
        failure: Some(failure.clone()),
        rejections: vec![failure],
        sent_assertions: vec!["a".to_owned()],
        ..Entry::default()
    };
    let bytes = entry.encode(NAME);
    assert_eq!(Entry::decode(&bytes, NAME).as_ref(), Some(&entry));
    for at in 0..bytes.len() {
        assert_eq!(Entry::decode(&bytes[..at], NAME), None);
        for bit in 0..8 {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << bit;
            assert_eq!(Entry::decode(&flipped, NAME), None);
        }
    }
}

#[test]
fn a_failure_applies_until_its_end_unless_it_is_from_the_future() {
    for (age, left, expected) in
        [(0, 1, true), (5, 1, true), (0, 0, false), (5, -1, false), (-60, 99, true), (-61, 99, false)]
    {
        assert_eq!(failure(ErrorKind::Temporary, age, left).holds(NOW), expected, "{age} {left}");
    }
}

#[test]
fn a_caller_with_a_usable_token_backs_off_for_the_longer_of_the_two_times() {
    for (age, left, backoff_left, expected) in [
        (0, 0, 1, true),
        (0, 1, 0, true),
        (0, 0, 0, false),
        (0, -1, -1, false),
        (-60, 99, 99, true),
        (-61, 99, 99, false),
    ] {
        let failure = CachedFailure { backoff_until: at(backoff_left), ..failure(ErrorKind::Temporary, age, left) };
        assert_eq!(failure.backs_off(NOW), expected, "{age} {left} {backoff_left}");
    }
}

/// The format is the same as before secret stores existed, so old and new versions can read each other's entries.
#[test]
fn a_refresh_token_without_a_store_is_plain_text() {
    let entry = Entry { refresh_token: Some(refresh_token("R")), ..Entry::default() };
    let bytes = entry.encode(NAME);
    let expected = r#""refresh_token":{"refresh_token":"R","expires_at":null,"client_mark":"client"},"failure""#;
    assert!(str::from_utf8(&bytes).unwrap().contains(expected));
}

/// Programs of other versions share the directory, so their files must be distinguishable.
#[test]
fn the_first_line_names_the_program_and_the_version() {
    let bytes = Entry::default().encode(NAME);
    let text = str::from_utf8(&bytes).unwrap();
    assert!(text.starts_with("spotinst-cred 1 ") && text.ends_with("}\n") && text.lines().count() == 2, "{text}");
    assert_eq!(Entry::decode(&bytes, NAME), Some(Entry::default()));
}

#[test]
fn an_entry_with_the_right_sum_has_no_invalid_token() {
    for (token, account, expected) in
        [("T", None, true), ("T", Some("act-1"), true), ("T\n", None, false), ("T", Some("a b"), false)]
    {
        let value = Secret::from(token.to_owned());
        let token = AccessToken { account: account.map(str::to_owned), ..AccessToken::given(value, NOW) };
        let bytes = Entry { token: Some(token), ..Entry::default() }.encode(NAME);
        assert_eq!(Entry::decode(&bytes, NAME).is_some(), expected, "{account:?}");
    }
}
