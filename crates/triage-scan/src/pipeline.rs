//! The whole machine: one walker, several workers, one keeper of the order.
//!
//! The walk meets entries in the order of the manifest and hands them out in batches. Workers
//! finish batches in any order; this thread puts them back in order and keeps them. It also
//! watches over the workers: one that hangs in a read loses its batch to a new one, and its thread
//! is left behind, since nothing can wake a read that the kernel does not finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded, unbounded};
use triage_evidence::Location;
use triage_hash::Algorithms;
use triage_hashset::Sets;
use triage_walk::{Batch, Evidence, Flow, Tally, WalkPlan};

use crate::carry::{Carrier, CarryFrom, CarryProblem};
use crate::content::Content;
use crate::examine::timed_out;
use crate::gate::{Gate, WALK};
use crate::job::{Job, Slot, Work};
use crate::links::Links;
use crate::reorder::{Finished, Pressure, Reorder};
use crate::stage::{Shared, work};
use crate::{Clock, Execution, Halt, Halting, IoMode, Ledger, Watch};

/// Batches that wait for a worker. Each may hold a directory open, and the operating system's
/// usual limit is 1,024 descriptors.
const LIMIT_WAITING_BATCHES: usize = 128;
/// How often the clock, the deadlines and the switch are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long an interrupted run waits for workers that are in the middle of a read.
const INTERRUPT_GRACE: Duration = Duration::from_secs(3);

/// What a run is made of.
pub struct Scanned {
    /// The opened evidence.
    pub evidence: Arc<Evidence>,
    /// What of it is walked, and from where on.
    pub walk: WalkPlan,
    /// The digests that are computed.
    pub algorithms: Algorithms,
    /// The sets that digests are looked up in.
    pub sets: Option<Arc<Sets>>,
    /// Whether files of a size that none of the sets lists are left unread.
    pub size_filter: bool,
    /// Where the digests of untouched files are carried from.
    pub carry: Option<CarryFrom>,
    /// How this machine does it.
    pub execution: Execution,
    /// The operator's eye.
    pub watch: Arc<dyn Watch>,
    /// The clock for deadlines and budget.
    pub clock: Arc<dyn Clock>,
    /// The switch that ends the run early.
    pub halting: Arc<Halting>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the walk itself counted; `None` if it did not end.
    pub tally: Option<Tally>,
    /// Why the run ended early, if it did.
    pub halted: Option<Halt>,
    /// The last location met before the file system stopped answering the walk.
    pub stalled: Option<Location>,
    /// Why digests that were carried may be wrong, if they may.
    pub carry_problem: Option<String>,
}

/// Walks, hashes, matches, and hands every record's line to `keep` in the order of the walk.
///
/// # Errors
/// The first error of `keep`, which is about our own disk; evidence never causes one.
pub fn run<G: Ledger, E>(
    scanned: Scanned,
    ledger: G,
    keep: &mut dyn FnMut(G::Line) -> Result<(), E>,
) -> Result<Outcome, E> {
    let halting = Arc::clone(&scanned.halting);
    let (evidence, walk) = (Arc::clone(&scanned.evidence), scanned.walk.clone());
    let walking =
        Box::new(move |hand_out: &mut dyn FnMut(Batch) -> Flow| evidence.walk(&walk, hand_out));
    let result = Run::start(scanned, walking, ledger).go(keep);
    if result.is_err() {
        halting.set(Halt::Interrupt);
    }
    result
}

/// A walk that hands out batches and returns its own count.
type Walking = Box<dyn FnOnce(&mut dyn FnMut(Batch) -> Flow) -> Tally + Send>;

/// Signs of life of the walk.
#[derive(Default)]
struct WalkBeat {
    at_ms: AtomicU64,
    waiting: AtomicBool,
    /// How many entries were handed out.
    met: AtomicU64,
}

struct Run<G: Ledger> {
    shared: Arc<Shared<G>>,
    slots: Vec<Arc<Slot<G::Line>>>,
    next_token: u64,
    done: Receiver<Finished<G::Line>>,
    walked: Receiver<Tally>,
    walk_beat: Arc<WalkBeat>,
    last_met: Arc<std::sync::Mutex<Location>>,
    carry_problem: Arc<CarryProblem>,
    reorder: Reorder<G::Line>,
    first_seq: u64,
    tally: Option<Tally>,
}

impl<G: Ledger> Run<G> {
    /// Starts the walker and the workers. Their threads are detached: joining one that hangs in
    /// the kernel would hang this one too.
    fn start(scanned: Scanned, walking: Walking, ledger: G) -> Self {
        let (to_work, work_queue) = bounded(LIMIT_WAITING_BATCHES);
        let (to_done, done) = unbounded();
        let threads = scanned.execution.threads.max(1);
        let one_reader = scanned.execution.io == IoMode::OneReader;
        let shared = Arc::new(Shared {
            ledger,
            by_size: scanned.sets.clone().filter(|_| scanned.size_filter),
            sets: scanned.sets,
            algorithms: scanned.algorithms,
            execution: scanned.execution,
            watch: scanned.watch,
            clock: scanned.clock,
            halting: scanned.halting,
            links: Links::default(),
            gate: one_reader.then(Gate::default),
            hits: AtomicU64::new(0),
            pressure: Pressure::default(),
            alive: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            large: AtomicUsize::new(0),
            large_bytes: AtomicU64::new(0),
            work: work_queue,
            done: to_done,
        });
        let first_seq = scanned.walk.resume.as_ref().map_or(0, |(_, next_seq)| *next_seq);
        let walk_beat = Arc::<WalkBeat>::default();
        let last_met = Arc::default();
        let carry_problem = Arc::<CarryProblem>::default();
        let left = Arc::clone(&carry_problem);
        let carrier = scanned.carry.map(|from| Carrier::new(from, scanned.algorithms));
        let mut walker = Walker {
            shared: Arc::clone(&shared),
            beat: Arc::clone(&walk_beat),
            last_met: Arc::clone(&last_met),
            to_work,
            carrier,
        };
        let (to_walked, walked) = bounded(1);
        thread::spawn(move || {
            walker.enter();
            let tally = walking(&mut |batch| walker.hand_out(batch));
            walker.leave();
            left.put(walker.end());
            // Nobody waits for the tally of an interrupted walk.
            let _over = to_walked.send(tally);
        });
        let mut run = Self {
            shared,
            slots: Vec::new(),
            next_token: 0,
            done,
            walked,
            walk_beat,
            last_met,
            carry_problem,
            reorder: Reorder::new(first_seq),
            first_seq,
            tally: None,
        };
        for _ in 0..threads {
            run.add_worker(Vec::new());
        }
        run
    }

    fn add_worker(&mut self, taken_over: Vec<Job<G::Line>>) {
        let slot = Arc::new(Slot::new(self.next_token));
        self.next_token += 1;
        self.shared.alive.fetch_add(1, Ordering::SeqCst);
        let (shared, worker_slot) = (Arc::clone(&self.shared), Arc::clone(&slot));
        self.slots.push(slot);
        thread::spawn(move || work(&shared, &worker_slot, taken_over));
    }

    fn go<E>(mut self, keep: &mut dyn FnMut(G::Line) -> Result<(), E>) -> Result<Outcome, E> {
        let mut interrupted_at = None;
        let mut ticked_at = Duration::ZERO;
        loop {
            match self.done.recv_timeout(TICK) {
                Ok(finished) => self.reorder.put(finished),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.keep_ready(keep)?;
            if self.is_finished() {
                let halted = self.shared.halting.get();
                let carry_problem = self.carry_problem.take();
                return Ok(Outcome { tally: self.tally, halted, stalled: None, carry_problem });
            }
            let now = self.shared.clock.elapsed();
            if now.saturating_sub(ticked_at) < TICK {
                continue;
            }
            ticked_at = now;
            if self.shared.halting.is_interrupt() {
                let since = *interrupted_at.get_or_insert(now);
                let idle = self.shared.alive.load(Ordering::SeqCst) == 0;
                if idle || now.saturating_sub(since) > INTERRUPT_GRACE {
                    return self.leave(keep, None);
                }
                continue;
            }
            if self.shared.execution.budget.is_some_and(|budget| now >= budget) {
                self.shared.halting.set(Halt::Budget);
            }
            self.relieve_stuck_workers(now);
            let stalled = self.walk_is_stalled(now);
            if let (true, Some(gate)) = (stalled, &self.shared.gate) {
                gate.leave(WALK);
            }
            if stalled && self.all_met_is_kept() {
                let last = self.last_met.lock().map(|last| last.clone()).unwrap_or_default();
                return self.leave(keep, Some(last));
            }
        }
    }

    fn keep_ready<E>(&mut self, keep: &mut dyn FnMut(G::Line) -> Result<(), E>) -> Result<(), E> {
        while let Some(finished) = self.reorder.take() {
            self.shared.pressure.remove(finished.weight);
            for line in finished.lines {
                keep(line)?;
            }
        }
        Ok(())
    }

    fn is_finished(&mut self) -> bool {
        if self.tally.is_none() {
            self.tally = self.walked.try_recv().ok();
        }
        let Some(tally) = &self.tally else { return false };
        !self.shared.halting.is_interrupt()
            && self.reorder.next_seq() == self.first_seq + tally.entries
    }

    /// Ends without waiting for the walk: keeps what is in order and leaves the rest.
    fn leave<E>(
        mut self,
        keep: &mut dyn FnMut(G::Line) -> Result<(), E>,
        stalled: Option<Location>,
    ) -> Result<Outcome, E> {
        while let Ok(finished) = self.done.try_recv() {
            self.reorder.put(finished);
        }
        self.keep_ready(keep)?;
        let halted = self.shared.halting.get();
        Ok(Outcome { tally: None, halted, stalled, carry_problem: self.carry_problem.take() })
    }

    /// Takes the batches of every worker that hangs in a read and gives them to a new one.
    fn relieve_stuck_workers(&mut self, now: Duration) {
        let Some(limit) = self.shared.execution.read_timeout else { return };
        for place in 0..self.slots.len() {
            let Some(stuck) = self.slots[place].take_if_stuck(now, limit) else { continue };
            if let Some(gate) = &self.shared.gate {
                gate.leave(self.slots[place].token);
            }
            let (batch, at) = stuck.hangs;
            let entry = &batch.met[at].entry;
            if let (Some(id), Some(2..)) = (entry.id, entry.links) {
                self.shared.links.publish(entry, id, &Content::failed(timed_out()));
            }
            self.shared.alive.fetch_sub(1, Ordering::SeqCst);
            self.slots.swap_remove(place);
            self.add_worker(stuck.jobs);
            return;
        }
    }

    fn walk_is_stalled(&self, now: Duration) -> bool {
        let Some(limit) = self.shared.execution.read_timeout else { return false };
        if self.tally.is_some() || self.walk_beat.waiting.load(Ordering::SeqCst) {
            return false;
        }
        let at = Duration::from_millis(self.walk_beat.at_ms.load(Ordering::SeqCst));
        now.saturating_sub(at) > limit
    }

    /// Says whether every entry that the walk has met is kept: none waits for a worker, is being
    /// read, or waits for one that is.
    fn all_met_is_kept(&self) -> bool {
        let met = self.walk_beat.met.load(Ordering::SeqCst);
        self.reorder.next_seq() == self.first_seq + met
    }
}

/// The walk's end of the work queue.
struct Walker<G: Ledger> {
    shared: Arc<Shared<G>>,
    beat: Arc<WalkBeat>,
    last_met: Arc<std::sync::Mutex<Location>>,
    to_work: Sender<Work>,
    carrier: Option<Carrier>,
}

impl<G: Ledger> Walker<G> {
    /// Waits for room, hands a batch out, and says how the walk goes on.
    fn hand_out(&mut self, batch: Batch) -> Flow {
        self.beat.waiting.store(true, Ordering::SeqCst);
        self.leave();
        let carrier = self.carrier.as_mut();
        let carried =
            carrier.map(|carrier| batch.met.iter().map(|met| carrier.meet(met)).collect());
        let flow = self.wait_and_send(Work { batch, carried: carried.unwrap_or_default() });
        self.enter();
        let now = self.shared.clock.elapsed();
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.beat.at_ms.store(millis, Ordering::SeqCst);
        self.beat.waiting.store(false, Ordering::SeqCst);
        flow
    }

    /// Takes its turn at the gate, if there is one: the walk reads from the same storage.
    fn enter(&self) {
        if let Some(gate) = &self.shared.gate {
            gate.enter(WALK);
        }
    }

    /// Leaves the gate to the workers.
    fn leave(&self) {
        if let Some(gate) = &self.shared.gate {
            gate.leave(WALK);
        }
    }

    /// Ends the reading of the earlier manifest; an interrupted walk does not wait for that.
    fn end(&mut self) -> Option<String> {
        let carrier = self.carrier.take()?;
        if self.shared.halting.is_interrupt() {
            return None;
        }
        self.beat.waiting.store(true, Ordering::SeqCst);
        carrier.end()
    }

    fn wait_and_send(&self, mut work: Work) -> Flow {
        while self.shared.pressure.wait() {
            if self.shared.halting.is_interrupt() {
                return Flow::Abort;
            }
        }
        if let (Some(met), Ok(mut last)) = (work.batch.met.last(), self.last_met.lock()) {
            *last = met.entry.location.clone();
        }
        self.beat.met.fetch_add(work.batch.met.len() as u64, Ordering::SeqCst);
        loop {
            match self.to_work.send_timeout(work, TICK) {
                Ok(()) => break,
                Err(SendTimeoutError::Timeout(back)) => work = back,
                Err(SendTimeoutError::Disconnected(_)) => return Flow::Abort,
            }
            if self.shared.halting.is_interrupt() {
                return Flow::Abort;
            }
        }
        match self.shared.halting.get() {
            None => Flow::Continue,
            Some(Halt::Interrupt) => Flow::Abort,
            Some(Halt::Budget | Halt::Hits) => Flow::Stop,
        }
    }
}

#[cfg(test)]
mod large;
#[cfg(test)]
mod moving_head;
#[cfg(test)]
mod tests;
