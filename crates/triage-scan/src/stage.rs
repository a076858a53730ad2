//! What one worker does: takes batches, examines their entries, hands the lines over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender};
use triage_hash::Algorithms;
use triage_hashset::Sets;

use crate::examine::{Cut, Examiner, Task};
use crate::gate::Gate;
use crate::job::{Job, JobId, Slot, Work};
use crate::links::Links;
use crate::reorder::{Finished, Pressure};
use crate::{Clock, Execution, Halting, Ledger, Watch};

/// What all workers of a run share.
pub(crate) struct Shared<G: Ledger> {
    pub(crate) ledger: G,
    pub(crate) sets: Option<Arc<Sets>>,
    /// The same sets, if files of a size that they do not list are left unread.
    pub(crate) by_size: Option<Arc<Sets>>,
    pub(crate) algorithms: Algorithms,
    pub(crate) execution: Execution,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) halting: Arc<Halting>,
    pub(crate) links: Links,
    pub(crate) gate: Option<Gate>,
    pub(crate) hits: AtomicU64,
    pub(crate) pressure: Pressure,
    pub(crate) alive: AtomicUsize,
    /// Workers that wait for work.
    pub(crate) idle: AtomicUsize,
    /// Large contents that all workers have begun or wait with, and not ended.
    pub(crate) large: AtomicUsize,
    /// Their sizes together.
    pub(crate) large_bytes: AtomicU64,
    pub(crate) work: Receiver<Work>,
    pub(crate) done: Sender<Finished<G::Line>>,
}

/// Works until there is no more work, the run is interrupted, or the slot is lost.
pub(crate) fn work<G: Ledger>(
    shared: &Arc<Shared<G>>,
    slot: &Arc<Slot<G::Line>>,
    taken_over: Vec<Job<G::Line>>,
) {
    let examiner = Examiner::new(Arc::clone(shared), Arc::clone(slot));
    let mut worker = Worker { shared, slot, examiner, taken_over: taken_over.into() };
    match worker.run() {
        Ok(()) | Err(Cut::Halted) => {
            shared.alive.fetch_sub(1, Ordering::SeqCst);
        }
        // Whoever took over has counted it out.
        Err(Cut::Lost) => {}
    }
}

struct Worker<'a, G: Ledger> {
    shared: &'a Shared<G>,
    slot: &'a Slot<G::Line>,
    examiner: Examiner<G>,
    taken_over: VecDeque<Job<G::Line>>,
}

impl<G: Ledger> Worker<'_, G> {
    /// An interrupted job is dropped, and a resume meets its entries again.
    fn run(&mut self) -> Result<(), Cut> {
        loop {
            if self.shared.halting.is_interrupt() {
                return Err(Cut::Halted);
            }
            let next = self.taken_over.pop_front().or_else(|| self.next_job());
            match next {
                Some(job) => self.begin(job)?,
                None if self.examiner.has_streams() => {
                    for id in self.examiner.advance_streams()? {
                        self.hand_over(id)?;
                    }
                }
                None => return Ok(()),
            }
        }
    }

    /// Returns a batch to begin with, if this worker should have one. Waits only if it has nothing
    /// else to do.
    fn next_job(&self) -> Option<Job<G::Line>> {
        let work = if !self.examiner.has_streams() {
            self.shared.idle.fetch_add(1, Ordering::SeqCst);
            let work = self.shared.work.recv();
            self.shared.idle.fetch_sub(1, Ordering::SeqCst);
            work.ok()
        } else if self.examiner.wants_streams() {
            self.shared.work.try_recv().ok()
        } else {
            None
        };
        work.map(Job::new)
    }

    /// Examines the entries of a job, but for large contents, which are begun.
    fn begin(&mut self, job: Job<G::Line>) -> Result<(), Cut> {
        let (batch, carried) = (Arc::clone(&job.batch), Arc::clone(&job.carried));
        let given_up = job.given_up.clone();
        let is_done = job.lines.iter().map(Option::is_some).collect();
        let id = self.slot.start(job)?;
        self.examiner.batch(&Task { id, batch, carried, given_up, is_done })?;
        self.hand_over(id)
    }

    /// Hands the lines of a job over if all are there.
    fn hand_over(&self, id: JobId) -> Result<(), Cut> {
        let Some(job) = self.slot.finish(id)? else { return Ok(()) };
        let Some(first) = job.batch.met.first() else { return Ok(()) };
        self.shared.pressure.add(job.weight);
        let lines = job.lines.into_iter().flatten().collect();
        let finished = Finished { first_seq: first.seq, lines, weight: job.weight };
        // The receiver is gone only when the run is over and nobody wants the lines.
        let _over = self.shared.done.send(finished);
        Ok(())
    }
}
