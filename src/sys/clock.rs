//! The one place that reads the wall clock.

use time::OffsetDateTime;

/// The wall clock, in UTC. Token lifetimes are measured with it alone: a monotonic clock stops while the machine is
/// suspended, and the token goes on aging.
#[expect(clippy::disallowed_methods, reason = "the one reader of the wall clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
