//! Content that is compressed in units: unpacked one unit at a time, in order.
//!
//! Here: the compression of NTFS itself (LZNT1). The one of the Windows overlay filter is
//! `wof.rs`. Spec: libfsntfs documentation, "Compressed data runs".

mod huffman;
mod lznt1;
mod lzx;
mod xpress;

pub(super) use lzx::unpack as unpack_lzx;
pub(super) use xpress::unpack as unpack_xpress;

use triage_evidence::{Chunk, Problem, ProblemKind, Stream};

use super::bytes::{damaged, long, short};
use super::run_list::Extent;
use super::value::Value;
use super::volume::Volume;

/// The largest unit that is unpacked; Windows makes units of at most 64 KiB.
const LIMIT_UNIT_BYTES: u64 = 1024 * 1024;

/// Content that is kept in units.
pub(super) trait Units: Send {
    /// Unpacks a unit, or tells how many units from it on are holes; 0 if it is none.
    ///
    /// # Errors
    /// A [`Problem`] if the unit cannot be read or unpacked.
    fn unpack(&mut self, number: u64, unit: &mut [u8]) -> Result<u64, Problem>;

    /// Returns where in the volume the packed content begins, in bytes.
    fn begins_at(&self) -> Option<u64>;
}

/// Content that is unpacked while it is read.
pub(super) struct UnitStream<U> {
    units: U,
    unit: Vec<u8>,
    /// The unit that the buffer holds.
    held: Option<u64>,
    position: u64,
    size_bytes: u64,
    valid_bytes: u64,
}

impl<U: Units> UnitStream<U> {
    /// Takes content of `size_bytes`, of which only the first `valid_bytes` were ever written.
    pub(super) fn new(units: U, unit_bytes: usize, size_bytes: u64, valid_bytes: u64) -> Self {
        let unit = vec![0; unit_bytes.max(1)];
        let valid_bytes = valid_bytes.min(size_bytes);
        Self { units, unit, held: None, position: 0, size_bytes, valid_bytes }
    }

    /// Returns the unit at the position, and how far the position is into it.
    fn place(&self) -> (u64, u64) {
        let unit = long(self.unit.len());
        let number = self.position.checked_div(unit).unwrap_or(0);
        (number, self.position.checked_rem(unit).unwrap_or(0))
    }
}

impl<U: Units> Stream for UnitStream<U> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<Chunk, Problem> {
        if self.position >= self.size_bytes || buffer.is_empty() {
            return Ok(Chunk::End);
        }
        if self.position >= self.valid_bytes {
            let left = self.size_bytes.saturating_sub(self.position);
            self.position = self.size_bytes;
            return Ok(Chunk::Hole(left));
        }
        let (number, within) = self.place();
        let unit_bytes = long(self.unit.len());
        let left = self.valid_bytes.saturating_sub(self.position);
        let rest = unit_bytes.saturating_sub(within).min(left);
        if self.held != Some(number) {
            self.held = None;
            let holes = self.units.unpack(number, &mut self.unit).map_err(|problem| Problem {
                offset: Some(self.position),
                lost_bytes: Some(rest),
                ..problem
            })?;
            if holes > 0 {
                let hole = holes.saturating_mul(unit_bytes).saturating_sub(within).min(left);
                self.position = self.position.saturating_add(hole);
                return Ok(Chunk::Hole(hole));
            }
            self.held = Some(number);
        }
        let length = short(rest).min(buffer.len());
        let from = self.unit.get(short(within)..).and_then(|rest| rest.get(..length));
        if let (Some(from), Some(to)) = (from, buffer.get_mut(..length)) {
            to.copy_from_slice(from);
        }
        self.position = self.position.saturating_add(long(length));
        Ok(Chunk::Data(length))
    }

    fn skip(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes).min(self.size_bytes);
    }

    fn check_unchanged(&mut self) -> Result<(), Problem> {
        Ok(())
    }

    fn begins_at(&self) -> Option<u64> {
        self.units.begins_at()
    }
}

/// Content that NTFS compressed.
struct Lznt1 {
    volume: Volume,
    extents: Vec<Extent>,
    unit_clusters: u64,
    packed: Vec<u8>,
}

/// Opens content that NTFS compressed.
///
/// # Errors
/// A [`Problem`] if its units are larger than any that Windows makes.
pub(super) fn open(volume: &Volume, value: Value) -> Result<Box<dyn Stream>, Problem> {
    let unit_clusters = 1_u64.checked_shl(u32::from(value.sizes.unit_shift));
    let unit_bytes = unit_clusters
        .and_then(|clusters| clusters.checked_mul(volume.boot.cluster_bytes))
        .filter(|&bytes| bytes <= LIMIT_UNIT_BYTES);
    let (Some(unit_clusters), Some(unit_bytes)) = (unit_clusters, unit_bytes) else {
        let text = "the content is compressed in units of a size that is not read";
        return Err(Problem::new(ProblemKind::Unsupported, text));
    };
    let units =
        Lznt1 { volume: volume.clone(), extents: value.extents, unit_clusters, packed: Vec::new() };
    let sizes = value.sizes;
    let unit_bytes = short(unit_bytes);
    Ok(Box::new(UnitStream::new(units, unit_bytes, sizes.size_bytes, sizes.valid_bytes)))
}

impl Lznt1 {
    /// Counts the clusters of a unit that are known, and those that are on the disk; and the
    /// clusters from the first on that are one hole.
    fn count(&self, first: u64) -> (u64, u64, u64) {
        let end = first.saturating_add(self.unit_clusters);
        let (mut known, mut stored, mut hole) = (0_u64, 0_u64, 0_u64);
        let from = self.extents.partition_point(|extent| extent.end() <= first);
        for extent in self.extents.get(from..).unwrap_or_default() {
            if extent.first >= end {
                break;
            }
            let count = extent.end().min(end).saturating_sub(extent.first.max(first));
            known = known.saturating_add(count);
            match extent.cluster {
                Some(_) => stored = stored.saturating_add(count),
                None if extent.first <= first => hole = extent.end().saturating_sub(first),
                None => {}
            }
        }
        (known, stored, hole)
    }
}

impl Units for Lznt1 {
    fn unpack(&mut self, number: u64, unit: &mut [u8]) -> Result<u64, Problem> {
        let first = number.saturating_mul(self.unit_clusters);
        let cluster_bytes = self.volume.boot.cluster_bytes;
        let offset = first.saturating_mul(cluster_bytes);
        let (known, stored, hole) = self.count(first);
        if known == 0 {
            return Err(damaged("the content is longer than the runs that hold it"));
        }
        if stored == 0 {
            // A hole may last over many units; what it does not fill is one all the same.
            return Ok(hole.checked_div(self.unit_clusters).unwrap_or(0).max(1));
        }
        // A unit without a hole is not compressed.
        if stored == self.unit_clusters {
            self.volume.fill(&self.extents, offset, unit)?;
            return Ok(0);
        }
        self.packed.resize(short(stored.saturating_mul(cluster_bytes)), 0);
        self.volume.fill(&self.extents, offset, &mut self.packed)?;
        if !lznt1::unpack(&self.packed, unit) {
            return Err(damaged("a unit of compressed content is damaged"));
        }
        Ok(0)
    }

    fn begins_at(&self) -> Option<u64> {
        self.volume.begins_at(&self.extents)
    }
}
