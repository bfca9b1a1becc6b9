//! Six deliberate bugs. The search must find each of them; otherwise it proves nothing.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Uses the entry from before the wait for the lock.
    NoSecondRead,
    /// Reads the entry again, but sends the refresh token from before.
    OldRefreshToken,
    /// Caches a rejection without the fingerprint of the credentials.
    NoFingerprint,
    /// Treats a held lock as an unavailable one.
    HeldIsUnavailable,
    /// Applies a failure of one caller's own source to all callers.
    SharesLocalFailures,
    LogoutWithoutLock,
}
