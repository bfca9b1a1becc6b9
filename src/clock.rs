//! The one place that reads a clock.

use time::OffsetDateTime;

/// The wall clock, in UTC. Lifetimes of tokens are measured with it alone: a monotonic clock stops while the machine
/// is suspended, and the token goes on ageing.
#[expect(clippy::disallowed_methods, reason = "the one reader of the wall clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
