//! Reads one content from start to end into a hasher, over bad places.

use triage_case::Status;
use triage_evidence::{Chunk, Entry, LostRange, Problem, ProblemKind, Stream};
use triage_hash::{Algorithms, Digests, Hasher};

use crate::content::{Content, status_of};

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

/// What a reader tells and asks between two reads.
pub(crate) trait Pulse {
    /// So many bytes were read; the reader is alive. Returns `false` to give the content up.
    fn beat(&self, bytes: u64) -> bool;
}

/// The pulse said that the run ends.
pub(crate) struct Ends;

/// What was read into a buffer.
pub(crate) struct Filled {
    /// How much of the buffer it is.
    pub(crate) bytes: usize,
    /// What comes behind it.
    pub(crate) then: Then,
}

/// What comes behind bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// More, or the end: the next read tells.
    More,
    /// A hole of so many bytes.
    Hole(u64),
    /// The end of the content, or of what can be read of it.
    End,
}

/// A content on its way into a hasher.
pub(crate) struct Reading {
    source: Source,
    hasher: Hasher,
}

/// An opened content, and what came of reading it so far.
struct Source {
    stream: Box<dyn Stream>,
    bytes_read: u64,
    reported: u64,
    lost_bytes: u64,
    problem: Option<Problem>,
    /// A read error behind bytes that are not hashed yet, and how much was to be read there.
    met: Option<(Problem, usize)>,
    /// The bad places, as far as they are listed.
    lost: Vec<LostRange>,
    bad_steps: u32,
    /// How many more bytes are read in small steps, because an error lies among them.
    cautious_bytes: usize,
}

impl Reading {
    /// Begins to read an opened content.
    pub(crate) fn new(stream: Box<dyn Stream>, algorithms: Algorithms) -> Self {
        let source = Source {
            stream,
            bytes_read: 0,
            reported: 0,
            lost_bytes: 0,
            problem: None,
            met: None,
            lost: Vec::new(),
            bad_steps: 0,
            cautious_bytes: 0,
        };
        Self { source, hasher: Hasher::new(algorithms) }
    }

    /// Reads all of it.
    pub(crate) fn read_whole(
        mut self,
        entry: &Entry,
        buffer: &mut [u8],
        pulse: &dyn Pulse,
    ) -> Result<Content, Ends> {
        loop {
            let Filled { bytes, then } = self.fill(entry, buffer, pulse)?;
            if let Some(hasher) = self.hasher() {
                hasher.update(&buffer[..bytes]);
            }
            match then {
                Then::More => {}
                Then::Hole(length) => self.hole(length, pulse)?,
                Then::End => return Ok(self.finish(entry)),
            }
        }
    }

    /// Fills a buffer with what comes next.
    pub(crate) fn fill(
        &mut self,
        entry: &Entry,
        buffer: &mut [u8],
        pulse: &dyn Pulse,
    ) -> Result<Filled, Ends> {
        self.source.fill(entry, buffer, pulse)
    }

    /// Returns what the bytes that were read go into. With a gap there is no digest of the whole,
    /// and none is computed.
    pub(crate) fn hasher(&mut self) -> Option<&mut Hasher> {
        self.source.problem.is_none().then_some(&mut self.hasher)
    }

    /// Takes MD5 out, if it has company and all was read so far, for another thread to compute.
    pub(crate) fn take_md5(&mut self) -> Option<Hasher> {
        self.hasher()?.take_md5()
    }

    /// Takes back what was taken out.
    pub(crate) fn give_back(&mut self, md5: &Hasher) {
        self.hasher.give_back(md5);
    }

    /// Feeds the zeros of a hole; the pulse beats meanwhile, since a hole can be huge.
    pub(crate) fn hole(&mut self, length: u64, pulse: &dyn Pulse) -> Result<(), Ends> {
        let mut left = length;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(ZEROS.len()).min(ZEROS.len());
            self.source.count(step);
            if let Some(hasher) = self.hasher() {
                hasher.update(&ZEROS[..step]);
            }
            left -= step as u64;
            self.source.beat(pulse)?;
        }
        Ok(())
    }

    /// Ends the reading, and says what came of it. Nothing may be read behind that.
    pub(crate) fn finish(&mut self, entry: &Entry) -> Content {
        let Self { source, hasher } = self;
        let hasher = std::mem::replace(hasher, Hasher::new(Algorithms::NONE));
        let Some(mut problem) = source.problem.take() else {
            let unchanged = source.stream.check_unchanged();
            return Content::whole(entry, source.bytes_read, hasher.finish(), unchanged);
        };
        if problem.kind == ProblemKind::Changed {
            let (status, bytes_read) = (Status::Changed, source.bytes_read);
            return Content::new(status, Some(problem), bytes_read, hasher.finish());
        }
        let lost = entry.size_bytes.unwrap_or(source.bytes_read).saturating_sub(source.bytes_read);
        problem.lost_bytes = Some(lost);
        if lost > source.lost_bytes {
            // Given up: the rest is lost without having been tried.
            source.lose(source.bytes_read + source.lost_bytes, lost - source.lost_bytes);
        }
        if source.lost.len() > 1 {
            problem.ranges = std::mem::take(&mut source.lost);
        }
        let unread = status_of(problem.kind);
        let status = if source.bytes_read > 0 { Status::Partial } else { unread };
        Content::new(status, Some(problem), source.bytes_read, Digests::new())
    }
}

impl Source {
    fn fill(
        &mut self,
        entry: &Entry,
        buffer: &mut [u8],
        pulse: &dyn Pulse,
    ) -> Result<Filled, Ends> {
        if let Some((problem, room)) = self.met.take()
            && !self.bad(problem, room, entry)
        {
            return Ok(Filled { bytes: 0, then: Then::End });
        }
        let mut bytes = 0;
        while bytes < buffer.len() {
            let limit = if self.cautious_bytes > 0 { STEP_BYTES } else { READ_BYTES };
            let room = limit.min(buffer.len() - bytes);
            match self.stream.read(&mut buffer[bytes..bytes + room]) {
                Ok(Chunk::Data(length)) => {
                    self.count(length);
                    bytes += length;
                }
                Ok(Chunk::Hole(length)) => return Ok(Filled { bytes, then: Then::Hole(length) }),
                Ok(Chunk::End) => return Ok(Filled { bytes, then: Then::End }),
                Err(problem) if bytes > 0 => {
                    self.met = Some((problem, room));
                    return Ok(Filled { bytes, then: Then::More });
                }
                Err(problem) => {
                    if !self.bad(problem, room, entry) {
                        return Ok(Filled { bytes, then: Then::End });
                    }
                }
            }
            self.beat(pulse)?;
        }
        Ok(Filled { bytes, then: Then::More })
    }

    /// Tells the pulse of the bytes read since the last time.
    fn beat(&mut self, pulse: &dyn Pulse) -> Result<(), Ends> {
        let bytes = self.bytes_read - self.reported;
        self.reported = self.bytes_read;
        if pulse.beat(bytes) { Ok(()) } else { Err(Ends) }
    }

    fn count(&mut self, bytes: usize) {
        self.bytes_read += bytes as u64;
        self.cautious_bytes = self.cautious_bytes.saturating_sub(bytes);
    }

    /// Notes a read error and moves on; returns whether reading goes on.
    fn bad(&mut self, problem: Problem, room: usize, entry: &Entry) -> bool {
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
        self.stream.skip(step);
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
}
