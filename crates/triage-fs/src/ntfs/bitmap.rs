//! `$Bitmap`: which clusters of the volume are allocated.

use triage_evidence::Problem;

use super::bytes::{long, short};
use super::run_list::Extent;
use super::value::Value;
use super::volume::Volume;

/// How much of the map is read at once: 2 GiB of clusters of 4 KiB.
const READ_BYTES: u64 = 64 * 1024;

/// How much of the map is searched for a free cluster of a contested file before there is taken to
/// be one.
const LIMIT_CONTESTED_BYTES: u64 = 64 * 1024;

/// The map of clusters.
#[derive(Debug)]
pub(super) struct ClusterMap {
    value: Value,
}

/// What the map says about some clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// At least one of them is free.
    pub(super) has_free: bool,
    /// At least one of them is allocated, or is not on the volume.
    pub(super) has_allocated: bool,
}

impl ClusterMap {
    /// Takes the content of `$Bitmap`.
    pub(super) const fn new(value: Value) -> Self {
        Self { value }
    }

    /// Counts the free clusters of the volume, as far as there is a volume.
    ///
    /// # Errors
    /// A [`Problem`] if the map cannot be read to its end.
    pub(super) fn count_free(&self, volume: &Volume) -> Result<u64, Problem> {
        let mut free = 0_u64;
        self.visit(volume, 0, volume.held_clusters(), |byte, mask| {
            free = free.saturating_add(u64::from((!byte & mask).count_ones()));
            true
        })?;
        Ok(free)
    }

    /// Says whether clusters are free, allocated, or both. If they are contested, one that is free
    /// says enough: files that claim the same place must not cost the reading of the map each.
    ///
    /// # Errors
    /// A [`Problem`] if the map cannot be read.
    pub(super) fn usage(
        &self,
        volume: &Volume,
        extents: &[Extent],
        is_contested: bool,
    ) -> Result<Usage, Problem> {
        let mut usage = Usage::default();
        let mut budget = if is_contested { LIMIT_CONTESTED_BYTES } else { u64::MAX };
        for extent in extents {
            let Some(first) = extent.cluster else {
                continue;
            };
            let end = first.saturating_add(extent.count);
            let on_volume = end.min(volume.held_clusters());
            usage.has_allocated |= on_volume < end;
            self.visit(volume, first, on_volume, |byte, mask| {
                usage.has_allocated |= byte & mask != 0;
                usage.has_free |= !byte & mask != 0 || budget == 0;
                budget = budget.saturating_sub(1);
                !(usage.has_free && (usage.has_allocated || is_contested))
            })?;
            if usage.has_free && (usage.has_allocated || is_contested) {
                break;
            }
        }
        Ok(usage)
    }

    /// Visits the bytes of the map for a range of clusters, each with the bits that belong to the
    /// range, as long as the visitor wants more.
    fn visit(
        &self,
        volume: &Volume,
        first: u64,
        end: u64,
        mut visitor: impl FnMut(u8, u8) -> bool,
    ) -> Result<(), Problem> {
        let mut buffer = Vec::new();
        let mut next = first;
        while next < end {
            let start = next >> 3;
            let bytes = end.div_ceil(8).saturating_sub(start).min(READ_BYTES);
            buffer.resize(short(bytes), 0);
            self.value.fill(volume, start, &mut buffer)?;
            for (byte, index) in buffer.iter().zip(start..) {
                let cluster = index.saturating_mul(8);
                let before = u32::try_from(first.saturating_sub(cluster)).unwrap_or(8);
                let within = u32::try_from(end.saturating_sub(cluster).min(8)).unwrap_or(8);
                let mask = u8::MAX.checked_shl(before).unwrap_or(0)
                    & u8::MAX.checked_shr(8_u32.saturating_sub(within)).unwrap_or(0);
                if !visitor(*byte, mask) {
                    return Ok(());
                }
            }
            next = start.saturating_add(long(buffer.len())).saturating_mul(8);
        }
        Ok(())
    }
}
