//! Parses values. An error names the setting and the value's source, and shows the value only if it cannot be a
//! secret.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::settings::{Setting, ValueKind};
use crate::sourced::{Sourced, ValueSource};
use crate::text::one_line;
use crate::token::{MAX_LIFETIME, is_account};
use crate::url::Endpoint;

/// A duration as people write it: `30s`, `15m`, `1h`, `1h 30m`.
pub fn duration(setting: &Setting, text: &Sourced<String>) -> Result<Duration> {
    let (name, source) = (setting.name, &text.source);
    // An invalid value of an option is a usage error.
    let kind = if matches!(source, ValueSource::Flag(_)) { ErrorKind::Usage } else { ErrorKind::Config };
    let problem = match humantime::parse_duration(text.value.trim()) {
        Ok(duration) if duration.is_zero() && setting.kind == ValueKind::TimeLimit => {
            let problem = format!("the {name} from {source} must be greater than zero");
            return Err(Error::new(kind, problem).hint("write a duration such as 8s"));
        }
        Ok(duration) if duration <= MAX_LIFETIME => return Ok(duration),
        Ok(_) => "longer than ten years",
        Err(_) => "not a duration",
    };
    Err(Error::new(kind, format!("the {name} from {source} is {problem}: \"{}\"", one_line(&text.value)))
        .hint("write a number with its unit, such as 30s, 15m or 1h"))
}

/// Checks an account id. Its characters need no quoting in any output format.
pub fn check_account(text: &Sourced<String>) -> Result<()> {
    if is_account(&text.value) {
        return Ok(());
    }
    let problem = format!("the account from {} is not an account id: \"{}\"", text.source, one_line(&text.value));
    Err(Error::config(problem).hint("it looks like act-12345678: letters, digits, `.`, `_` and `-` only"))
}

/// The URL of a token endpoint or of the API. The value is not repeated, as it may hold a password.
pub fn endpoint(setting: &Setting, text: &Sourced<String>) -> Result<Endpoint> {
    let url = match setting.kind {
        ValueKind::BaseUrl => text.value.trim_end_matches('/'),
        _ => &text.value,
    };
    Endpoint::parse(url).map_err(|problem| {
        Error::config(format!("the {} from {} {problem}", setting.name, text.source))
            .hint(format!("it looks like {}", setting.default.unwrap_or_default()))
    })
}
