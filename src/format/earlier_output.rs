//! Decides whether `--output` may replace a file.

use std::collections::BTreeSet;
use std::time::Duration;

use time::OffsetDateTime;

use super::{Credential, Format, Renderer};
use crate::sdk_file;
use crate::sys::secret::Secret;
use crate::token::{AccessToken, jwt_expiry, span};

/// A token that expires later than this is not replaced.
const TEMPORARY: Duration = Duration::from_secs(24 * 60 * 60);

/// The characters between words in all formats.
const SEPARATORS: &str = "[]{}\"':;=,$#";

/// Whether replacing the old text loses nothing. It must be an earlier output in the same format, with a token that
/// expires soon or is also in the new output: every word of it is part of the format, such a token, an account or a
/// time. An SDK file that this program wrote and nobody edited can be replaced regardless of its token.
pub fn is_replaceable(old: &str, format: Format, renderer: &Renderer, credential: &Credential<'_>) -> bool {
    // An SDK file gets a mark, after which its token is ignored as a source: do not replace the same token.
    let kept = if format.is_sdk_file() { "" } else { credential.token().trim_end_matches('=') };
    let full = full_output(renderer, credential);
    let known: BTreeSet<&str> = words(&full).chain([kept]).chain(credential.account).collect();
    sdk_file::is_as_written(old) || words(old).all(|word| known.contains(word) || is_worthless(word, credential.now))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || SEPARATORS.contains(c)).filter(|word| !word.is_empty())
}

/// The output with all optional fields, but without token and account.
fn full_output(renderer: &Renderer, credential: &Credential<'_>) -> String {
    let token = AccessToken {
        value: Secret::from(String::new()),
        expires_at: Some(credential.now),
        ..AccessToken::clone(credential.token)
    };
    let full = Credential { token: &token, account: Some(""), ..*credential };
    String::from_utf8(renderer.render(&full)).unwrap_or_default()
}

fn is_worthless(word: &str, now: OffsetDateTime) -> bool {
    let is_temporary = jwt_expiry(word).is_some_and(|at| span(now, at) <= TEMPORARY);
    // A part of `2026-11-23T20:00:00Z`, or a number of seconds; nothing longer.
    let is_time =
        word.len() <= "2026-11-23T20".len() && word.bytes().all(|b| b.is_ascii_digit() || b"-TZ".contains(&b));
    is_temporary || is_time || word.starts_with("act-")
}
