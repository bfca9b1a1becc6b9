//! Redacts secrets in a server's message: some servers repeat the request in it, as it was sent or decoded.

const MARK: &str = "[redacted]";

/// Shorter secrets are not looked for: one of a few characters would be found in every other word.
const MIN_LENGTH: usize = 4;

/// The text without the secret, neither in the clear nor form-encoded.
pub fn without(text: String, secret: &str) -> String {
    if secret.len() < MIN_LENGTH {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let length = match encoded_length(rest.as_bytes(), secret) {
            Some(length) => {
                kept.push_str(MARK);
                length
            }
            None => {
                kept.push(first);
                first.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    kept
}

/// The length in bytes of the secret at the start of the text, form-encoded or not; each encoder chooses which
/// characters it encodes.
fn encoded_length(text: &[u8], secret: &str) -> Option<usize> {
    let mut at = 0;
    for &wanted in secret.as_bytes() {
        let rest = text.get(at..)?;
        at += match rest {
            [b'%', high, low, ..] if escape(*high, *low) == Some(u32::from(wanted)) => 3,
            [b'+', ..] if wanted == b' ' => 1,
            [byte, ..] if *byte == wanted => 1,
            _ => return None,
        };
    }
    Some(at)
}

fn escape(high: u8, low: u8) -> Option<u32> {
    Some(char::from(high).to_digit(16)? * 16 + char::from(low).to_digit(16)?)
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn a_secret_is_redacted_in_any_encoding() {
        let secret = "pass & wörd+%41";
        for echo in [secret, "pass%20%26%20w%C3%B6rd%2B%2541", "pass+%26+w%c3%b6rd%2b%2541", "p%61ss+&+wörd+%2541"] {
            assert_eq!(without(format!("password={echo}&x"), secret), "password=[redacted]&x");
            assert_eq!(without(format!("ö{echo}{echo}"), secret), "ö[redacted][redacted]");
        }
        assert_eq!(without("pass & wör".to_owned(), secret), "pass & wör");
        assert_eq!(without("50% of %".to_owned(), secret), "50% of %");
        assert_eq!(without(String::new(), secret), "");
    }

    #[test]
    fn only_a_secret_of_four_bytes_or_more_is_looked_for() {
        for (secret, expected) in [("abc", "an abcd"), ("abcd", "an [redacted]"), ("an abcd", "[redacted]")] {
            assert_eq!(without("an abcd".to_owned(), secret), expected, "{secret}");
        }
    }

    #[test]
    fn a_percent_sign_that_is_no_escape_is_itself() {
        for (text, expected) in [
            ("100%", "[redacted]"),
            ("100%25", "[redacted]"),
            ("100%2", "[redacted]2"),
            ("100%zz", "[redacted]zz"),
            ("%31%30%30%25", "[redacted]"),
            ("100%24", "[redacted]24"),
            ("100", "100"),
            ("10+%", "10+%"),
        ] {
            assert_eq!(without(text.to_owned(), "100%"), expected, "{text}");
        }
    }
}
