//! Formats text for one line of a terminal, for a shell, or for a file name.

use std::time::Duration;

/// Untrusted text (from a server or a file) on one line: without control characters, which could control the
/// terminal, and at most 300 characters long.
pub fn one_line(text: &str) -> String {
    const MAX_CHARS: usize = 300;
    let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    let mut line = words.collect::<Vec<_>>().join(" ");
    if line.chars().count() > MAX_CHARS {
        line = line.chars().take(MAX_CHARS).collect();
        line.push('…');
    }
    line
}

/// Untrusted lines for a terminal: control characters, which could control it, become U+FFFD.
pub fn printable(lines: &str) -> String {
    lines.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

/// The text as one word of a shell command that a person pastes.
pub fn shell_word(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/@%+=:,".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", one_line(text).replace('\'', r"'\''"))
}

/// The most similar known word, if one is similar enough.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // The same threshold as clap's suggestions.
    const SIMILAR: f64 = 0.7;
    let known = known.into_iter().map(|known| (strsim::jaro(word, known), known));
    let similar = known.filter(|(similarity, _)| *similarity > SIMILAR);
    similar.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known)
}

/// A duration for people, with at most two units: `9 s`, `1 min 35 s`, `1 h 42 min`, `1 day 5 h`, `13 days`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (big, small) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => ((seconds / 60, "min"), (seconds % 60, "s")),
        3600..86_400 => ((seconds / 3600, "h"), (seconds % 3600 / 60, "min")),
        86_400..172_800 => ((1, "day"), (seconds % 86_400 / 3600, "h")),
        _ => return format!("{} days", seconds / 86_400),
    };
    let part = |(count, unit): (u64, &str)| (count > 0).then(|| format!("{count} {unit}"));
    [big, small].into_iter().filter_map(part).collect::<Vec<_>>().join(" ")
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble });
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_at_most_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (95, "1 min 35 s"),
            (3599, "59 min 59 s"),
            (3600, "1 h"),
            (6159, "1 h 42 min"),
            (86_400, "1 day"),
            (172_799, "1 day 23 h"),
            (172_800, "2 days"),
            (1_209_599, "13 days"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_nearest_word_must_be_similar() {
        let known = ["username", "password", "password_file"];
        assert_eq!(nearest("user_name", known), Some("username"));
        assert_eq!(nearest("pasword", known), Some("password"));
        assert_eq!(nearest("x", known), None);
    }
}
