//! The clusters of a volume: reading what a list of extents says lies there.

use std::sync::Arc;

use triage_evidence::{ByteSource, Problem, Run};

use super::boot_sector::BootSector;
use super::bytes::{damaged, long, short};
use super::run_list::Extent;

/// A volume of which the measures are known.
#[derive(Clone)]
pub(super) struct Volume {
    /// The bytes.
    pub(super) source: Arc<dyn ByteSource>,
    /// The measures.
    pub(super) boot: BootSector,
}

impl Volume {
    /// Returns how many clusters there are: as many as the volume says, no more than the source
    /// holds.
    pub(super) fn held_clusters(&self) -> u64 {
        let held = self.source.size_bytes().div_ceil(self.boot.cluster_bytes.max(1));
        self.boot.clusters().min(held)
    }

    /// Returns where the first extent begins that is no hole, in bytes.
    pub(super) fn begins_at(&self, extents: &[Extent]) -> Option<u64> {
        let cluster = extents.iter().find_map(|extent| extent.cluster)?;
        Some(cluster.saturating_mul(self.boot.cluster_bytes))
    }

    /// Fills a buffer with the bytes at an offset of the volume.
    ///
    /// # Errors
    /// A [`Problem`] if they cannot be read or lie behind the end.
    pub(super) fn read_exact(&self, mut offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        let mut rest = buffer;
        while !rest.is_empty() {
            let read = self.source.read_at(offset, rest)?.min(rest.len());
            if read == 0 {
                return Err(damaged("a structure leads behind the end of the volume").at(offset));
            }
            offset = offset.saturating_add(long(read));
            rest = rest.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Fills a buffer with the bytes at an offset of a value whose clusters are given; holes are
    /// zeros.
    ///
    /// # Errors
    /// A [`Problem`] if the extents end before or the volume does.
    pub(super) fn fill(
        &self,
        extents: &[Extent],
        mut offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), Problem> {
        let cluster_bytes = self.boot.cluster_bytes;
        let mut rest = buffer;
        let first = offset.checked_div(cluster_bytes).unwrap_or(0);
        let index = extents.partition_point(|extent| extent.end() <= first);
        for extent in extents.get(index..).unwrap_or_default() {
            if rest.is_empty() {
                return Ok(());
            }
            let Some(within) = offset.checked_sub(extent.first.saturating_mul(cluster_bytes))
            else {
                break;
            };
            let left = extent.count.saturating_mul(cluster_bytes).saturating_sub(within);
            let length = short(left).min(rest.len());
            let (now, later) = rest.split_at_mut(length);
            match extent.cluster {
                None => now.fill(0),
                Some(cluster) => {
                    let start = cluster.saturating_mul(cluster_bytes).saturating_add(within);
                    self.read_exact(start, now)?;
                }
            }
            offset = offset.saturating_add(long(length));
            rest = later;
        }
        if rest.is_empty() {
            return Ok(());
        }
        Err(damaged("a structure is longer than the clusters that hold it").at(offset))
    }

    /// Returns extents as ranges of the volume in bytes.
    pub(super) fn runs(&self, extents: &[Extent]) -> Vec<Run> {
        let bytes = |clusters: u64| clusters.saturating_mul(self.boot.cluster_bytes);
        let run = |extent: &Extent| Run {
            start: extent.cluster.map(bytes),
            size_bytes: bytes(extent.count),
        };
        extents.iter().map(run).collect()
    }
}
