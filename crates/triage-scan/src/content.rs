//! Reads one stream from start to end into a hasher, over bad places, and says what came of it.

use triage_case::Status;
use triage_evidence::{Chunk, Entry, LostRange, Problem, ProblemKind, Stream};
use triage_hash::{Algorithms, Digest, Digests, Hasher};

use crate::carry::Carried;

/// How much is read at once. Large enough for a spinning disk to stream, small enough to stay in
/// the second-level cache while several digests pass over it.
pub(crate) const READ_BYTES: usize = 256 * 1024;
/// After a read error that does not say how long the bad place is, the reader goes on in steps of
/// one page: the least that the kernel's cache loses at a bad sector.
const STEP_BYTES: usize = 4096;
/// After so many bad steps in one file the rest is given up: a dying disk needs seconds for each.
const LIMIT_BAD_STEPS: u32 = 1024;
/// The most bad ranges that a record lists: a line stays short, and the rest is in the sum.
const LIMIT_RANGES: usize = 256;
/// Zero bytes that stand for a hole.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// What came of reading one content.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// The class that the entry falls in.
    pub(crate) status: Status,
    /// Why it was not read in full.
    pub(crate) problem: Option<Problem>,
    /// How many bytes were read, holes included.
    pub(crate) bytes_read: u64,
    /// The digests, as far as they mean something.
    pub(crate) digests: Digests,
    /// The manifest that the digests come from, if the content was not read now.
    pub(crate) carried_from: Option<Digest>,
}

impl Content {
    /// Returns what came of a content that could not be read at all.
    pub(crate) fn failed(problem: Problem) -> Self {
        let status = status_of(problem.kind);
        Self::new(status, Some(problem), 0, Digests::new())
    }

    /// Returns what an earlier examination says of a content.
    pub(crate) fn carried(carried: &Carried) -> Self {
        let content = Self::new(Status::Carried, None, 0, carried.digests.clone());
        Self { carried_from: Some(carried.from), ..content }
    }

    /// Returns what came of a content that was to be read now.
    pub(crate) const fn new(
        status: Status,
        problem: Option<Problem>,
        bytes_read: u64,
        digests: Digests,
    ) -> Self {
        Self { status, problem, bytes_read, digests, carried_from: None }
    }

    /// Returns what came of a content that was read in full, given the last look at the file.
    pub(crate) fn whole(
        entry: &Entry,
        bytes_read: u64,
        digests: Digests,
        unchanged: Result<(), Problem>,
    ) -> Self {
        let problem = unchanged.err().or_else(|| differs_in_length(entry, bytes_read));
        let status = if problem.is_some() { Status::Changed } else { Status::Read };
        Self::new(status, problem, bytes_read, digests)
    }
}

/// Returns the class of an entry of which nothing could be read for that reason.
pub(crate) const fn status_of(kind: ProblemKind) -> Status {
    match kind {
        ProblemKind::Changed => Status::Changed,
        ProblemKind::Encrypted => Status::Encrypted,
        ProblemKind::Unsupported => Status::Unsupported,
        _ => Status::Unreadable,
    }
}

/// A content that is not as long as the file system says is not what was examined.
fn differs_in_length(entry: &Entry, bytes_read: u64) -> Option<Problem> {
    let expected = entry.size_bytes?;
    (expected != bytes_read).then(|| {
        let text = format!("the content has {bytes_read} bytes, the file system said {expected}");
        Problem::new(ProblemKind::Changed, text)
    })
}

/// What a reader tells and asks between two reads.
pub(crate) trait Pulse {
    /// So many bytes were read; the reader is alive. Returns `false` to give the content up.
    fn beat(&self, bytes: u64) -> bool;
}

/// Reads a stream to its end. Returns `None` if the pulse says that the run ends.
pub(crate) fn read_stream(
    stream: &mut dyn Stream,
    entry: &Entry,
    algorithms: Algorithms,
    buffer: &mut [u8],
    pulse: &dyn Pulse,
) -> Option<Content> {
    let mut reading = Reading::new(algorithms);
    loop {
        let limit = if reading.cautious_bytes > 0 { STEP_BYTES } else { READ_BYTES };
        let room = limit.min(buffer.len());
        match stream.read(&mut buffer[..room]) {
            Ok(Chunk::Data(length)) => reading.data(&buffer[..length]),
            Ok(Chunk::Hole(length)) => {
                if !reading.hole(length, pulse) {
                    return None;
                }
            }
            Ok(Chunk::End) => break,
            Err(problem) => {
                if !reading.bad(problem, room, entry, stream) {
                    break;
                }
            }
        }
        if !pulse.beat(reading.unreported()) {
            return None;
        }
    }
    Some(reading.finish(entry, stream))
}

/// The state of one reading.
struct Reading {
    hasher: Hasher,
    bytes_read: u64,
    reported: u64,
    lost_bytes: u64,
    problem: Option<Problem>,
    /// The bad places, as far as they are listed.
    lost: Vec<LostRange>,
    bad_steps: u32,
    /// How many more bytes are read in small steps, because an error lies among them.
    cautious_bytes: usize,
}

impl Reading {
    fn new(algorithms: Algorithms) -> Self {
        Self {
            hasher: Hasher::new(algorithms),
            bytes_read: 0,
            reported: 0,
            lost_bytes: 0,
            problem: None,
            lost: Vec::new(),
            bad_steps: 0,
            cautious_bytes: 0,
        }
    }

    /// Returns the bytes read since it was last asked.
    fn unreported(&mut self) -> u64 {
        let bytes = self.bytes_read - self.reported;
        self.reported = self.bytes_read;
        bytes
    }

    fn data(&mut self, bytes: &[u8]) {
        self.bytes_read += bytes.len() as u64;
        self.cautious_bytes = self.cautious_bytes.saturating_sub(bytes.len());
        // With a gap there is no digest of the whole, and none is computed.
        if self.problem.is_none() {
            self.hasher.update(bytes);
        }
    }

    /// Feeds the zeros of a hole; the pulse beats meanwhile, since a hole can be huge.
    fn hole(&mut self, length: u64, pulse: &dyn Pulse) -> bool {
        let mut left = length;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(ZEROS.len()).min(ZEROS.len());
            self.data(&ZEROS[..step]);
            left -= step as u64;
            if !pulse.beat(self.unreported()) {
                return false;
            }
        }
        true
    }

    /// Notes a read error and moves on; returns whether reading goes on.
    fn bad(
        &mut self,
        problem: Problem,
        room: usize,
        entry: &Entry,
        stream: &mut dyn Stream,
    ) -> bool {
        let goes_on = problem.kind == ProblemKind::Unreadable;
        let told = problem.lost_bytes;
        self.problem.get_or_insert(problem);
        if !goes_on {
            return false;
        }
        if told.is_none() && room > STEP_BYTES {
            self.cautious_bytes = room;
            return true;
        }
        let position = self.bytes_read + self.lost_bytes;
        let left = entry.size_bytes.unwrap_or(0).saturating_sub(position);
        let page = STEP_BYTES as u64 - position % STEP_BYTES as u64;
        let step = told.unwrap_or(page).min(left);
        self.lose(position, step);
        self.bad_steps += 1;
        self.cautious_bytes = self.cautious_bytes.saturating_sub(STEP_BYTES);
        stream.skip(step);
        step > 0 && self.bad_steps < LIMIT_BAD_STEPS
    }

    /// Notes a bad place; one behind another makes it longer.
    fn lose(&mut self, offset: u64, size_bytes: u64) {
        self.lost_bytes += size_bytes;
        let has_room = self.lost.len() < LIMIT_RANGES;
        match self.lost.last_mut() {
            Some(last) if last.offset + last.size_bytes == offset => last.size_bytes += size_bytes,
            _ if has_room => self.lost.push(LostRange { offset, size_bytes }),
            _ => {}
        }
    }

    fn finish(mut self, entry: &Entry, stream: &mut dyn Stream) -> Content {
        let Some(mut problem) = self.problem.take() else {
            let unchanged = stream.check_unchanged();
            return Content::whole(entry, self.bytes_read, self.hasher.finish(), unchanged);
        };
        if problem.kind == ProblemKind::Changed {
            let digests = self.hasher.finish();
            let (status, bytes_read) = (Status::Changed, self.bytes_read);
            return Content::new(status, Some(problem), bytes_read, digests);
        }
        let lost = entry.size_bytes.unwrap_or(self.bytes_read).saturating_sub(self.bytes_read);
        problem.lost_bytes = Some(lost);
        if lost > self.lost_bytes {
            // Given up: the rest is lost without having been tried.
            self.lose(self.bytes_read + self.lost_bytes, lost - self.lost_bytes);
        }
        if self.lost.len() > 1 {
            problem.ranges = self.lost;
        }
        let unread = status_of(problem.kind);
        let status = if self.bytes_read > 0 { Status::Partial } else { unread };
        let (bytes_read, digests) = (self.bytes_read, Digests::new());
        Content::new(status, Some(problem), bytes_read, digests)
    }
}
