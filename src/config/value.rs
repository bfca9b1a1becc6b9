//! The kinds of values that settings have, and the failure of one that does not parse. The failure names the setting
//! and where the value came from, and repeats the value only where it cannot be a secret.

use std::time::Duration;

use crate::error::Error;
use crate::sourced::Sourced;
use crate::text::one_line;
use crate::token::is_account;
use crate::url::Endpoint;

/// Longer than any duration that makes sense here; so that no sum of durations and moments can overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A length of time as people write it: `30s`, `15m`, `1h`, `1h 30m`.
///
/// # Errors
/// It does not parse, or is longer than ten years.
pub fn duration(what: &str, given: &Sourced<String>) -> Result<Duration, Error> {
    let problem = match humantime::parse_duration(given.value.trim()) {
        Ok(duration) if duration <= LONGEST => return Ok(duration),
        Ok(_) => "longer than ten years",
        Err(_) => "not a duration",
    };
    let problem = format!("the {what} from {} is {problem}: \"{}\"", given.source, one_line(&given.value));
    Err(Error::config(problem).hint("write a number with its unit, such as 30s, 15m or 1h"))
}

/// A length of time that must not be zero.
///
/// # Errors
/// It does not parse, is zero, or is longer than ten years.
pub fn time_limit(what: &str, given: &Sourced<String>) -> Result<Duration, Error> {
    let limit = duration(what, given)?;
    if limit.is_zero() {
        let problem = format!("the {what} from {} is zero: nothing could ever be done in time", given.source);
        return Err(Error::config(problem).hint("write such as 8s"));
    }
    Ok(limit)
}

/// A Spotinst account id, of an alphabet that cannot break out of any format.
///
/// # Errors
/// It has other characters, or none.
pub fn account(given: &Sourced<String>) -> Result<String, Error> {
    if is_account(&given.value) {
        return Ok(given.value.clone());
    }
    let problem = format!("the account from {} is not an account id: \"{}\"", given.source, one_line(&given.value));
    Err(Error::config(problem).hint("it looks like act-12345678: letters, digits, `.`, `_` and `-` only"))
}

/// The URL of a token endpoint or of the API; it looks like `usual`.
///
/// # Errors
/// It is not `https`, nor `http` to a loopback address; the value is not repeated, as it may hold a password.
pub fn endpoint(what: &str, given: &Sourced<String>, usual: &str) -> Result<Endpoint, Error> {
    Endpoint::parse(&given.value).map_err(|problem| {
        Error::config(format!("the {what} from {} {problem}", given.source)).hint(format!("it looks like {usual}"))
    })
}
