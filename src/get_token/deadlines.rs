//! The deadlines of a call. They guarantee the order: the exchange, with all its retries and commands, ends before
//! other callers stop waiting for the lock, and they stop before their hosts time out (10 s with the defaults).

use std::time::{Duration, Instant};

use crate::config::Limits;

#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// When the call began.
    pub started: Instant,
    pub limits: Limits,
}

impl Deadlines {
    /// When a call stops waiting for another caller's refresh: an eighth of the exchange's time limit after the longest
    /// refresh, 9 s in total with the defaults.
    pub fn call_end(&self) -> Instant {
        self.started + self.refresh() + self.limits.exchange / 8
    }

    /// The deadlines of a refresh that begins at `now`. After a long wait for the lock, little time remains.
    pub fn refresh_at(&self, now: Instant) -> RefreshDeadlines {
        let end = (now + self.refresh()).min(self.call_end());
        RefreshDeadlines {
            commands_end: end.min(now + self.limits.commands.unwrap_or(self.limits.exchange)),
            exchange: self.limits.exchange,
            end,
        }
    }

    /// The time for an exchange that begins at `now`.
    pub fn time_left(&self, now: Instant) -> Duration {
        self.refresh_at(now).exchange_end(now).saturating_duration_since(now)
    }

    /// Whether enough time remains at `now` to begin an exchange.
    pub fn leave_time_for_exchange(&self, now: Instant) -> bool {
        self.time_left(now) >= self.limits.exchange / 4
    }

    /// The maximum duration of a refresh.
    fn refresh(&self) -> Duration {
        self.limits.exchange + self.limits.commands.unwrap_or_default()
    }
}

/// The deadlines of one refresh.
#[derive(Clone, Copy, Debug)]
pub struct RefreshDeadlines {
    /// When the last command must have ended.
    pub commands_end: Instant,
    /// The maximum duration of one exchange.
    pub exchange: Duration,
    end: Instant,
}

impl RefreshDeadlines {
    /// The deadlines of an exchange whose refresh token is then written to a secret store: leaves an eighth of the time
    /// for that.
    pub fn leaving_time_to_store(self) -> Self {
        Self { end: self.end.checked_sub(self.exchange / 8).unwrap_or(self.end), ..self }
    }

    /// When a command that begins at `now` must have ended, if an exchange can do without it: half of an exchange's time is
    /// left for that.
    pub fn dispensable_command_end(&self, now: Instant) -> Instant {
        let half = self.exchange.min(self.end.saturating_duration_since(now)) / 2;
        self.commands_end.min(self.end.checked_sub(half).unwrap_or(now))
    }

    /// The deadline of an exchange that begins at `now`.
    pub fn exchange_end(&self, now: Instant) -> Instant {
        self.end.min(now + self.exchange)
    }

    /// The deadline of an exchange that begins at `now` and leaves time for another one after it.
    pub fn first_exchange_end(&self, now: Instant) -> Instant {
        let whole = self.exchange_end(now);
        now + whole.saturating_duration_since(now) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

    /// The exchange ends before the wait for the lock, and that before the host's time limit, for any settings.
    #[test]
    fn the_order_of_the_limits_holds_for_any_value() {
        let started = Instant::now();
        let values = [1, 50, 1_000, 8_000, 3_600_000].map(Duration::from_millis).into_iter().chain([LONGEST]);
        for (exchange, commands) in values.clone().flat_map(|a| values.clone().map(move |b| (a, b))) {
            for commands in [None, Some(commands)] {
                let deadlines = Deadlines { started, limits: Limits { exchange, commands } };
                let host = started + deadlines.refresh() + exchange / 4;
                let refresh = deadlines.refresh_at(started);
                let exchange_end = refresh.exchange_end(refresh.commands_end);
                assert!(exchange_end < deadlines.call_end() && deadlines.call_end() < host, "{deadlines:?}");
                assert!(refresh.first_exchange_end(started) < refresh.exchange_end(started), "{deadlines:?}");
            }
        }
    }

    #[test]
    fn the_defaults_are_8_s_for_an_exchange_and_9_s_for_a_call() {
        let started = Instant::now();
        let deadlines = Deadlines { started, limits: Limits { exchange: Duration::from_secs(8), commands: None } };
        assert_eq!(deadlines.refresh_at(started).exchange_end(started), started + Duration::from_secs(8));
        assert_eq!(deadlines.call_end(), started + Duration::from_secs(9));
    }

    #[test]
    fn commands_have_their_own_time_limit_or_share_that_of_the_exchange() {
        let (started, second) = (Instant::now(), Duration::from_secs(1));
        for (commands, commands_end, call_end) in [(None, 8, 9), (Some(60 * second), 60, 69), (Some(2 * second), 2, 11)]
        {
            let deadlines = Deadlines { started, limits: Limits { exchange: 8 * second, commands } };
            let refresh = deadlines.refresh_at(started);
            assert_eq!(refresh.commands_end, started + commands_end * second, "{commands:?}");
            assert_eq!(deadlines.call_end(), started + call_end * second, "{commands:?}");
            assert_eq!(refresh.exchange_end(refresh.commands_end), started + (call_end - 1) * second, "{commands:?}");
            assert_eq!(refresh.first_exchange_end(started), started + 4 * second, "{commands:?}");
        }
    }

    #[test]
    fn after_a_wait_a_refresh_gets_the_rest_of_the_call() {
        let (started, second) = (Instant::now(), Duration::from_secs(1));
        let deadlines = Deadlines { started, limits: Limits { exchange: 8 * second, commands: None } };
        for (waited, end) in [(0, 8), (1, 9), (4, 9), (9, 9)] {
            let now = started + waited * second;
            let refresh = deadlines.refresh_at(now);
            assert_eq!(
                (refresh.commands_end, refresh.exchange_end(now)),
                (started + end * second, started + end * second)
            );
            assert_eq!(refresh.first_exchange_end(now), now + (end - waited) * second / 2, "{waited}");
            assert_eq!(refresh.exchange, 8 * second);
        }
    }

    /// The secret store gets an eighth of the exchange's time before the call ends, even if the exchange begins late.
    #[test]
    fn an_exchange_leaves_time_to_store_the_refresh_token() {
        let (started, second) = (Instant::now(), Duration::from_secs(1));
        let deadlines = Deadlines { started, limits: Limits { exchange: 8 * second, commands: None } };
        for (waited, end) in [(0, 7), (1, 8), (5, 8)] {
            let now = started + waited * second;
            let exchange_end = deadlines.refresh_at(now).leaving_time_to_store().exchange_end(now);
            assert_eq!(exchange_end, started + end * second, "{waited}");
            assert!(deadlines.refresh_at(exchange_end).commands_end >= exchange_end + second, "{waited}");
        }
    }

    #[test]
    fn a_dispensable_command_leaves_time_for_an_exchange() {
        let (started, second) = (Instant::now(), Duration::from_secs(1));
        for (commands, waited, end) in [(None, 0, 4), (None, 5, 7), (None, 9, 9), (Some(2), 0, 2), (Some(60), 0, 60)] {
            let limits = Limits { exchange: 8 * second, commands: commands.map(|commands| commands * second) };
            let now = started + waited * second;
            let refresh = Deadlines { started, limits }.refresh_at(now);
            assert_eq!(refresh.dispensable_command_end(now), started + end * second, "{commands:?} {waited}");
        }
    }

    /// No refresh lasts beyond the end of its own call.
    #[test]
    fn a_late_refresh_ends_before_its_call() {
        let started = Instant::now();
        let deadlines = Deadlines {
            started,
            limits: Limits { exchange: Duration::from_secs(8), commands: Some(Duration::from_secs(60)) },
        };
        for waited in [0, 1, 2, 30, 68, 69, 100].map(Duration::from_secs) {
            let now = started + waited;
            let refresh = deadlines.refresh_at(now);
            assert!(refresh.commands_end <= deadlines.call_end());
            assert!(refresh.exchange_end(now) <= deadlines.call_end());
            assert!(refresh.first_exchange_end(now) <= deadlines.call_end().max(now));
        }
    }
}
