//! Gathers what is met into batches and counts it.

use std::sync::Arc;

use triage_evidence::{Directory, Entry, Names, Problem};

use crate::{Batch, Flow, Met, Tally, Verdict, WalkPlan};

/// Entries in one batch: few enough to keep every worker busy, and so many that one larger file
/// among small ones does not leave most lanes idle.
const BATCH_ENTRIES: usize = 256;
/// Content in one batch: what a worker hashes side by side in one go.
const BATCH_BYTES: u64 = 48 * 1024 * 1024;

/// The walk's end of the hand-over.
pub(crate) struct Outbox<'a> {
    hand_out: &'a mut dyn FnMut(Batch) -> Flow,
    directory: Option<Arc<dyn Directory>>,
    met: Vec<Met>,
    bytes: u64,
    next_seq: u64,
    tally: Tally,
    flow: Flow,
}

impl<'a> Outbox<'a> {
    /// Hands batches to `hand_out`, numbering entries from `next_seq`.
    pub(crate) fn new(hand_out: &'a mut dyn FnMut(Batch) -> Flow, next_seq: u64) -> Self {
        Self {
            hand_out,
            directory: None,
            met: Vec::new(),
            bytes: 0,
            next_seq,
            tally: Tally::default(),
            flow: Flow::Continue,
        }
    }

    /// Returns how the walk goes on.
    pub(crate) const fn flow(&self) -> Flow {
        self.flow
    }

    /// Returns the count of everything put in.
    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    /// Puts in an entry of that directory.
    pub(crate) fn put(&mut self, directory: &Arc<dyn Directory>, entry: Entry, verdict: Verdict) {
        let same = self.directory.as_ref().is_some_and(|held| Arc::ptr_eq(held, directory));
        if !same {
            self.flush();
            self.directory = Some(Arc::clone(directory));
        }
        self.tally.entries += 1;
        if let (true, Some(size)) = (entry.kind.holds_bytes(), entry.size_bytes) {
            self.tally.bytes = self.tally.bytes.saturating_add(size);
            if verdict == Verdict::Content {
                self.bytes = self.bytes.saturating_add(size);
            }
        }
        self.tally.unsized_entries += u64::from(entry.lacks_size());
        self.met.push(Met { seq: self.next_seq, entry, verdict });
        self.next_seq += 1;
        if self.met.len() >= BATCH_ENTRIES || self.bytes >= BATCH_BYTES {
            self.flush();
        }
    }

    /// Puts in the names of a directory that was listed and can no longer be opened.
    pub(crate) fn lose_listed(
        &mut self,
        plan: &WalkPlan,
        directory: &Arc<dyn Directory>,
        listed: &Entry,
        names: &Names,
        problem: &Problem,
    ) {
        let mut lost: Vec<_> = names.iter().collect();
        lost.sort_unstable_by_key(|(name, _)| *name);
        for (name, kind) in lost {
            let location = listed.location.child(name);
            if plan.hands_out(&location) {
                let entry = Entry::unexamined(location, kind);
                self.put(directory, entry, Verdict::Unreadable(problem.clone()));
            }
        }
    }

    /// Counts a directory whose names are lost although its entry was handed out earlier.
    pub(crate) const fn lose_directory(&mut self) {
        self.tally.lost_directories += 1;
    }

    /// Hands out what is there.
    pub(crate) fn flush(&mut self) {
        if self.met.is_empty() {
            return;
        }
        let met = std::mem::take(&mut self.met);
        self.bytes = 0;
        if let (Some(directory), true) = (&self.directory, self.flow != Flow::Abort) {
            let directory = Arc::clone(directory);
            let flow = (self.hand_out)(Batch { directory, met });
            // A walk that was stopped does not start again.
            if self.flow == Flow::Continue || flow == Flow::Abort {
                self.flow = flow;
            }
        }
    }

    /// Lets go of the directory, so that it can be closed.
    pub(crate) fn let_go(&mut self) {
        self.flush();
        self.directory = None;
    }
}
