//! Every entry comes back as it was; whatever was done to its bytes is a miss.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::error::{Error, ErrorKind};
use crate::strategies::{bytes, config, damaged, text};
use crate::sys::secret::Secret;
use crate::token::is_bearer_token;

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

fn refresh_token() -> impl Strategy<Value = RefreshToken> {
    (text(), option::of(moment()), option::of(text()), any::<bool>()).prop_map(
        |(value, expires_at, client_fingerprint, maybe_spent)| RefreshToken {
            value: Secret::from(value),
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
        option::of(refresh_token()),
        option::of(cached_failure()),
        vec(cached_failure(), 0..4),
    )
        .prop_map(|(revision, token, refresh_token, failure, rejections)| Entry {
            revision,
            token,
            refresh_token,
            failure,
            rejections,
        })
}

fn encoded() -> impl Strategy<Value = Vec<u8>> {
    entry().prop_map(|entry| entry.encode(NAME).to_vec())
}

proptest! {
    #![proptest_config(config())]

    /// A clock that is broken beyond all measure is no reason to panic.
    #[test]
    fn a_failure_can_be_judged_at_the_ends_of_time(failure in cached_failure(), is_late in any::<bool>()) {
        let end = if is_late { time::PrimitiveDateTime::MAX } else { time::PrimitiveDateTime::MIN };
        let now = end.assume_utc();
        prop_assert!(!failure.holds(now) || failure.backs_off(now));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read(entry in entry()) {
        let bytes = entry.encode(NAME);
        prop_assert_eq!(Entry::decode(&bytes, NAME), Some(entry));
    }

    #[test]
    fn a_truncated_entry_is_none(bytes in encoded(), at: Index) {
        prop_assert_eq!(Entry::decode(&bytes[..at.index(bytes.len())], NAME), None);
    }

    #[test]
    fn a_flipped_bit_makes_it_none(mut bytes in encoded(), at: Index, bit in 0..8_u32) {
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(Entry::decode(&bytes, NAME), None);
    }

    #[test]
    fn an_entry_of_another_identity_is_none(bytes in encoded(), name in "[0-9a-f]{32}") {
        prop_assert_eq!(Entry::decode(&bytes, &name).is_some(), name == NAME);
    }

    #[test]
    fn damage_makes_it_none((whole, spoilt) in encoded().prop_flat_map(|whole| (Just(whole.clone()), damaged(Just(whole))))) {
        prop_assert_eq!(Entry::decode(&spoilt, NAME).is_some(), spoilt == whole);
    }

    #[test]
    fn any_bytes_are_none(bytes in bytes()) {
        prop_assert_eq!(Entry::decode(&bytes, NAME), None);
    }

    /// With the right sum over the wrong object: who can compute it may do so, but not break out of a format.
    #[test]
    fn a_forged_entry_holds_a_bearer_token_or_none(json in prop_oneof![
        bytes(),
        damaged(entry().prop_map(|entry| serde_json::to_vec(&entry).unwrap())),
        text().prop_map(|token| serde_json::json!({
            "revision": "", "refresh_token": null, "failure": null,
            "token": {"access_token": token, "obtained_at": 0, "expires_at": null},
        }).to_string().into_bytes()),
    ]) {
        let bytes = [header(NAME, &json).as_bytes(), &json, b"\n"].concat();
        let token = Entry::decode(&bytes, NAME).and_then(|entry| entry.token);
        prop_assert!(token.is_none_or(|token| is_bearer_token(token.value.expose())));
    }
}

#[test]
fn every_truncation_and_every_bit_of_one_entry() {
    let failure = CachedFailure {
        error: Error::temporary("it failed").hint("try again"),
        at: OffsetDateTime::UNIX_EPOCH,
        until: OffsetDateTime::UNIX_EPOCH,
        backoff_until: OffsetDateTime::UNIX_EPOCH,
        fingerprint: None,
        source: None,
        timeout_ms: 8000,
    };
    let token = AccessToken::permanent(Secret::from("T".to_owned()), OffsetDateTime::UNIX_EPOCH);
    let entry = Entry {
        revision: "1".to_owned(),
        token: Some(token),
        refresh_token: None,
        failure: Some(failure.clone()),
        rejections: vec![failure],
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
