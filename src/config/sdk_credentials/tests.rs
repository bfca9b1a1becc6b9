//! Whatever stands in the SDK's file: no panic, and never a value of another profile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::strategies::{config, damaged_text, text};

const VALID: &str = "; comment\n[default]\ntoken = T1\naccount=act-1\n\n[other]\ntoken: \"T2\"\r\naccount = 'act-2'\n";

fn token(text: &str, profile: &str) -> Option<String> {
    let found = parse(text, profile, Path::new("/credentials"))?;
    match found.token.secret {
        SecretSource::Value(secret) => Some(secret.expose().to_owned()),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text(text in text(), profile in text()) {
        let found = token(&text, &profile);
        prop_assert!(found.is_none_or(|token| !token.is_empty() && !token.contains('\n') && text.contains(&token)));
    }

    #[test]
    fn any_damage(text in damaged_text(VALID)) {
        let found = token(&text, "default");
        prop_assert!(found.is_none_or(|token| !token.is_empty() && text.contains(&token)));
    }

    #[test]
    fn each_profile_has_its_own(names in proptest::collection::btree_set("[a-z]{1,8}", 1..5), value in "[A-Za-z0-9=:.-]{1,20}") {
        let section = |name: &String| format!("[{name}]\n# token = no\ntoken = {value}{name}\n");
        let text: String = names.iter().map(section).collect();
        for name in &names {
            prop_assert_eq!(token(&text, name), Some(format!("{value}{name}")));
        }
        prop_assert_eq!(token(&text, "NONE"), None);
    }
}

#[test]
fn the_valid_one() {
    assert_eq!(token(VALID, "default").unwrap(), "T1");
    assert_eq!(token(VALID, "other").unwrap(), "T2");
}
