//! Redacts secrets in a server's message. Some servers repeat the request in it, encoded or decoded.

use std::collections::{BTreeSet, HashSet};

const MARK: &str = "[redacted]";

/// The minimum length of a secret to redact. Shorter ones would match parts of ordinary words.
const MIN_LENGTH: usize = 4;

/// Redacts the secret in the text, in plain and form-encoded form.
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

/// The number of bytes by which a part of a long secret is recognized.
const PART: usize = 16;

/// Redacts parts of a long secret, because a server may repeat only its beginning. Returns nothing if a part remains in
/// another encoding.
pub fn without_parts(text: String, secret: &str) -> Option<String> {
    let known: HashSet<_> = secret.as_bytes().windows(PART).collect();
    let mut kept = String::with_capacity(text.len());
    // Up to this position the text is part of the secret.
    let mut end = 0;
    for (at, character) in text.char_indices() {
        if text.as_bytes().get(at..at + PART).is_some_and(|part| known.contains(part)) {
            if end <= at {
                kept.push_str(MARK);
            }
            end = at + PART;
        }
        if at >= end {
            kept.push(character);
        }
    }
    let (secrets, texts) = (decodings(secret, &[MIXED]), decodings(&kept, &ENCODINGS));
    let known: HashSet<_> = parts(&secrets).collect();
    let holds_part = parts(&texts).any(|part| known.contains(part));
    (!holds_part).then_some(kept)
}

fn parts(texts: &BTreeSet<String>) -> impl Iterator<Item = &[u8]> {
    texts.iter().flat_map(|text| text.as_bytes().windows(PART))
}

/// The number of encoding layers to search; the text itself is the first.
const MAX_LAYERS: usize = 4;

/// The encodings of a layer, as the characters that begin an encoded character: percent encoding, forms, JSON, HTML, or
/// a mixture if parts were encoded separately.
const ENCODINGS: [&str; 5] = ["%", "%+", "\\", "&", MIXED];
const MIXED: &str = "%+\\&";

/// Whether any decoding of the text contains the secret: HTML entities, JSON escapes, percent encoding, several layers
/// of them, and changed whitespace.
pub fn holds(text: &str, secret: &str) -> bool {
    if secret.len() < MIN_LENGTH {
        return false;
    }
    // A secret that looks encoded is decoded together with the text.
    let mut secrets = decodings(secret, &[MIXED]);
    secrets.retain(|secret| secret.len() >= MIN_LENGTH);
    decodings(text, &ENCODINGS).iter().any(|text| secrets.iter().any(|secret| text.contains(secret)))
}

/// The text and all its possible decodings, without whitespace.
fn decodings(text: &str, encodings: &[&str]) -> BTreeSet<String> {
    let mut all = BTreeSet::from([text.to_owned()]);
    for _ in 1..MAX_LAYERS {
        let next = |text: &String| encodings.iter().map(|encoding| decoded(text, encoding)).collect::<Vec<_>>();
        let next: Vec<_> = all.iter().flat_map(next).collect();
        all.extend(next);
    }
    all.iter().map(|text| text.split_whitespace().collect()).collect()
}

/// Removes one layer of this encoding.
fn decoded(text: &str, encoding: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let encoded = encoding.contains(first).then(|| decoded_start(rest)).flatten();
        let (character, length) = encoded.unwrap_or((Decoded::Char(first), first.len_utf8()));
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

/// Decodes the encoded character at the start of the text, and returns its encoded length.
fn decoded_start(text: &str) -> Option<(Decoded, usize)> {
    const NAMED: [(&str, char); 6] =
        [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\''), ("&nbsp;", ' ')];
    match text.as_bytes() {
        [b'%', high, low, ..] => Some((Decoded::Byte(u8::try_from(escape(*high, *low)?).ok()?), 3)),
        [b'+', ..] => Some((Decoded::Char(' '), 1)),
        [b'\\', b'u', ..] => {
            let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
            // A character beyond U+FFFF is encoded as two UTF-16 units.
            let units = [Some(unit(text)?), text.get(6..).and_then(unit)];
            let character = char::decode_utf16(units.into_iter().flatten()).next()?.ok()?;
            Some((Decoded::Char(character), 6 * character.len_utf16()))
        }
        [b'\\', b'b', ..] => Some((Decoded::Char('\u{8}'), 2)),
        [b'\\', b'f' | b'n' | b'r' | b't', ..] => Some((Decoded::Char(' '), 2)),
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

/// The length in bytes of the secret at the start of the text, form-encoded or not. Encoders differ in which characters
/// they encode.
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
    use super::{holds, without, without_parts};

    #[test]
    fn every_part_of_a_long_secret_is_redacted() {
        let secret = "<a:Response ID=\"1\">signature of an identity provider, and more</a:Response>";
        let mark = "[redacted]";
        for (echo, expected) in [
            (secret.to_owned(), Some(mark.to_owned())),
            (format!("no: {secret}!"), Some(format!("no: {mark}!"))),
            (format!("{} and {}", &secret[..30], &secret[40..56]), Some(format!("{mark} and {mark}"))),
            ("ö signature of an id ö".to_owned(), Some(format!("ö {mark} ö"))),
            ("the signature is wrong".to_owned(), Some("the signature is wrong".to_owned())),
            (String::new(), Some(String::new())),
            ("%73ignature%20of%20an%20identity%20provider".to_owned(), None),
            ("signature\nof an\nidentity".to_owned(), None),
            (secret.replace('<', "&lt;").replace(' ', "+"), None),
        ] {
            let actual = without_parts(echo.clone(), secret);
            assert_eq!(actual, expected, "{echo}");
        }
    }

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
        assert!(holds(r"no p\ud83d\ude00ss!", "p😀ss"), "a character beyond U+FFFF");
        assert!(holds(r"no a\tb\bcd!", "a\tb\u{8}cd"), "control characters");
        assert!(!holds(r"no p\ud83dss!", "p😀ss"), "half of a character");
        assert!(holds("no a%5C%26amp%3Bquot%3Bb+c!", r#"a\"b c"#), "each layer by its own encoder");
        assert!(holds("no ab%26amp%3Bquot%3B10%25dd!", r#"ab"10%dd"#), "each layer by its own encoder");
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
    fn only_secrets_of_at_least_four_bytes_are_redacted() {
        for (secret, expected) in [("abc", "an abcd"), ("abcd", "an [redacted]"), ("an abcd", "[redacted]")] {
            assert_eq!(without("an abcd".to_owned(), secret), expected, "{secret}");
        }
    }

    #[test]
    fn a_percent_sign_without_an_escape_is_itself() {
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
