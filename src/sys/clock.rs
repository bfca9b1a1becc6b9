//! Reads the wall clock. No other module does.

use time::OffsetDateTime;

/// The wall clock, in UTC. Token lifetimes are measured with it, because a monotonic clock stops while the machine is
/// suspended.
#[expect(clippy::disallowed_methods, reason = "the one reader of the wall clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
