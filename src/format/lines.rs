//! Line-based formats. Neither token nor account can hold a character that ends a line, a value or a comment: see
//! `token::is_bearer_token` and `token::is_account`.

use super::credential::Credential;

pub fn token(credential: &Credential<'_>) -> Vec<u8> {
    format!("{}\n", credential.token()).into_bytes()
}

/// The header of RFC 6750, section 2.1.
pub fn header(credential: &Credential<'_>) -> Vec<u8> {
    format!("Authorization: Bearer {}\n", credential.token()).into_bytes()
}

/// An environment file. Unquoted, because `docker --env-file` takes quotes as part of the value.
pub fn dotenv(credential: &Credential<'_>) -> Vec<u8> {
    credential.variables(|name, value| format!("{name}={value}\n"))
}

/// The SDKs' credentials file as INI.
pub fn ini(credential: &Credential<'_>) -> Vec<u8> {
    let account = credential.account.unwrap_or_default();
    format!("[{}]\ntoken = {}\naccount = {account}\n", credential.section, credential.token()).into_bytes()
}

/// The SDKs' credentials file as YAML, the only form that the Serverless Framework plugin reads.
pub fn yaml(credential: &Credential<'_>) -> Vec<u8> {
    let account = yaml_text(credential.account.unwrap_or_default());
    let [section, token] = [credential.section, credential.token()].map(yaml_text);
    format!("{section}:\n  token: {token}\n  account: {account}\n").into_bytes()
}

/// A token, account or section as YAML. It is quoted if a YAML 1.1 or 1.2 parser would read it as a number, date,
/// boolean or null. A hexadecimal token may consist of digits and one `e`.
fn yaml_text(text: &str) -> String {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let bare = text.trim_start_matches(['-', '+']);
    let is_number = bare.bytes().all(|b| b.is_ascii_digit() || b"._+-eE".contains(&b))
        || (bare.starts_with('0') && bare.as_bytes().get(1).is_some_and(|b| b"xXoObB".contains(b)));
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_number || is_word || text.starts_with(['.', '~', '-']) { format!("'{text}'") } else { text.to_owned() }
}
