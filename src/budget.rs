//! The time limits, and the one rule about them: the exchange, with all its retries and commands, ends before the
//! waiters for its lock give up, and they do so before the hosts that run them (10 s with the defaults).

use std::time::{Duration, Instant};

/// The time that a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// When the call began.
    pub started: Instant,
    /// For the exchange with the server, all its retries included.
    pub exchange: Duration,
    /// For the commands that print secrets, where a person must act; else they share the time of the exchange.
    pub commands: Option<Duration>,
}

impl Budget {
    /// When a call that waits for somebody else's refresh gives up: an eighth of the exchange later than that can
    /// take, 9 s in all with the defaults.
    pub fn call_ends(&self) -> Instant {
        self.started + self.refresh() + self.exchange / 8
    }

    /// The limits of a refresh that begins at `now`: whoever has waited long has little time left.
    pub fn refresh_at(&self, now: Instant) -> RefreshLimits {
        let ends = (now + self.refresh()).min(self.call_ends());
        RefreshLimits {
            commands_end: ends.min(now + self.commands.unwrap_or(self.exchange)),
            exchange: self.exchange,
            ends,
        }
    }

    /// The most that a refresh takes.
    pub fn refresh(&self) -> Duration {
        self.exchange + self.commands.unwrap_or_default()
    }
}

/// The time that one refresh may take.
#[derive(Clone, Copy, Debug)]
pub struct RefreshLimits {
    /// When the last command must be done.
    pub commands_end: Instant,
    /// For one exchange.
    exchange: Duration,
    /// When all must be done.
    ends: Instant,
}

impl RefreshLimits {
    /// The deadline of an exchange that begins at `now`.
    pub fn exchange_ends(&self, now: Instant) -> Instant {
        self.ends.min(now + self.exchange)
    }

    /// The deadline of an exchange at `now` that leaves time for another after it.
    pub fn first_exchange_ends(&self, now: Instant) -> Instant {
        let whole = self.exchange_ends(now);
        now + whole.saturating_duration_since(now) / 2
    }
}
