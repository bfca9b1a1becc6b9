//! Any text as configuration: no panic, and an error message on one line without secrets.

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::strategies::{config, damaged_text, is_one_line, text};

const VALID: &str = r#"default_profile = "work"
[profiles.work]
username = "ada"
password = "S3NTINEL"
client_id = "c"
client_secret_command = ["pass", "show", "S3NTINEL"]
account = "act-1"
ca_file = "~/ca.pem"
command_timeout = "60s"
[profiles.other]
token = "S3NTINEL"
"#;

fn assert_harmless(text: &str) -> bool {
    let config = Reader::new(Path::new("/config.toml"), text).config();
    match config.and_then(|config| config.profiles.into_values().collect::<Result<Vec<_>>>()) {
        Ok(_) => true,
        Err(failure) => {
            assert_eq!(failure.kind, ErrorKind::Config);
            let hint = failure.hint.clone().unwrap_or_else(|| "none".to_owned());
            for line in [&failure.message, &hint] {
                assert!(is_one_line(line), "{line:?}");
                assert!(!line.contains("S3NTINEL"), "{line:?}");
            }
            assert!(failure.message.contains("/config.toml:"), "{failure}");
            false
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text(text in text()) {
        assert_harmless(&text);
    }

    #[test]
    fn any_damage(text in damaged_text(VALID)) {
        // If the damage turns a secret into a key, the message may name it.
        prop_assume!(text.matches("\"S3NTINEL\"").count() == text.matches("S3NTINEL").count());
        prop_assume!(!text.lines().any(|line| line.trim_start().starts_with("\"S3NTINEL")));
        assert_harmless(&text);
    }

    #[test]
    fn any_key_and_value(key in text(), value in text()) {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        assert_harmless(&format!("[profiles.{}]\n{} = {}\n", quoted(&key), quoted(&value), quoted(&key)));
        assert_harmless(&format!("{} = {}\n", quoted(&key), quoted(&value)));
    }
}

#[test]
fn the_undamaged_text_is_valid() {
    assert!(assert_harmless(VALID));
}
