//! Large contents that wait until a lane is free for them.

use std::collections::VecDeque;
use std::sync::Arc;

use triage_walk::Batch;

use crate::job::At;

/// A large content that is not open yet.
pub(crate) struct Waiting {
    pub(crate) at: At,
    pub(crate) batch: Arc<Batch>,
    /// How large it was when the walk met it.
    pub(crate) size_bytes: u64,
}

/// The large contents of one worker that wait.
#[derive(Default)]
pub(crate) struct LargeQueue {
    waiting: VecDeque<Waiting>,
    /// Whether the oldest was taken last.
    oldest_was_taken: bool,
}

impl LargeQueue {
    pub(crate) fn push(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// Takes the largest and the oldest in turn. The largest that begins late ends alone, with all
    /// other lanes empty; the lines behind the oldest wait for it.
    pub(crate) fn take(&mut self) -> Option<Waiting> {
        self.oldest_was_taken = !self.oldest_was_taken;
        if self.oldest_was_taken {
            return self.waiting.pop_front();
        }
        let sizes = self.waiting.iter().enumerate().rev();
        let largest = sizes.max_by_key(|(_, waiting)| waiting.size_bytes);
        let place = largest.map(|(place, _)| place)?;
        self.waiting.remove(place)
    }
}
