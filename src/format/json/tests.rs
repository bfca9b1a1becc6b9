//! Any text in `KUBERNETES_EXEC_INFO` gives a supported version or an error on one line.

use proptest::prelude::*;

use super::*;
use crate::sourced::ValueSource;
use crate::strategies::{config, damaged_text, is_one_line, text};

const VALID: &str = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"cluster":{"server":"https://x"},"interactive":false}}"#;

fn asked(info: &str) -> Result<&'static str, Error> {
    api_version(Some(Sourced { value: info.to_owned(), source: ValueSource::Variable("KUBERNETES_EXEC_INFO") }))
}

fn assert_harmless(info: &str) {
    match asked(info) {
        Ok(version) => assert!(info.contains("client.authentication.k8s.io") || info.contains('\\'), "{version}"),
        Err(failure) => assert!(is_one_line(&failure.message), "{failure:?}"),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text(info in text()) {
        assert_harmless(&info);
    }

    #[test]
    fn any_damage(info in damaged_text(VALID)) {
        assert_harmless(&info);
    }

    #[test]
    fn any_kind_and_version(kind in text(), version in text()) {
        let info = serde_json::json!({"kind": kind, "apiVersion": version});
        assert_harmless(&info.to_string());
    }
}

#[test]
fn the_version_that_is_asked_for() {
    assert_eq!(asked(VALID), Ok("client.authentication.k8s.io/v1beta1"));
    assert_eq!(asked(&VALID.replace("v1beta1", "v1")), Ok("client.authentication.k8s.io/v1"));
    assert!(asked(&VALID.replace("v1beta1", "v1alpha1")).is_err());
    assert!(asked(&"[".repeat(100_000)).is_err());
}
