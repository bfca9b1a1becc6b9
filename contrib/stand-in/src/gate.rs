//! What lets a thread wait without sleeping: the stand-in's end, and a gate that a test shuts.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Locks, whether or not another thread panicked while it held the lock: a test that fails must not drag down the
/// threads that still serve its other clients.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that happens once and that threads can wait for.
#[derive(Debug, Default)]
pub struct Event {
    happened: Mutex<bool>,
    changed: Condvar,
}

impl Event {
    /// Lets it happen and wakes all who wait.
    pub fn set(&self) {
        *lock(&self.happened) = true;
        self.changed.notify_all();
    }

    /// Whether it has happened.
    pub fn is_set(&self) -> bool {
        *lock(&self.happened)
    }

    /// Waits until it happens.
    pub fn wait(&self) {
        let waiting = self.changed.wait_while(lock(&self.happened), |happened| !*happened);
        drop(waiting);
    }

    /// Waits until it happens, but not longer than `limit`; whether it has happened.
    pub fn wait_for(&self, limit: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.happened), limit, |happened| !*happened);
        let (happened, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *happened
    }
}

/// Holds back every answer of the stand-ins it was given to (`StandIn::hold`) until it is opened or dropped.
///
/// One gate before two stand-ins proves that two clients overlap: shut it, wait until each stand-in has a request,
/// open it.
#[derive(Debug, Default)]
pub struct Gate {
    latch: Arc<Latch>,
}

impl Gate {
    /// A gate that is shut.
    pub fn shut() -> Self {
        Self::default()
    }

    /// Lets all answers pass, those that wait and those to come. It cannot be shut again: make another.
    pub fn open(&self) {
        self.latch.set_open();
    }

    /// The side of the gate at which answers wait.
    pub(super) fn latch(&self) -> Arc<Latch> {
        Arc::clone(&self.latch)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

/// The part of a gate that its owner shares with the stand-ins.
#[derive(Debug, Default)]
pub(super) struct Latch {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Latch {
    /// Waits until the gate is open, or until the stand-in that asks stops.
    pub fn pass(&self, stop: &Event) {
        let waiting = self.changed.wait_while(lock(&self.open), |open| !*open && !stop.is_set());
        drop(waiting);
    }

    /// Makes those who wait look again at whether their stand-in stops. Taking the lock first closes the moment
    /// between their look and their sleep.
    pub fn wake(&self) {
        let _looked = lock(&self.open);
        self.changed.notify_all();
    }

    fn set_open(&self) {
        *lock(&self.open) = true;
        self.changed.notify_all();
    }
}
