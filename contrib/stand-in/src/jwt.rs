//! Tokens that a client cannot tell from the service's own, as it has no key to verify them with.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

/// Makes all tokens of this process differ, across stand-ins.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// A new token, valid from `now` on for `lifetime`; both count in whole seconds.
///
/// The payload has the members of the documented sample (a negative `uid`, an `oid` above 32 bits) and a unique `jti`.
/// The signature is not one, but has the length of one.
#[must_use]
pub fn mint(now: SystemTime, lifetime: Duration) -> String {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let issued = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let payload = json!({
        "iss": "spotinst",
        "uid": -8,
        "oid": 606_079_861_911_u64,
        "role": 2,
        "exp": (issued + lifetime).as_secs(),
        "iat": issued.as_secs(),
        "jti": format!("{}-{serial}", process::id()),
    });
    let parts = [r#"{"typ":"JWT","alg":"HS256"}"#.to_owned(), payload.to_string(), format!("{serial:032}")];
    parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".")
}
