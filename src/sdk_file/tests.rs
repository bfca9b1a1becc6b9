//! Any text as SDK file: no panic, and never a value of another section.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::strategies::{config, damaged_text, text};

const INI: &str = "; comment\n[default]\ntoken = T1\naccount=act-1\n\n[other]\ntoken: \"T2\"\r\naccount = 'act-2'\n";
const YAML: &str = "# comment\ndefault:\n  token: T1\n  account: 'act-1'\nother: {token: \"T2\", account: act-2}\n";
const JSON: &str = "{\n\t\"token\": \"T1\",\n\t\"account\": \"act-1\",\n\t\"other\": {\"token\": \"T2\"}\n}\n";

fn token(text: &str, section: &str) -> Option<String> {
    Some(SdkFile::parse(text).ok()?.get(section, TOKEN)?.value.expose().to_owned())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text(text in text(), section in text()) {
        prop_assert!(token(&text, &section).is_none_or(|token| !token.is_empty()));
    }

    #[test]
    fn any_damage(text in prop_oneof![damaged_text(INI), damaged_text(YAML), damaged_text(JSON)]) {
        prop_assert!(token(&text, DEFAULT_SECTION).is_none_or(|token| !token.is_empty()));
    }

    #[test]
    fn each_section_has_its_own_token(
        names in proptest::collection::btree_set("[a-z]{1,8}", 1..5),
        value in "[A-Za-z0-9.-]{1,20}",
    ) {
        let ini: String = names.iter().map(|name| format!("[{name}]\n# token = no\ntoken = {value}{name}\n")).collect();
        let yaml: String = names.iter().map(|name| format!("'{name}':\n  token: '{value}{name}'\n")).collect();
        for name in &names {
            prop_assert_eq!(token(&ini, name), Some(format!("{value}{name}")));
            prop_assert_eq!(token(&yaml, name), Some(format!("{value}{name}")));
        }
        prop_assert_eq!(token(&ini, "NONE"), None);
        prop_assert_eq!(token(&yaml, "NONE"), None);
    }
}

#[test]
fn each_shape_has_sections_and_lines() {
    for (text, lines) in [(INI, [3, 4, 7]), (YAML, [3, 4, 5]), (JSON, [2, 3, 4])] {
        let file = SdkFile::parse(text).unwrap();
        let found = [(DEFAULT_SECTION, TOKEN), (DEFAULT_SECTION, ACCOUNT), ("other", TOKEN)]
            .map(|(section, key)| file.get(section, key).unwrap());
        assert_eq!(found.map(|entry| entry.value.expose()), ["T1", "act-1", "T2"], "{text}");
        assert_eq!(found.map(|entry| entry.line), lines, "{text}");
        assert_eq!(file.sections(), [DEFAULT_SECTION, "other"], "{text}");
    }
}

#[test]
fn values_below_a_section_are_ignored() {
    for text in [
        "default:\n  more:\n    token: T\n",
        "default:\n  [token, T]\n",
        "- token: T\n",
        "- default:\n    token: T\n",
        "? [token]\n: T\n",
        "default: token\n",
        "default:\n  ? {a: b}\n  : token\n  T: x\n",
    ] {
        assert_eq!(token(text, DEFAULT_SECTION), None, "{text}");
    }
    let text = "a: [1, {token: X}]\n? [b, {c: d}]\n: {token: Y}\ndefault:\n  e: {token: Z}\n  token: T\n";
    assert_eq!(token(text, DEFAULT_SECTION).unwrap(), "T");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for open in ["[", "{a: ", "- ", "? ", "a:\n "] {
        SdkFile::parse(&open.repeat(100_000)).ok();
    }
}

#[test]
fn an_error_names_the_line() {
    let error = |text| SdkFile::parse(text).unwrap_err();
    let (yaml, json) = ("is not valid YAML", "is not valid JSON");
    assert_eq!(error("default:\n\ttoken: T\n"), ParseError { problem: yaml, line: 2 });
    assert_eq!(error("default:\n  token: \"T\n"), ParseError { problem: yaml, line: 2 });
    assert_eq!(error("{\"token\":\n \"T\" 1}"), ParseError { problem: json, line: 2 });
    let alias = ParseError { problem: "has a YAML alias, which is not supported", line: 4 };
    assert_eq!(error("default:\n  token: &t T\nprod:\n  token: *t\n"), alias);
}
