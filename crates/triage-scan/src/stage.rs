//! What one worker does: takes batches, examines their entries, hands the lines over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender};
use triage_hash::Algorithms;
use triage_hashset::Sets;

use crate::examine::{Examiner, Task};
use crate::gate::Gate;
use crate::job::{Job, Lost, Slot, Work};
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
    pub(crate) work: Receiver<Work>,
    pub(crate) done: Sender<Finished<G::Line>>,
}

/// Works until there is no more work, the run is interrupted, or the slot is lost.
pub(crate) fn work<G: Ledger>(
    shared: &Arc<Shared<G>>,
    slot: &Arc<Slot<G::Line>>,
    resumed: Option<Job<G::Line>>,
) {
    let mut examiner = Examiner::new(Arc::clone(shared), Arc::clone(slot));
    let mut next = resumed;
    loop {
        let job = match next.take() {
            Some(job) => job,
            None => match shared.work.recv() {
                Ok(work) => Job::new(work),
                Err(_all_done) => break,
            },
        };
        if shared.halting.is_interrupt() {
            break;
        }
        match finish_job(shared, slot, &mut examiner, job) {
            Ok(()) => {}
            Err(Lost) => return,
        }
        if shared.halting.is_interrupt() {
            break;
        }
    }
    shared.alive.fetch_sub(1, Ordering::SeqCst);
}

/// Finishes one job and hands its lines over.
fn finish_job<G: Ledger>(
    shared: &Shared<G>,
    slot: &Slot<G::Line>,
    examiner: &mut Examiner<G>,
    job: Job<G::Line>,
) -> Result<(), Lost> {
    let (batch, carried) = (Arc::clone(&job.batch), Arc::clone(&job.carried));
    let given_up = job.given_up.clone();
    let start = job.lines.len();
    slot.start(job);
    if !examiner.batch(&Task { batch: &batch, carried: &carried, given_up: &given_up }, start)? {
        // Interrupted: the job is dropped, and a resume meets its entries again.
        return Ok(());
    }
    let job = slot.finish()?;
    let Some(first) = batch.met.first() else { return Ok(()) };
    shared.pressure.add(job.weight);
    let finished = Finished { first_seq: first.seq, lines: job.lines, weight: job.weight };
    // The receiver is gone only when the run is over and nobody wants the lines.
    let _over = shared.done.send(finished);
    Ok(())
}
