//! Puts finished batches back into the order of the walk.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How many bytes of finished lines may wait for an earlier batch. One slow, huge file holds back
/// everything behind it; at about 0.5 KiB a line this is some 200,000 entries. Beyond it the walk
/// pauses until the slow file is done.
const LIMIT_WAITING_BYTES: usize = 96 * 1024 * 1024;

/// The lines of one batch, in order.
pub(crate) struct Finished<L> {
    /// The place of the first line.
    pub(crate) first_seq: u64,
    /// The lines.
    pub(crate) lines: Vec<L>,
    /// Their memory in bytes.
    pub(crate) weight: usize,
}

/// Batches that wait for an earlier one.
pub(crate) struct Reorder<L> {
    next_seq: u64,
    waiting: BTreeMap<u64, Finished<L>>,
}

impl<L> Reorder<L> {
    /// Expects `next_seq` first.
    pub(crate) const fn new(next_seq: u64) -> Self {
        Self { next_seq, waiting: BTreeMap::new() }
    }

    /// Returns the place that is expected next: everything before it has been handed out.
    pub(crate) const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Takes a batch in.
    pub(crate) fn put(&mut self, finished: Finished<L>) {
        self.waiting.insert(finished.first_seq, finished);
    }

    /// Hands out the next batch if it is there.
    pub(crate) fn take(&mut self) -> Option<Finished<L>> {
        let finished = self.waiting.remove(&self.next_seq)?;
        self.next_seq += finished.lines.len() as u64;
        Some(finished)
    }
}

/// Makes the walk wait while too many finished lines do.
#[derive(Default)]
pub(crate) struct Pressure {
    bytes: Mutex<usize>,
    fell: Condvar,
}

impl Pressure {
    /// Adds finished lines.
    pub(crate) fn add(&self, weight: usize) {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) += weight;
    }

    /// Takes written lines away.
    pub(crate) fn remove(&self, weight: usize) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *bytes = bytes.saturating_sub(weight);
        self.fell.notify_all();
    }

    /// Waits a while if the bound is exceeded; returns whether it still is.
    pub(crate) fn wait(&self) -> bool {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if *bytes <= LIMIT_WAITING_BYTES {
            return false;
        }
        let woken = self.fell.wait_timeout(bytes, Duration::from_millis(100));
        *woken.unwrap_or_else(PoisonError::into_inner).0 > LIMIT_WAITING_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_come_out_in_the_order_of_the_walk() {
        let mut reorder = Reorder::new(10);
        reorder.put(Finished { first_seq: 12, lines: vec!["c"], weight: 1 });
        assert!(reorder.take().is_none());
        reorder.put(Finished { first_seq: 10, lines: vec!["a", "b"], weight: 2 });
        assert_eq!(reorder.take().unwrap().lines, ["a", "b"]);
        assert_eq!(reorder.take().unwrap().lines, ["c"]);
        assert_eq!(reorder.next_seq(), 13);
    }
}
