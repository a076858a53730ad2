//! One worker's batches, in a place where they can be taken away from a stuck worker.

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
    /// The lines finished so far, by place: large contents end behind what follows them.
    pub(crate) lines: Vec<Option<L>>,
    /// Their memory in bytes.
    pub(crate) weight: usize,
    /// The places in the batch whose reading was given up.
    pub(crate) given_up: Vec<usize>,
}

impl<L> Job<L> {
    /// Returns a job with nothing done yet.
    pub(crate) fn new(work: Work) -> Self {
        let Work { batch, carried } = work;
        let mut lines = Vec::new();
        lines.resize_with(batch.met.len(), || None);
        let (batch, carried) = (Arc::new(batch), carried.into());
        Self { batch, carried, lines, weight: 0, given_up: Vec::new() }
    }
}

/// What a slot calls a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JobId(u64);

/// One entry of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) job: JobId,
    /// Its place in the batch.
    pub(crate) place: usize,
}

struct State<L> {
    jobs: Vec<(JobId, Job<L>)>,
    next: u64,
    reading: Option<At>,
    abandoned: bool,
}

/// What was taken from a stuck worker.
pub(crate) struct Stuck<L> {
    /// Its jobs. The place that it hangs at is marked as given up.
    pub(crate) jobs: Vec<Job<L>>,
    /// The batch and the place in it that it hangs at.
    pub(crate) hangs: (Arc<Batch>, usize),
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
        let state = State { jobs: Vec::new(), next: 0, reading: None, abandoned: false };
        Self { token, state: Mutex::new(state), beat_ms: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job on.
    pub(crate) fn start(&self, job: Job<L>) -> Result<JobId, Lost> {
        let mut state = self.lock();
        if state.abandoned {
            return Err(Lost);
        }
        let id = JobId(state.next);
        state.next += 1;
        state.jobs.push((id, job));
        Ok(id)
    }

    /// Says that this entry is being read from now on.
    pub(crate) fn reading(&self, at: At, now: Duration) -> Result<(), Lost> {
        self.beat(now);
        let mut state = self.lock();
        state.reading = Some(at);
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

    /// Takes finished lines in, each with its place in the batch.
    pub(crate) fn put(
        &self,
        id: JobId,
        lines: impl Iterator<Item = (usize, L)>,
        weight: usize,
    ) -> Result<(), Lost> {
        let mut state = self.lock();
        state.reading = None;
        let job = state.jobs.iter_mut().find(|(other, _)| *other == id);
        let Some((_, job)) = job else { return Err(Lost) };
        for (place, line) in lines {
            job.lines[place] = Some(line);
        }
        job.weight += weight;
        Ok(())
    }

    /// Gives a job away if all its lines are there.
    pub(crate) fn finish(&self, id: JobId) -> Result<Option<Job<L>>, Lost> {
        let mut state = self.lock();
        let at = state.jobs.iter().position(|(other, _)| *other == id).ok_or(Lost)?;
        let is_finished = state.jobs[at].1.lines.iter().all(Option::is_some);
        Ok(is_finished.then(|| state.jobs.swap_remove(at).1))
    }

    /// Takes the jobs from a worker that has been reading one entry without a sign of life for
    /// longer than `limit`.
    pub(crate) fn take_if_stuck(&self, now: Duration, limit: Duration) -> Option<Stuck<L>> {
        let silent = millis(now).saturating_sub(self.beat_ms.load(Ordering::Relaxed));
        if silent <= millis(limit) {
            return None;
        }
        let mut state = self.lock();
        let At { job: id, place } = state.reading?;
        let (_, job) = state.jobs.iter_mut().find(|(other, _)| *other == id)?;
        job.given_up.push(place);
        let hangs = (Arc::clone(&job.batch), place);
        state.abandoned = true;
        let jobs = std::mem::take(&mut state.jobs).into_iter().map(|(_, job)| job).collect();
        Some(Stuck { jobs, hangs })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
