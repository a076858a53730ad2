//! One worker's current batch, in a place where it can be taken away from a stuck worker.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use triage_walk::Batch;

use crate::carry::Carried;

/// A batch on its way to a worker, with what need not be read.
pub(crate) struct Work {
    /// What the walk met.
    pub(crate) batch: Batch,
    /// For each entry, or empty if nothing is carried at all.
    pub(crate) carried: Vec<Option<Carried>>,
}

/// A batch that is being worked on.
pub(crate) struct Job<L> {
    /// What the walk met; shared, because a stuck worker keeps looking at it.
    pub(crate) batch: Arc<Batch>,
    /// What is carried for each of its entries, or empty.
    pub(crate) carried: Arc<[Option<Carried>]>,
    /// The lines finished so far: those of the first entries of the batch.
    pub(crate) lines: Vec<L>,
    /// Their memory in bytes.
    pub(crate) weight: usize,
    /// The places in the batch whose reading was given up.
    pub(crate) given_up: Vec<usize>,
}

impl<L> Job<L> {
    /// Returns a job with nothing done yet.
    pub(crate) fn new(work: Work) -> Self {
        let Work { batch, carried } = work;
        let lines = Vec::with_capacity(batch.met.len());
        let (batch, carried) = (Arc::new(batch), carried.into());
        Self { batch, carried, lines, weight: 0, given_up: Vec::new() }
    }
}

struct State<L> {
    job: Option<Job<L>>,
    reading: Option<usize>,
    abandoned: bool,
}

/// The place of one worker. The worker loses it when it does not show life in time.
pub(crate) struct Slot<L> {
    /// A number that no other slot of the run has.
    pub(crate) token: u64,
    state: Mutex<State<L>>,
    beat_ms: AtomicU64,
}

/// The worker has lost its slot to another one, and must end without handing anything over.
pub(crate) struct Lost;

impl<L> Slot<L> {
    /// Returns an empty slot.
    pub(crate) fn new(token: u64) -> Self {
        let state = Mutex::new(State { job: None, reading: None, abandoned: false });
        Self { token, state, beat_ms: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job on.
    pub(crate) fn start(&self, job: Job<L>) {
        self.lock().job = Some(job);
    }

    /// Says that the entry at that place is being read from now on.
    pub(crate) fn reading(&self, place: usize, now: Duration) -> Result<(), Lost> {
        self.beat(now);
        let mut state = self.lock();
        state.reading = Some(place);
        if state.abandoned { Err(Lost) } else { Ok(()) }
    }

    /// Says that no entry is being read now.
    pub(crate) fn resting(&self) -> Result<(), Lost> {
        let mut state = self.lock();
        state.reading = None;
        if state.abandoned { Err(Lost) } else { Ok(()) }
    }

    /// Shows life.
    pub(crate) fn beat(&self, now: Duration) {
        self.beat_ms.store(millis(now), Ordering::Relaxed);
    }

    /// Adds the lines of the next entries.
    pub(crate) fn push(&self, lines: Vec<L>, weight: usize) -> Result<(), Lost> {
        let mut state = self.lock();
        state.reading = None;
        let Some(job) = state.job.as_mut() else { return Err(Lost) };
        job.lines.extend(lines);
        job.weight += weight;
        Ok(())
    }

    /// Gives the finished job away.
    pub(crate) fn finish(&self) -> Result<Job<L>, Lost> {
        self.lock().job.take().ok_or(Lost)
    }

    /// Takes the job from a worker that has been reading one entry without a sign of life for
    /// longer than `limit`. Returns it with the place of that entry, which is marked as given up.
    pub(crate) fn take_if_stuck(&self, now: Duration, limit: Duration) -> Option<(Job<L>, usize)> {
        let silent = millis(now).saturating_sub(self.beat_ms.load(Ordering::Relaxed));
        if silent <= millis(limit) {
            return None;
        }
        let mut state = self.lock();
        let place = state.reading?;
        let mut job = state.job.take()?;
        state.abandoned = true;
        job.given_up.push(place);
        Some((job, place))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
