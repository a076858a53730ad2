//! A table: where the chunks of a segment lie. Metz, "EWF", sections 3.9 and 3.10.

use simd_adler32::adler32;
use triage_evidence::{ByteSource, Problem};

use super::section::Section;
use crate::bytes::{damaged, long, read_vec, slice_at, u32_at, u64_at};

/// The length of the head of a table.
const HEAD_BYTES: usize = 24;
/// The most entries that are read of one table: `EnCase` writes 16,375, others up to 65,534.
const LIMIT_ENTRIES: u32 = 1024 * 1024;
/// The bit of an entry that says that the chunk is compressed.
const COMPRESSED: u32 = 0x8000_0000;

/// Where one of the two copies of the entries lies.
#[derive(Clone, Copy, Debug)]
struct Copy {
    start: u64,
    base: u64,
}

/// A table and its copy.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The number of its first chunk in the medium.
    pub(super) first_chunk: u64,
    /// The segment that it lies in.
    pub(super) segment: usize,
    count: u32,
    copies: Vec<Copy>,
    /// Where the data of its last chunk ends.
    data_end: u64,
}

/// Where a chunk lies in its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) start: u64,
    /// Up to where its bytes may go on.
    pub(super) end: u64,
    pub(super) is_compressed: bool,
}

impl Table {
    /// Reads the head of a table.
    ///
    /// # Errors
    /// A [`Problem`] if it does not fit its checksum or has more entries than are read.
    pub(super) fn parse(
        segment: &dyn ByteSource,
        section: &Section,
        place: usize,
        first_chunk: u64,
        data_end: Option<u64>,
    ) -> Result<Self, Problem> {
        let head = read_vec(segment, section.start, HEAD_BYTES)?;
        let cut = || damaged("a table of the image is cut off");
        let checked = slice_at(&head, 0, 20).ok_or_else(cut)?;
        if u32_at(&head, 20) != Some(adler32(&checked)) {
            let text = "the head of a table does not fit its checksum";
            return Err(damaged(text).at(section.start));
        }
        let count = u32_at(&head, 0).ok_or_else(cut)?;
        let base = u64_at(&head, 8).ok_or_else(cut)?;
        let needed = u64::from(count).saturating_mul(4).saturating_add(long(HEAD_BYTES));
        if count > LIMIT_ENTRIES || needed > section.size_bytes {
            return Err(damaged(format!("a table says {count} entries, more than it can hold")));
        }
        let start = section.start.saturating_add(long(HEAD_BYTES));
        let end = section.start.saturating_add(section.size_bytes);
        let data_end = data_end.unwrap_or(end);
        let copies = vec![Copy { start, base }];
        Ok(Self { first_chunk, segment: place, count, copies, data_end })
    }

    /// Takes the second copy of the same table.
    pub(super) fn add_copy(&mut self, other: &Self) {
        if other.count == self.count {
            self.copies.extend(&other.copies);
        }
    }

    /// Returns the number of the chunk behind the last.
    pub(super) fn end(&self) -> u64 {
        self.first_chunk.saturating_add(u64::from(self.count))
    }

    /// Returns how many chunks it has.
    pub(super) fn count(&self) -> u64 {
        u64::from(self.count)
    }

    /// Returns how long the entries are in bytes.
    pub(super) fn entries_bytes(&self) -> u64 {
        self.count().saturating_mul(4)
    }

    /// Reads the entries, from the copy if the table is damaged, as offsets in the segment's first
    /// 2 GiB behind the base, which the copies share.
    ///
    /// # Errors
    /// A [`Problem`] if neither fits its checksum.
    pub(super) fn read(&self, segment: &dyn ByteSource) -> Result<Vec<u32>, Problem> {
        let length = usize::try_from(self.count).unwrap_or(0).saturating_mul(4);
        let mut last = damaged("a table of the image has no entries");
        for copy in &self.copies {
            let bytes = match read_vec(segment, copy.start, length.saturating_add(4)) {
                Ok(bytes) => bytes,
                Err(problem) => {
                    last = problem;
                    continue;
                }
            };
            let entries = bytes.get(..length).unwrap_or_default();
            if u32_at(&bytes, length) == Some(adler32(&entries)) {
                let four = entries.chunks_exact(4).filter_map(|four| four.try_into().ok());
                return Ok(four.map(u32::from_le_bytes).collect());
            }
            last = damaged("a table of the image and its copy do not fit their checksums");
        }
        Err(last)
    }

    /// Returns where a chunk lies, given the entries.
    ///
    /// # Errors
    /// A [`Problem`] if there is no such entry.
    pub(super) fn stored(&self, entries: &[u32], place: usize) -> Result<Stored, Problem> {
        let base = self.copies.first().map_or(0, |copy| copy.base);
        let at = |place: usize| {
            let entry = entries.get(place)?;
            Some(base.saturating_add(u64::from(entry & !COMPRESSED)))
        };
        let start = at(place).ok_or_else(|| damaged("the table has no entry for this part"))?;
        let next = at(place.saturating_add(1)).unwrap_or(self.data_end);
        let end = if next > start { next } else { self.data_end };
        let is_compressed = entries.get(place).is_some_and(|entry| entry & COMPRESSED != 0);
        Ok(Stored { start, end, is_compressed })
    }
}

/// Returns the checksum that follows bytes of this format.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    adler32(&bytes)
}
