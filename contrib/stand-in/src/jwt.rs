//! Tokens that look like the service's own, for all that a client can tell: it has no key to verify them with.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;

/// The alphabet of base64url (RFC 4648, section 5).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Numbers the tokens of this process, so that no two are alike, whichever stand-in issues them.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// A new token, valid from `now` on for `lifetime`; both count in whole seconds.
///
/// The payload has the members of the documented sample (a negative `uid`, an `oid` beyond 32 bits) and a `jti` that
/// makes it unique. The signature only has a signature's length.
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
    let header = base64url(br#"{"typ":"JWT","alg":"HS256"}"#);
    let payload = base64url(payload.to_string().as_bytes());
    let signature = base64url(format!("{serial:032}").as_bytes());
    format!("{header}.{payload}.{signature}")
}

/// Base64url without padding, as JWS has it (RFC 7515, section 2).
fn base64url(bytes: &[u8]) -> String {
    bytes.chunks(3).flat_map(encode_group).collect()
}

/// The two to four characters of one to three bytes.
fn encode_group(group: &[u8]) -> impl Iterator<Item = char> {
    let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
    let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    let digit = move |at: usize| ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
    (0..=group.len()).map(move |at| char::from(digit(at)))
}
