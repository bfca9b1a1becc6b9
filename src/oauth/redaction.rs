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

/// So many layers of encoding are looked through.
const MAX_LAYERS: usize = 4;

/// Whether any decoding of the text holds the secret: HTML entities, JSON escapes, percent encoding, several of them in
/// layers, and blanks that were changed.
pub fn holds(text: &str, secret: &str) -> bool {
    if secret.len() < MIN_LENGTH {
        return false;
    }
    let layers = |text: &str| {
        let mut layers = vec![text.to_owned()];
        while let Some(last) = layers.last()
            && layers.len() < MAX_LAYERS
        {
            layers.push(decoded(last));
        }
        layers.iter().map(|layer| layer.split_whitespace().collect::<String>()).collect::<Vec<_>>()
    };
    // A secret that looks encoded is decoded along with the text.
    let secrets = layers(secret);
    layers(text).iter().any(|text| secrets.iter().any(|secret| secret.len() >= MIN_LENGTH && text.contains(secret)))
}

/// The text with one layer of encoding taken off, of whatever kind.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (character, length) = decoded_start(rest).unwrap_or((Decoded::Char(first), first.len_utf8()));
        match character {
            Decoded::Byte(byte) => bytes.push(byte),
            Decoded::Char(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

enum Decoded {
    Byte(u8),
    Char(char),
}

/// What the encoded character at the start of the text stands for, and its length.
fn decoded_start(text: &str) -> Option<(Decoded, usize)> {
    const NAMED: [(&str, char); 6] =
        [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\''), ("&nbsp;", ' ')];
    match text.as_bytes() {
        [b'%', high, low, ..] => Some((Decoded::Byte(u8::try_from(escape(*high, *low)?).ok()?), 3)),
        [b'+', ..] => Some((Decoded::Char(' '), 1)),
        [b'\\', b'u', ..] => {
            let code = u32::from_str_radix(text.get(2..6)?, 16).ok()?;
            Some((Decoded::Char(char::from_u32(code)?), 6))
        }
        [b'\\', escaped, ..] if escaped.is_ascii_punctuation() => Some((Decoded::Char(char::from(*escaped)), 2)),
        [b'&', b'#', ..] => {
            let (number, _) = text.get(2..)?.split_once(';').filter(|(number, _)| number.len() <= 8)?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            Some((Decoded::Char(char::from_u32(code)?), number.len() + 3))
        }
        [b'&', ..] => {
            let (name, character) = NAMED.into_iter().find(|(name, _)| text.starts_with(name))?;
            Some((Decoded::Char(character), name.len()))
        }
        _ => None,
    }
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
    use super::{holds, without};

    #[test]
    fn a_secret_is_found_in_any_decoding() {
        let secret = r#"p&s/w "ö" 100%"#;
        for echo in [
            "p&amp;s/w &quot;ö&quot; 100%",
            "p&#38;s/w &#x22;&#246;&#34; 100&#37;",
            r#"p\u0026s\/w \"\u00f6\" 100%"#,
            "p%2526s%252Fw%2520%2522%25C3%25B6%2522%2520100%2525",
            "p&s/w   \"ö\"\n100%",
            "p&amp;amp;s/w+&amp;quot;ö&amp;quot;+100%25",
        ] {
            assert!(holds(&format!("<b>no {echo}!</b>"), secret), "{echo}");
        }
        assert!(!holds("p&s/w \"o\" 100%", secret));
        assert!(!holds("a%20message &amp; \\u0041 rest", secret));
        assert!(holds("it was %2541bc", "%41bc"), "a secret that looks encoded");
        assert!(!holds("abc", "abc"), "too short to tell");
    }

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
    fn a_secret_is_found_under_up_to_three_layers_of_encoding() {
        for (echo, expected) in [
            ("ab/d", true),
            ("ab%2Fd", true),
            ("ab%252Fd", true),
            ("ab%25252Fd", true),
            ("ab%2525252Fd", false),
            (r"ab\/d", true),
            (r"a\b/d", false),
        ] {
            assert_eq!(holds(echo, "ab/d"), expected, "{echo}");
        }
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
