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
    /// The time of one exchange, where as much is left.
    pub fn exchange(&self) -> Duration {
        self.exchange
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

    /// Exchange before lock before host, for any value of the two settings.
    #[test]
    fn the_order_of_the_limits_holds_for_any_value() {
        let started = Instant::now();
        let values = [1, 50, 1_000, 8_000, 3_600_000].map(Duration::from_millis).into_iter().chain([LONGEST]);
        for (exchange, commands) in values.clone().flat_map(|a| values.clone().map(move |b| (a, b))) {
            for commands in [None, Some(commands)] {
                let budget = Budget { started, exchange, commands };
                let host = started + budget.refresh() + exchange / 4;
                let limits = budget.refresh_at(started);
                let exchange_ends = limits.exchange_ends(limits.commands_end);
                assert!(exchange_ends < budget.call_ends() && budget.call_ends() < host, "{budget:?}");
                assert!(limits.first_exchange_ends(started) < limits.exchange_ends(started), "{budget:?}");
            }
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let started = Instant::now();
        let budget = Budget { started, exchange: Duration::from_secs(8), commands: None };
        assert_eq!(budget.refresh_at(started).exchange_ends(started), started + Duration::from_secs(8));
        assert_eq!(budget.call_ends(), started + Duration::from_secs(9));
    }

    /// Nobody's refresh lasts beyond the end of its own call.
    #[test]
    fn who_begins_late_has_only_the_rest() {
        let started = Instant::now();
        let budget = Budget { started, exchange: Duration::from_secs(8), commands: Some(Duration::from_secs(60)) };
        for waited in [0, 1, 2, 30, 68, 69, 100].map(Duration::from_secs) {
            let now = started + waited;
            let limits = budget.refresh_at(now);
            assert!(limits.commands_end <= budget.call_ends());
            assert!(limits.exchange_ends(now) <= budget.call_ends());
            assert!(limits.first_exchange_ends(now) <= budget.call_ends().max(now));
        }
    }
}
