//! Large contents: several at once are read in turn, a piece of each, and hashed side by side.
//!
//! One stream waits for the chain of its slowest digest; lanes of several streams do not. A worker
//! that has begun a large content therefore takes further batches on, as long as others have as
//! many, and ends their large contents together. One that is alone, while other workers have
//! nothing to do, is hashed with two threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use triage_evidence::Entry;
use triage_hash::update_many;
use triage_walk::Batch;

use crate::content::Content;
use crate::examine::{Cut, Examiner, Found, Task, WorkerPulse, internal};
use crate::job::{At, JobId};
use crate::reading::{Ends, Filled, Reading, Then};
use crate::{Halt, Ledger};

/// So many streams fill all lanes.
const LIMIT_STREAMS: usize = 16;
/// How much of each stream is read in turn: that of sixteen stays in the second-level cache.
const PIECE_BYTES: usize = 64 * 1024;
/// After so many batches in a row the streams go on, for at least so many pieces: lines behind a
/// large content wait for it. A user's disk has few large files in a batch: with eight it took
/// 0.83 s on one thread, with 64 or more 0.81 s.
const LIMIT_BATCHES: usize = 64;
const PIECES: usize = 64;

/// The large contents that a worker has begun.
#[derive(Default)]
pub(crate) struct Streams {
    begun: Vec<Large>,
    /// Batches begun since the streams went on.
    batches: usize,
    /// Pieces of each stream since then.
    pieces: usize,
}

/// A large content that was begun.
pub(crate) struct Large {
    at: At,
    batch: Arc<Batch>,
    pub(crate) reading: Reading,
    buffer: Vec<u8>,
    /// What of the buffer is not hashed yet.
    filled: Option<Filled>,
    ended: Option<Ended>,
}

impl Large {
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

    /// Says whether a large content was begun and has not ended.
    pub(crate) fn has_streams(&self) -> bool {
        !self.streams.begun.is_empty()
    }

    /// Says whether this worker should begin another batch before its streams go on: if it has less
    /// than its share of them, counting each batch that waits as one.
    pub(crate) fn wants_streams(&self) -> bool {
        let shared = &self.shared;
        let all = shared.streams.load(Ordering::SeqCst) + shared.work.len();
        let share = all.div_ceil(shared.execution.threads.max(1)).min(LIMIT_STREAMS);
        self.streams.begun.len() < share && self.streams.batches < LIMIT_BATCHES
    }

    /// Notes that a batch was begun.
    pub(crate) fn began_batch(&mut self) {
        self.streams.batches += 1;
    }

    /// Opens a large content.
    pub(crate) fn begin_stream(&mut self, task: &Task, place: usize) -> Result<Found, Cut> {
        let (at, batch) = (task.at(place), Arc::clone(&task.batch));
        self.slot.reading(at, self.shared.clock.elapsed())?;
        let open = || batch.directory.open_stream(&batch.met[place].entry);
        let stream = match catch_unwind(AssertUnwindSafe(open)) {
            Ok(Ok(stream)) => stream,
            Ok(Err(problem)) => return Ok(Found::failed(problem)),
            Err(_panic) => return Ok(Found::failed(internal())),
        };
        let reading = Reading::new(stream, self.shared.algorithms);
        let (buffer, filled, ended) = (Vec::new(), None, None);
        self.streams.begun.push(Large { at, batch, reading, buffer, filled, ended });
        self.shared.streams.fetch_add(1, Ordering::SeqCst);
        Ok(Found::Later)
    }

    /// Reads and hashes a piece of each stream. Returns the jobs of those that have ended.
    pub(crate) fn advance_streams(&mut self) -> Result<Vec<JobId>, Cut> {
        self.streams.pieces += 1;
        if self.streams.pieces >= PIECES {
            (self.streams.pieces, self.streams.batches) = (0, 0);
        }
        let mut begun = std::mem::take(&mut self.streams.begun);
        let advanced = self.advance(&mut begun);
        let (ended, begun): (Vec<_>, Vec<_>) =
            begun.into_iter().partition(|stream| stream.ended.is_some());
        self.streams.begun = begun;
        self.shared.streams.fetch_sub(ended.len(), Ordering::SeqCst);
        advanced?;
        let mut jobs = Vec::new();
        for Large { at, batch, ended, .. } in ended {
            let content = ended.flatten().map(|content| *content);
            self.put(at.job, &batch, vec![(at.place, content)])?;
            if !jobs.contains(&at.job) {
                jobs.push(at.job);
            }
        }
        Ok(jobs)
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
        self.shared.streams.fetch_sub(self.streams.begun.len(), Ordering::SeqCst);
    }
}
