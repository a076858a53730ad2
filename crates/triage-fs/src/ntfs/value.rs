//! The value of an attribute, put together from the pieces that its records hold.

use triage_evidence::Problem;

use super::attribute::{Attribute, Body, Sizes};
use super::bytes::{damaged, long, short};
use super::run_list::{self, Extent};
use super::volume::Volume;

/// How many extents of one value are kept: 64 MiB of memory. A file of which every second cluster
/// of 4 KiB is its own reaches it at 8 GiB.
const LIMIT_EXTENTS: usize = 2 * 1024 * 1024;

/// The value of an attribute.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    /// The value, if it lies in the record.
    pub(super) resident: Option<Vec<u8>>,
    /// The clusters that hold it, without a gap from the first on.
    pub(super) extents: Vec<Extent>,
    /// Its sizes.
    pub(super) sizes: Sizes,
    /// Whether it is compressed with LZNT1.
    pub(super) is_compressed: bool,
    /// Whether it is encrypted by EFS.
    pub(super) is_encrypted: bool,
    /// Why the clusters are not all known.
    pub(super) problem: Option<Problem>,
}

impl Value {
    /// Puts a value together from its pieces, in any order; `None` if there are none.
    pub(super) fn assemble<'a>(pieces: impl Iterator<Item = Attribute<'a>>) -> Option<Self> {
        let mut value: Option<Self> = None;
        let mut parts = Vec::new();
        for attribute in pieces {
            let value = value.get_or_insert_default();
            match attribute.body {
                Body::Resident(bytes) => {
                    let length = long(bytes.len());
                    value.sizes = Sizes {
                        size_bytes: length,
                        valid_bytes: length,
                        allocated_bytes: length,
                        unit_shift: 0,
                    };
                    value.resident = Some(bytes.to_vec());
                    return Some(std::mem::take(value));
                }
                Body::Clusters(piece) => parts.push((piece, attribute)),
            }
        }
        let mut value = value?;
        parts.sort_by_key(|(piece, _)| piece.first);
        if parts.first().is_none_or(|(piece, _)| piece.first != 0) {
            value.problem = Some(damaged("the first piece of the content is missing"));
        }
        for (piece, attribute) in parts {
            if piece.first == 0 {
                value.sizes = piece.sizes;
                value.is_compressed = attribute.is_compressed();
                value.is_encrypted = attribute.is_encrypted();
            }
            value.append(piece.first, piece.runs);
        }
        Some(value)
    }

    /// Appends the runs of one piece if they follow the ones before.
    fn append(&mut self, first: u64, runs: &[u8]) {
        let end = self.extents.last().map_or(0, Extent::end);
        if first > end {
            let text = "a piece of the content is missing";
            self.problem.get_or_insert_with(|| damaged(text));
        }
        // A piece that is there twice, or that follows a gap, has no place.
        if first != end || self.problem.is_some() {
            return;
        }
        let mut runs = run_list::decode(runs, first);
        let room = LIMIT_EXTENTS.saturating_sub(self.extents.len());
        self.extents.extend(runs.by_ref().take(room));
        if runs.is_damaged() {
            self.problem = Some(damaged("a run of the content is impossible"));
        } else if self.extents.len() >= LIMIT_EXTENTS {
            let text = "the content lies in more runs than are read";
            self.problem = Some(Problem::new(triage_evidence::ProblemKind::LimitReached, text));
        }
    }

    /// Fills a buffer with the bytes at an offset; what was never written is zeros.
    ///
    /// # Errors
    /// A [`Problem`] if they cannot be read or lie behind the end.
    pub(super) fn fill(
        &self,
        volume: &Volume,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), Problem> {
        if let Some(bytes) = &self.resident {
            let bytes = bytes.get(short(offset)..).and_then(|rest| rest.get(..buffer.len()));
            let bytes = bytes.ok_or_else(|| damaged("a structure is too short").at(offset))?;
            buffer.copy_from_slice(bytes);
            return Ok(());
        }
        let valid = short(self.sizes.valid_bytes.saturating_sub(offset)).min(buffer.len());
        let (written, never) = buffer.split_at_mut(valid);
        never.fill(0);
        volume.fill(&self.extents, offset, written)
    }

    /// Reads the whole value.
    ///
    /// # Errors
    /// A [`Problem`] if it cannot be read, is longer than the limit or is packed.
    pub(super) fn read(&self, volume: &Volume, limit_bytes: u64) -> Result<Vec<u8>, Problem> {
        if let Some(bytes) = &self.resident {
            return Ok(bytes.clone());
        }
        if self.sizes.size_bytes > limit_bytes || self.is_compressed || self.is_encrypted {
            return Err(damaged("a structure is larger than it can be, or packed"));
        }
        let mut bytes = vec![0; short(self.sizes.size_bytes)];
        self.fill(volume, 0, &mut bytes)?;
        Ok(bytes)
    }
}
