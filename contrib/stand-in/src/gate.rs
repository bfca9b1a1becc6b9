//! A gate that a test closes to hold back replies.

use std::sync::{Arc, Condvar, Mutex};

use crate::sync::{Event, lock};

/// Holds back every reply of the stand-ins that it was given to (see [`StandIn::hold`](crate::StandIn::hold)) until it
/// is opened or dropped.
///
/// One gate for two stand-ins proves that two clients overlap: close it, wait until each stand-in has a request, open
/// it.
#[derive(Debug, Default)]
#[must_use = "the gate opens when it is dropped"]
pub struct Gate {
    barrier: Arc<Barrier>,
}

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Self::default()
    }

    /// Lets all replies pass, those that wait and later ones. An open gate cannot be closed again: make another.
    pub fn open(&self) {
        self.barrier.open();
    }

    pub(crate) fn barrier(&self) -> Arc<Barrier> {
        Arc::clone(&self.barrier)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

/// The part of a gate that its owner shares with the stand-ins.
#[derive(Debug, Default)]
pub(crate) struct Barrier {
    is_open: Mutex<bool>,
    changed: Condvar,
}

impl Barrier {
    /// Waits until the gate is open or `stop` is set.
    pub fn wait(&self, stop: &Event) {
        drop(self.changed.wait_while(lock(&self.is_open), |is_open| !*is_open && !stop.is_set()));
    }

    /// Makes waiting threads check `stop` again. Without the lock, a thread that has just checked `stop` and is about to
    /// sleep would miss the notification.
    pub fn wake(&self) {
        let _guard = lock(&self.is_open);
        self.changed.notify_all();
    }

    fn open(&self) {
        *lock(&self.is_open) = true;
        self.changed.notify_all();
    }
}
