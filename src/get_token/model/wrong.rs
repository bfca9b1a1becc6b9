//! Six ways to get it wrong. Each must be found, or the search finds nothing at all.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// What was read before the wait for the lock counts.
    NoSecondRead,
    /// The entry is read again, but the refresh token is the one from before.
    OldRefreshToken,
    /// A rejection is cached without saying whose credentials were rejected.
    NoFingerprint,
    /// A lock that somebody holds is taken for one that cannot be had.
    HeldIsUnavailable,
    /// A failure of one caller's own surroundings answers for all.
    SharesLocalFailures,
    LogoutWithoutLock,
}
