//! One reader at a time, for storage with a moving head. A stuck reader can be relieved of it.

use std::sync::{Condvar, Mutex, PoisonError};

/// A door that one holder passes at a time. Unlike a mutex it can be opened from outside when its
/// holder hangs in the kernel; the holder's own release is then without effect.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    holder: Mutex<Option<u64>>,
    opened: Condvar,
}

impl Gate {
    /// Waits until the gate is free and takes it.
    pub(crate) fn enter(&self, token: u64) {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        while holder.is_some() {
            holder = self.opened.wait(holder).unwrap_or_else(PoisonError::into_inner);
        }
        *holder = Some(token);
    }

    /// Frees the gate if that token still holds it.
    pub(crate) fn leave(&self, token: u64) {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if *holder == Some(token) {
            *holder = None;
            self.opened.notify_one();
        }
    }
}
