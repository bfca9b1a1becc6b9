//! What redaction lets through holds no decoding of a secret.

use std::fmt::Write;

use url::form_urlencoded;

use super::input::parts;
use crate::oauth::request::{Grant, GrantRequest};
use crate::sys::secret::Secret;
use crate::url::Endpoint;

/// So many layers of encoding are seen through.
const MAX_LAYERS: usize = 3;

/// Shorter secrets are not looked for, blanks apart.
const MIN_LENGTH: usize = 4;

/// The encodings from the inside to the outside, a letter each; a secret; what a server says before and after it.
pub fn redaction(data: &[u8]) {
    let Some([encodings, secret, before, after]) = parts(data) else { return };
    if encodings.len() > MAX_LAYERS || secret.split_whitespace().collect::<String>().len() < MIN_LENGTH {
        return;
    }
    // Where the text around it makes other characters of an echo, no reader could decode it.
    if !before.is_empty() && !before.ends_with([' ', '=', ':', '"', '>', '('])
        || !after.is_empty() && !after.starts_with([' ', '&', ',', '"', '<', ')'])
    {
        return;
    }
    let Some(echo) = encodings.bytes().try_fold(secret.to_owned(), |text, how| encoded(&text, how)) else { return };
    let endpoint = Endpoint::parse("https://oauth.spotinst.io/token").unwrap();
    let (password, client_secret) = (Secret::from(secret.to_owned()), Secret::from("client-secret".to_owned()));
    let grant = Grant::Password { username: "ada", password: &password };
    let request =
        GrantRequest { endpoint: &endpoint, grant, client_id: Some("client"), client_secret: Some(&client_secret) };
    if let Some(shown) = request.redacted(format!("{before}{echo}{after}")) {
        // The mark of a redaction, and what stood around the echo, may be the secret by chance.
        let is_chance = "[redacted]".contains(secret) || format!("{before}\0{after}").contains(&echo);
        assert!(is_chance || !shown.contains(&echo), "{secret:?} as {echo:?} is shown: {shown:?}");
    }
}

/// One layer of an encoding; nothing for an unknown letter.
fn encoded(text: &str, how: u8) -> Option<String> {
    let is_plain = |character: &char| character.is_ascii_alphanumeric();
    let each = |encode: &dyn Fn(&mut String, char)| {
        text.chars().fold(String::new(), |mut encoded, character| {
            if is_plain(&character) {
                encoded.push(character)
            } else {
                encode(&mut encoded, character)
            }
            encoded
        })
    };
    Some(match how {
        b'p' => each(&|to, character| {
            character.to_string().bytes().for_each(|byte| write!(to, "%{byte:02X}").unwrap());
        }),
        b'P' => text.bytes().fold(String::new(), |to, byte| format!("{to}%{byte:02x}")),
        b'f' => form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        b'j' => serde_json::to_string(text).ok()?.strip_prefix('"')?.strip_suffix('"')?.to_owned(),
        // As Python's `json` and PHP's `json_encode` write it.
        b'J' => each(&|to, character| match character {
            '/' => to.push_str("\\/"),
            ' '..='~' if character != '"' && character != '\\' => to.push(character),
            other => other.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(to, "\\u{unit:04x}").unwrap()),
        }),
        b'h' => each(&|to, character| match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\'' => to.push_str("&#39;"),
            other => to.push(other),
        }),
        b'd' => each(&|to, character| write!(to, "&#{};", u32::from(character)).unwrap()),
        b'x' => each(&|to, character| write!(to, "&#x{:X};", u32::from(character)).unwrap()),
        _ => return None,
    })
}
