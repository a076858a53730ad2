//! Large contents: several at once are read in turn, a piece of each, and hashed side by side.
//!
//! One stream waits for the chain of its slowest digest; lanes of several streams do not. A worker
//! that has begun a large content therefore takes further batches on, as long as others have as
//! many, and ends their large contents together; those that no lane is free for wait. One that is
//! alone, while other workers have nothing to do, is hashed with two threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use triage_evidence::Entry;
use triage_hash::update_many;
use triage_walk::Batch;

use crate::content::Content;
use crate::examine::{Cut, Examiner, Found, Task, WorkerPulse, internal};
use crate::job::{At, JobId};
use crate::large_queue::{LargeQueue, Waiting};
use crate::reading::{Ends, Filled, Reading, Then};
use crate::{Halt, Ledger};

/// So many streams fill all lanes.
const LIMIT_STREAMS: usize = 16;
/// So many contents are begun or wait, of all workers together: of more, the largest is found
/// early. Each may hold a directory open.
const LIMIT_LARGE: usize = 256;
/// How much of each stream is read in turn: that of sixteen stays in the second-level cache.
const PIECE_BYTES: usize = 64 * 1024;
/// After so many batches in a row the streams go on, for at least so many pieces: lines behind a
/// large content wait for it. A user's disk has few large files in a batch: with eight it took
/// 0.83 s on one thread, with 64 or more 0.81 s.
const LIMIT_BATCHES: usize = 64;
const PIECES: usize = 64;

/// The large contents of a worker: those that were begun, and those that wait.
#[derive(Default)]
pub(crate) struct Streams {
    begun: Vec<Large>,
    queue: LargeQueue,
    /// How many are begun or wait.
    count: usize,
    /// Their sizes together.
    bytes: u64,
    /// Batches begun since the streams went on.
    batches: usize,
    /// Pieces of each stream since then.
    pieces: usize,
}

/// A large content that was begun.
pub(crate) struct Large {
    at: At,
    batch: Arc<Batch>,
    size_bytes: u64,
    pub(crate) reading: Reading,
    buffer: Vec<u8>,
    /// What of the buffer is not hashed yet.
    filled: Option<Filled>,
    ended: Option<Ended>,
}

/// A large content that has ended.
struct Closed {
    at: At,
    batch: Arc<Batch>,
    size_bytes: u64,
    ended: Ended,
}

impl Closed {
    fn new(Waiting { at, batch, size_bytes }: Waiting, ended: Ended) -> Self {
        Self { at, batch, size_bytes, ended }
    }
}

impl Large {
    fn new(Waiting { at, batch, size_bytes }: Waiting, reading: Reading) -> Self {
        let (buffer, filled, ended) = (Vec::new(), None, None);
        Self { at, batch, size_bytes, reading, buffer, filled, ended }
    }

    fn close(self) -> Closed {
        let Self { at, batch, size_bytes, ended, .. } = self;
        Closed { at, batch, size_bytes, ended: ended.flatten() }
    }

    /// Takes what was read and not hashed, if more follows and there is a digest of it.
    pub(crate) fn take_piece(&mut self) -> Option<Vec<u8>> {
        self.reading.hasher()?;
        let filled = self.filled.take_if(|filled| filled.then == Then::More)?;
        let mut piece = std::mem::take(&mut self.buffer);
        piece.truncate(filled.bytes);
        Some(piece)
    }

    /// Gives room for what is read next.
    pub(crate) fn reuse(&mut self, room: Vec<u8>) {
        self.buffer = room;
    }

    /// Ends it for a defect of this program.
    pub(crate) fn fail(&mut self) {
        self.filled = None;
        self.ended = Some(Some(Box::new(Content::failed(internal()))));
    }
}

/// What came of a content: nothing if it was not reached.
type Ended = Option<Box<Content>>;

impl<G: Ledger> Examiner<G> {
    /// Says whether a content is read side by side with others.
    pub(crate) fn goes_with_streams(&self, entry: &Entry) -> bool {
        self.goes_beside && !self.is_small(entry)
    }

    /// Says whether a large content was begun or waits.
    pub(crate) fn has_streams(&self) -> bool {
        self.streams.count > 0
    }

    /// Says whether this worker should begin another batch before its streams go on: if it has less
    /// than its share of what fills the lanes, counting each batch that waits as one; then, if it
    /// has no more than its share of the bytes.
    pub(crate) fn wants_streams(&self) -> bool {
        if self.streams.batches >= LIMIT_BATCHES {
            return false;
        }
        let shared = &self.shared;
        let threads = shared.execution.threads.max(1);
        let large = shared.large.load(Ordering::SeqCst);
        let share = (large + shared.work.len()).div_ceil(threads).min(LIMIT_STREAMS);
        let bytes = shared.large_bytes.load(Ordering::SeqCst).div_ceil(threads as u64);
        self.streams.count < share || (large < LIMIT_LARGE && self.streams.bytes <= bytes)
    }

    /// Notes that a batch was begun.
    pub(crate) fn began_batch(&mut self) {
        self.streams.batches += 1;
    }

    /// Leaves a large content to wait for a lane.
    pub(crate) fn leave_to_wait(&mut self, task: &Task, place: usize) -> Found {
        let (at, batch) = (task.at(place), Arc::clone(&task.batch));
        let size_bytes = batch.met[place].entry.size_bytes.unwrap_or(0);
        self.streams.queue.push(Waiting { at, batch, size_bytes });
        self.streams.count += 1;
        self.streams.bytes += size_bytes;
        self.shared.large.fetch_add(1, Ordering::SeqCst);
        self.shared.large_bytes.fetch_add(size_bytes, Ordering::SeqCst);
        Found::Later
    }

    /// Reads and hashes a piece of each stream. Returns the jobs of those that have ended.
    pub(crate) fn advance_streams(&mut self) -> Result<Vec<JobId>, Cut> {
        self.streams.pieces += 1;
        if self.streams.pieces >= PIECES {
            (self.streams.pieces, self.streams.batches) = (0, 0);
        }
        let mut begun = std::mem::take(&mut self.streams.begun);
        let mut closed = Vec::new();
        let opened = self.open_next(&mut begun, &mut closed);
        let advanced = opened.and_then(|()| self.advance(&mut begun));
        closed.extend(begun.extract_if(.., |stream| stream.ended.is_some()).map(Large::close));
        self.streams.begun = begun;
        self.leave_streams(closed.len(), closed.iter().map(|closed| closed.size_bytes).sum());
        advanced?;
        let mut jobs = Vec::new();
        for Closed { at, batch, ended, .. } in closed {
            let content = ended.map(|content| *content);
            self.put(at.job, &batch, vec![(at.place, content)])?;
            if !jobs.contains(&at.job) {
                jobs.push(at.job);
            }
        }
        Ok(jobs)
    }

    fn leave_streams(&mut self, count: usize, bytes: u64) {
        self.streams.count -= count;
        self.streams.bytes -= bytes;
        self.shared.large.fetch_sub(count, Ordering::SeqCst);
        self.shared.large_bytes.fetch_sub(bytes, Ordering::SeqCst);
    }

    /// Opens waiting contents until all lanes have one.
    fn open_next(&mut self, begun: &mut Vec<Large>, closed: &mut Vec<Closed>) -> Result<(), Cut> {
        while begun.len() < LIMIT_STREAMS
            && let Some(next) = self.streams.queue.take()
        {
            match self.open(&next)? {
                Ok(reading) => begun.push(Large::new(next, reading)),
                Err(ended) => closed.push(Closed::new(next, ended)),
            }
        }
        Ok(())
    }

    /// Opens a large content; else it has ended.
    fn open(&self, next: &Waiting) -> Result<Result<Reading, Ended>, Cut> {
        match self.shared.halting.get() {
            Some(Halt::Interrupt) => return Err(Cut::Halted),
            Some(_) => return Ok(Err(None)),
            None => self.slot.reading(next.at, self.shared.clock.elapsed())?,
        }
        let (directory, entry) = (&next.batch.directory, &next.batch.met[next.at.place].entry);
        let opened = catch_unwind(AssertUnwindSafe(|| directory.open_stream(entry)));
        let failed = |problem| Err(Some(Box::new(Content::failed(problem))));
        Ok(match opened {
            Ok(Ok(stream)) => Ok(Reading::new(stream, self.shared.algorithms)),
            Ok(Err(problem)) => failed(problem),
            Err(_panic) => failed(internal()),
        })
    }

    fn advance(&mut self, begun: &mut [Large]) -> Result<(), Cut> {
        if let [alone] = begun {
            self.advance_on_two_threads(alone)?;
        }
        begun.iter_mut().try_for_each(|stream| self.fill(stream, PIECE_BYTES))?;
        hash(begun);
        begun.iter_mut().try_for_each(|stream| self.follow(stream))
    }

    /// Fills the buffer of a stream, unless it is filled.
    pub(crate) fn fill(&self, stream: &mut Large, piece_bytes: usize) -> Result<(), Cut> {
        if stream.filled.is_some() || stream.ended.is_some() {
            return Ok(());
        }
        self.slot.reading(stream.at, self.shared.clock.elapsed())?;
        stream.buffer.resize(piece_bytes, 0);
        let entry = &stream.batch.met[stream.at.place].entry;
        let (reading, buffer) = (&mut stream.reading, &mut stream.buffer);
        let read = catch_unwind(AssertUnwindSafe(|| reading.fill(entry, buffer, &self.pulse())));
        stream.filled = self.or_ended(read, &mut stream.ended)?;
        Ok(())
    }

    /// Does what comes behind the bytes that were hashed.
    fn follow(&self, stream: &mut Large) -> Result<(), Cut> {
        let Some(filled) = stream.filled.take() else { return Ok(()) };
        match filled.then {
            Then::More => {}
            Then::Hole(length) => {
                let reading = &mut stream.reading;
                let read = catch_unwind(AssertUnwindSafe(|| reading.hole(length, &self.pulse())));
                self.or_ended(read, &mut stream.ended)?;
            }
            Then::End => {
                self.slot.reading(stream.at, self.shared.clock.elapsed())?;
                let reading = &mut stream.reading;
                let entry = &stream.batch.met[stream.at.place].entry;
                let read = catch_unwind(AssertUnwindSafe(|| reading.finish(entry)));
                let content = read.unwrap_or_else(|_panic| Content::failed(internal()));
                stream.ended = Some(Some(Box::new(content)));
            }
        }
        Ok(())
    }

    fn pulse(&self) -> WorkerPulse<'_, G> {
        WorkerPulse { shared: &self.shared, slot: &self.slot }
    }

    /// Returns what was read; else the stream has ended: the run did, or the reader has a defect.
    fn or_ended<T>(
        &self,
        read: std::thread::Result<Result<T, Ends>>,
        ended: &mut Option<Ended>,
    ) -> Result<Option<T>, Cut> {
        *ended = Some(match read {
            Ok(Ok(read)) => return Ok(Some(read)),
            Ok(Err(Ends)) => {
                self.slot.resting()?;
                match self.shared.halting.get() {
                    Some(Halt::Interrupt) => return Err(Cut::Halted),
                    _ => None,
                }
            }
            Err(_panic) => Some(Box::new(Content::failed(internal()))),
        });
        Ok(None)
    }
}

/// Hashes what was read of the streams, side by side.
fn hash(begun: &mut [Large]) {
    let filled = begun.iter_mut().filter_map(|stream| {
        let bytes = stream.buffer.get(..stream.filled.as_ref()?.bytes)?;
        Some((stream.reading.hasher()?, bytes))
    });
    let filled: Vec<_> = filled.collect();
    if catch_unwind(AssertUnwindSafe(|| update_many(filled))).is_err() {
        begun.iter_mut().for_each(Large::fail);
    }
}

impl<G: Ledger> Drop for Examiner<G> {
    /// A worker that is lost or interrupted leaves streams behind.
    fn drop(&mut self) {
        self.leave_streams(self.streams.count, self.streams.bytes);
    }
}
