//! Waiting between threads without polling.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Locks `mutex`, even if another thread panicked while it held the lock: a failing test must not stop the threads that
/// still serve its other clients.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A flag that is set once and that threads can wait for.
#[derive(Debug, Default)]
pub struct Event {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Event {
    pub fn set(&self) {
        *lock(&self.is_set) = true;
        self.changed.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *lock(&self.is_set)
    }

    pub fn wait(&self) {
        drop(self.changed.wait_while(lock(&self.is_set), |is_set| !*is_set));
    }

    /// Waits for at most `limit`. Returns whether the event is set.
    pub fn wait_for(&self, limit: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.is_set), limit, |is_set| !*is_set);
        let (is_set, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *is_set
    }
}
