//! The volume section: the size of the medium and of its chunks. Metz, "EWF", sections 3.4 to 3.6.

use crate::bytes::{u32_at, u64_at};

/// The largest chunk that is decoded: common ones have 32 KiB.
const LIMIT_CHUNK_BYTES: u64 = 16 * 1024 * 1024;
/// The length of the section in the SMART format, with a 32-bit count of sectors.
const SMART_BYTES: usize = 94;

/// How the medium is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// The size of the medium in bytes.
    pub(super) size_bytes: u64,
    /// The size of a chunk in bytes; never 0.
    pub(super) chunk_bytes: u64,
    /// The size of a sector in bytes.
    pub(super) sector_bytes: u32,
}

impl Geometry {
    /// Reads the section; `None` if it makes no sense.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let per_chunk = u64::from(u32_at(bytes, 8)?);
        let sector_bytes = u32_at(bytes, 12)?;
        let sectors = match bytes.len() {
            SMART_BYTES => u64::from(u32_at(bytes, 16)?),
            _ => u64_at(bytes, 16)?,
        };
        let is_sector = sector_bytes.is_power_of_two() && (256..=65536).contains(&sector_bytes);
        let chunk_bytes = per_chunk.checked_mul(u64::from(sector_bytes))?;
        let makes_sense = is_sector && (1..=LIMIT_CHUNK_BYTES).contains(&chunk_bytes);
        let size_bytes = sectors.checked_mul(u64::from(sector_bytes))?;
        makes_sense.then_some(Self { size_bytes, chunk_bytes, sector_bytes })
    }

    /// Returns how many chunks the medium has.
    pub(super) fn chunk_count(&self) -> u64 {
        self.size_bytes.div_ceil(self.chunk_bytes.max(1))
    }

    /// Returns a range of sectors in bytes.
    pub(super) fn range(&self, first: u32, count: u32) -> (u64, u64) {
        let sector = u64::from(self.sector_bytes);
        (u64::from(first).saturating_mul(sector), u64::from(count).saturating_mul(sector))
    }
}
