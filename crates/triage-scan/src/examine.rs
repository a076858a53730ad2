//! Examines the entries of a batch: reads, hashes, matches, and makes a record of each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use triage_case::{Record, Status};
use triage_evidence::{Chunk, Entry, FileId, Kind, Problem, ProblemKind, Stream};
use triage_hash::{Algorithms, has_lanes, hash_batch, hash_bytes};
use triage_walk::{Batch, Met, Verdict};

use crate::carry::Carried;
use crate::classify::classify;
use crate::content::Content;
use crate::job::{At, JobId, Lost, Slot};
use crate::reading::{Ends, Pulse, READ_BYTES, Reading};
use crate::stage::Shared;
use crate::streams::Streams;
use crate::{Halt, Ledger};

/// What is read whole and hashed in the lanes of the processor, side by side.
#[derive(Clone, Copy)]
struct Pooling {
    /// Files up to this size are.
    small_bytes: u64,
    /// So much of them together, which each thread holds.
    group_bytes: usize,
}

impl Pooling {
    /// Where larger files are read in turn, as `streams.rs` does: of a user's disk, log-normal
    /// sizes, half of all bytes lie in files above 2 MiB. With sixteen lanes of 512 KiB it took
    /// 0.82 s on one thread, with files up to 2 MiB in 48 MiB 0.85 s, up to 8 MiB 1.01 s.
    const BESIDE_STREAMS: Self = Self { small_bytes: 512 * 1024, group_bytes: 8 * 1024 * 1024 };
    /// Where a larger file is one stream alone, at a third of the speed.
    const ALONE: Self = Self { small_bytes: 8 * 1024 * 1024, group_bytes: 48 * 1024 * 1024 };
    /// Without a digest that this machine has lanes for: a larger file is faster through a buffer
    /// that stays in the cache.
    const WITHOUT_LANES: Self = Self { small_bytes: 64 * 1024, group_bytes: 8 * 1024 * 1024 };
}

/// How many entries go together when the run ends at a number of hits: hits are counted behind a
/// group, and what was read until then is recorded.
const GROUP_ENTRIES_TO_STOP: usize = 16;

/// A batch with what is known of its entries beforehand.
pub(crate) struct Task {
    /// What the slot calls it.
    pub(crate) id: JobId,
    /// What the walk met.
    pub(crate) batch: Arc<Batch>,
    /// What is carried for each entry, or empty.
    pub(crate) carried: Arc<[Option<Carried>]>,
    /// The places whose reading was given up.
    pub(crate) given_up: Vec<usize>,
    /// Whether each entry has its line already.
    pub(crate) is_done: Vec<bool>,
}

impl Task {
    pub(crate) const fn at(&self, place: usize) -> At {
        At { job: self.id, place }
    }

    fn carried(&self, place: usize) -> Option<&Carried> {
        self.carried.get(place)?.as_ref()
    }
}

/// One worker's tools: buffers that are used again for every file.
pub(crate) struct Examiner<G: Ledger> {
    pub(crate) shared: Arc<Shared<G>>,
    pub(crate) slot: Arc<Slot<G::Line>>,
    /// Whole small files, one after the other. It grows and never shrinks: clearing it for every
    /// file costs a pass over memory.
    arena: Vec<u8>,
    arena_used: usize,
    /// Whether large contents are read side by side with others: not where a head would move
    /// between them, nor if the run ends at a number of hits.
    pub(crate) goes_beside: bool,
    pooling: Pooling,
    buffer: Vec<u8>,
    pub(crate) streams: Streams,
}

/// What is known of an entry of a group before its lanes have run.
pub(crate) enum Found {
    /// It needs no lane.
    Settled(Option<Box<Content>>),
    /// It is large and waits for a lane.
    Later,
    /// Its content lies in the arena, and the last look at the file said this.
    InArena { start: usize, length: usize, unchanged: Result<(), Problem> },
}

impl Found {
    /// What is known of a content that could not be read.
    pub(crate) fn failed(problem: Problem) -> Self {
        Self::Settled(Some(Box::new(Content::failed(problem))))
    }
}

/// Why a content was not read to its end.
#[derive(Clone, Copy)]
pub(crate) enum Cut {
    /// Another worker has taken over.
    Lost,
    /// The run ends.
    Halted,
}

impl From<Lost> for Cut {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

impl<G: Ledger> Examiner<G> {
    /// Returns an examiner that works in that slot.
    pub(crate) fn new(shared: Arc<Shared<G>>, slot: Arc<Slot<G::Line>>) -> Self {
        let algorithms = shared.algorithms;
        // Side by side, or one with two threads, nothing else is faster.
        let gains = Algorithms::DEFAULT.iter().any(|other| algorithms.contains(other));
        let goes_beside = gains && shared.gate.is_none() && shared.execution.stop_after.is_none();
        let pooling = match (has_lanes(algorithms), goes_beside) {
            (false, _) => Pooling::WITHOUT_LANES,
            (true, true) => Pooling::BESIDE_STREAMS,
            (true, false) => Pooling::ALONE,
        };
        Self {
            shared,
            slot,
            arena: Vec::new(),
            arena_used: 0,
            goes_beside,
            pooling,
            buffer: vec![0; READ_BYTES],
            streams: Streams::default(),
        }
    }

    /// Examines a batch; large contents of it may be left to wait for a lane.
    pub(crate) fn batch(&mut self, task: &Task) -> Result<(), Cut> {
        self.began_batch();
        let most = match self.shared.execution.stop_after {
            Some(_) => GROUP_ENTRIES_TO_STOP,
            None => task.batch.met.len(),
        };
        let mut place = 0;
        while place < task.batch.met.len() {
            if self.shared.halting.is_interrupt() {
                return Err(Cut::Halted);
            }
            if task.is_done[place] {
                place += 1;
                continue;
            }
            let end = self.group_end(task, place).min(place + most);
            self.group(task, place, end)?;
            place = end;
        }
        Ok(())
    }

    /// Returns the end of the group that begins at `start`: small contents that fit the arena
    /// together, and a large file is a group of its own; unless it goes with the streams, or one
    /// reader takes it along in the order of the medium.
    fn group_end(&self, task: &Task, start: usize) -> usize {
        let batch = &task.batch;
        let mut bytes = 0;
        for (place, met) in batch.met.iter().enumerate().skip(start) {
            if task.is_done[place] {
                return place;
            }
            if !matches!(met.verdict, Verdict::Content) || task.carried(place).is_some() {
                continue;
            }
            if self.is_small(&met.entry) {
                let size = met.entry.size_bytes.and_then(|size| usize::try_from(size).ok());
                bytes += size.unwrap_or(0);
                if bytes > self.pooling.group_bytes && place > start {
                    return place;
                }
            } else if self.shared.gate.is_none() && !self.goes_with_streams(&met.entry) {
                return if place == start { place + 1 } else { place };
            }
        }
        batch.met.len()
    }

    /// Examines the entries of a group.
    fn group(&mut self, task: &Task, start: usize, end: usize) -> Result<(), Cut> {
        self.arena_used = 0;
        // An interrupted run keeps no word of the whole batch: whoever goes on meets it again.
        let found: Vec<Found> = match self.shared.gate {
            Some(_) => self.find_by_place(task, start, end)?,
            None => (start..end).map(|place| self.find(task, place)).collect::<Result<_, _>>()?,
        };
        self.slot.resting()?;
        let contents = self.settle(&task.batch.met[start..end], found);
        let places = contents.into_iter().map(|(place, content)| (start + place, content));
        self.put(task.id, &task.batch, places.collect())
    }

    /// Records what came of entries of a batch, by their places in it.
    pub(crate) fn put(
        &self,
        id: JobId,
        batch: &Batch,
        contents: Vec<(usize, Option<Content>)>,
    ) -> Result<(), Cut> {
        if let Some(sets) = &self.shared.sets {
            let contents = contents.iter().filter_map(|(_, content)| content.as_ref());
            sets.fetch(&contents.map(|content| &content.digests));
        }
        let (places, records): (Vec<_>, Vec<_>) = contents
            .into_iter()
            .map(|(place, content)| (place, self.record(&batch.met[place], content)))
            .unzip();
        let lines = self.shared.ledger.prepare(records);
        let weight = lines.iter().map(G::weight).sum();
        Ok(self.slot.put(id, places.into_iter().zip(lines), weight)?)
    }

    /// Reads one entry if it is to be read. A panic in a reader is that entry's problem alone.
    pub(crate) fn find(&mut self, task: &Task, place: usize) -> Result<Found, Cut> {
        if let Some(found) = self.without_reading(task, place)? {
            return Ok(found);
        }
        let met = &task.batch.met[place];
        match shared_id(met) {
            None if self.goes_with_streams(&met.entry) => Ok(self.leave_to_wait(task, place)),
            None => self.guarded(task, place, true),
            Some(id) => self.find_shared(task, place, id),
        }
    }

    /// Returns what is known of an entry that is not to be read.
    pub(crate) fn without_reading(&self, task: &Task, place: usize) -> Result<Option<Found>, Cut> {
        let met = &task.batch.met[place];
        if !matches!(met.verdict, Verdict::Content) || self.is_of_no_listed_size(met) {
            return Ok(Some(Found::Settled(None)));
        }
        if let Some(carried) = task.carried(place) {
            return Ok(Some(Found::Settled(Some(Box::new(Content::carried(carried))))));
        }
        if task.given_up.contains(&place) {
            return Ok(Some(Found::failed(timed_out())));
        }
        if self.shared.execution.budget.is_some_and(|limit| self.shared.clock.elapsed() >= limit) {
            self.shared.halting.set(Halt::Budget);
        }
        match self.shared.halting.get() {
            Some(Halt::Interrupt) => Err(Cut::Halted),
            Some(_) => Ok(Some(Found::Settled(None))),
            None => Ok(None),
        }
    }

    /// Reads a content with several names, once for all of them.
    fn find_shared(&mut self, task: &Task, place: usize, id: FileId) -> Result<Found, Cut> {
        let entry = &task.batch.met[place].entry;
        self.slot.resting()?;
        if let Some(content) = self.shared.links.claim(entry, id) {
            return Ok(Found::Settled(Some(Box::new(content))));
        }
        let read = self.guarded(task, place, false);
        match &read {
            Ok(Found::Settled(Some(content))) => self.shared.links.publish(entry, id, content),
            // Whoever took over has published that the read did not come back.
            Err(Cut::Lost) => {}
            // The run ends: the other names have not been reached either.
            Ok(_) | Err(Cut::Halted) => self.shared.links.give_back(id),
        }
        read
    }

    fn guarded(&mut self, task: &Task, place: usize, lanes: bool) -> Result<Found, Cut> {
        self.enter()?;
        let read = catch_unwind(AssertUnwindSafe(|| self.read(task, place, lanes)));
        self.leave();
        read.unwrap_or_else(|_panic| Ok(Found::failed(internal())))
    }

    /// Waits at the gate, if there is one.
    pub(crate) fn enter(&self) -> Result<(), Lost> {
        if let Some(gate) = &self.shared.gate {
            self.slot.resting()?;
            gate.enter(self.slot.token);
        }
        Ok(())
    }

    /// Leaves the gate to others.
    pub(crate) fn leave(&self) {
        if let Some(gate) = &self.shared.gate {
            gate.leave(self.slot.token);
        }
    }

    /// Reads the content of one regular file, into the arena if it is small.
    fn read(&mut self, task: &Task, place: usize, lanes: bool) -> Result<Found, Cut> {
        let entry = &task.batch.met[place].entry;
        self.slot.reading(task.at(place), self.shared.clock.elapsed())?;
        match task.batch.directory.open_stream(entry) {
            Ok(stream) => self.read_opened(task, place, stream, lanes),
            Err(problem) => Ok(Found::failed(problem)),
        }
    }

    /// Reads an opened content. A small one that is anything unusual is opened once more and read
    /// step by step, which knows how to go over bad places.
    pub(crate) fn read_opened(
        &mut self,
        task: &Task,
        place: usize,
        mut stream: Box<dyn Stream>,
        lanes: bool,
    ) -> Result<Found, Cut> {
        let entry = &task.batch.met[place].entry;
        if self.is_small(entry) {
            if let Some(found) = self.read_small(stream, entry, lanes) {
                return Ok(found);
            }
            self.slot.reading(task.at(place), self.shared.clock.elapsed())?;
            stream = match task.batch.directory.open_stream(entry) {
                Ok(stream) => stream,
                Err(problem) => return Ok(Found::failed(problem)),
            };
        }
        let pulse = WorkerPulse { shared: &self.shared, slot: &self.slot };
        let buffer = &mut self.buffer;
        let reading = Reading::new(stream, self.shared.algorithms);
        match reading.read_whole(entry, buffer, &pulse) {
            Ok(content) => Ok(Found::Settled(Some(Box::new(content)))),
            Err(Ends) => {
                self.slot.resting()?;
                match self.shared.halting.get() {
                    Some(Halt::Interrupt) => Err(Cut::Halted),
                    _ => Ok(Found::Settled(None)),
                }
            }
        }
    }

    /// Reads a small file whole. Returns `None` for anything unusual.
    fn read_small(
        &mut self,
        mut stream: Box<dyn Stream>,
        entry: &Entry,
        lanes: bool,
    ) -> Option<Found> {
        let size = usize::try_from(entry.size_bytes?).ok()?;
        let start = self.arena_used;
        // One byte more than the size: a read that leaves it empty has met the end.
        let room = start + size + 1;
        if self.arena.len() < room {
            self.arena.resize(room, 0);
        }
        let mut length = 0;
        let ended = loop {
            if length > size {
                break false;
            }
            match stream.read(&mut self.arena[start + length..room]) {
                Ok(Chunk::Data(more)) => length += more,
                Ok(Chunk::End) => break true,
                Ok(Chunk::Hole(_)) | Err(_) => break false,
            }
        };
        if !ended {
            return None;
        }
        let unchanged = stream.check_unchanged();
        self.shared.watch.read(length as u64);
        if lanes {
            self.arena_used = start + length;
            return Some(Found::InArena { start, length, unchanged });
        }
        let digests = hash_bytes(self.shared.algorithms, &self.arena[start..start + length]);
        let content = Content::whole(entry, length as u64, digests, unchanged);
        Some(Found::Settled(Some(Box::new(content))))
    }

    /// Runs the lanes over what lies in the arena. Returns what came of each entry, with its place,
    /// but for those that wait.
    fn settle(&self, met: &[Met], found: Vec<Found>) -> Vec<(usize, Option<Content>)> {
        let buffers: Vec<&[u8]> = found
            .iter()
            .filter_map(|found| match found {
                Found::InArena { start, length, .. } => Some(&self.arena[*start..start + length]),
                Found::Settled(_) | Found::Later => None,
            })
            .collect();
        let algorithms = self.shared.algorithms;
        let hashed = catch_unwind(|| hash_batch(algorithms, &buffers));
        let mut digests = hashed.ok().map(Vec::into_iter);
        let mut content_of = |(met, found): (&Met, Found)| match found {
            Found::Later => None,
            Found::Settled(content) => Some(content.map(|content| *content)),
            Found::InArena { length, unchanged, .. } => {
                let next = digests.as_mut().and_then(Iterator::next);
                Some(Some(next.map_or_else(
                    || Content::failed(internal()),
                    |digests| Content::whole(&met.entry, length as u64, digests, unchanged),
                )))
            }
        };
        let contents = met.iter().zip(found).map(&mut content_of).enumerate();
        contents.filter_map(|(place, content)| Some((place, content?))).collect()
    }

    /// Says whether a content is read whole.
    pub(crate) fn is_small(&self, entry: &Entry) -> bool {
        !entry.is_sparse() && entry.size_bytes.is_some_and(|size| size <= self.pooling.small_bytes)
    }

    /// Says whether a file is left unread because no set lists one of its size.
    fn is_of_no_listed_size(&self, met: &Met) -> bool {
        match (&self.shared.by_size, met.entry.size_bytes) {
            (Some(sets), Some(size)) => met.entry.kind == Kind::File && !sets.lists_size(size),
            _ => false,
        }
    }

    /// Matches a content and makes the record of its entry.
    fn record(&self, met: &Met, content: Option<Content>) -> Record {
        let mut record = if content.is_none()
            && matches!(met.verdict, Verdict::Content)
            && self.is_of_no_listed_size(met)
        {
            Record::unread(met.seq, met.entry.clone(), Status::SizeNotListed)
        } else {
            let halted = || self.shared.halting.get().unwrap_or(Halt::Interrupt).problem();
            classify(met.clone(), content, halted)
        };
        if let (Some(sets), false) = (&self.shared.sets, record.digests.is_empty()) {
            let carried_bytes = record.entry.size_bytes.filter(|_| record.carried_from.is_some());
            let size_bytes = carried_bytes.unwrap_or(record.bytes_read);
            record.matches = sets.lookup(&record.digests, size_bytes).into_vec();
        }
        if record.is_hit() {
            self.shared.watch.hit(&record);
            let hits = self.shared.hits.fetch_add(1, Ordering::SeqCst) + 1;
            if self.shared.execution.stop_after.is_some_and(|limit| hits >= limit) {
                self.shared.halting.set(Halt::Hits);
            }
        }
        self.shared.watch.recorded(&record);
        record
    }
}

/// Tells the slot that the reader lives, and the reader whether to go on.
pub(crate) struct WorkerPulse<'a, G: Ledger> {
    pub(crate) shared: &'a Shared<G>,
    pub(crate) slot: &'a Slot<G::Line>,
}

impl<G: Ledger> Pulse for WorkerPulse<'_, G> {
    fn beat(&self, bytes: u64) -> bool {
        self.slot.beat(self.shared.clock.elapsed());
        self.shared.watch.read(bytes);
        self.shared.halting.get().is_none_or(|halt| halt == Halt::Hits)
    }
}

/// Returns the identity of a content that has several names.
pub(crate) fn shared_id(met: &Met) -> Option<FileId> {
    met.entry.id.filter(|_| met.entry.links.is_some_and(|links| links > 1))
}

/// The problem of a read that did not come back in time.
pub(crate) fn timed_out() -> Problem {
    Problem::new(ProblemKind::TimedOut, "a read did not come back before the deadline")
}

pub(crate) fn internal() -> Problem {
    Problem::new(ProblemKind::Internal, "the program failed on this entry and went on")
}
