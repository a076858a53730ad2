//! The group descriptors and the maps that they name. Kernel documentation, "Block Group
//! Descriptors".

use triage_evidence::{Problem, ProblemKind};

use super::superblock::Superblock;
use crate::bytes::{damaged, long, short, u16_at, u32_at};
use crate::pages::Pages;

/// The inode table was never written: no inode of the group is in use.
const INODE_UNINIT: u16 = 1;
/// The block map was never written: no block but those of structures is in use.
const BLOCK_UNINIT: u16 = 2;
/// The most groups that are read: 2 PiB in groups of 128 MiB.
const LIMIT_GROUPS: u64 = 16 * 1024 * 1024;

/// One group.
#[derive(Clone, Copy, Debug)]
struct Group {
    block_map: u64,
    inode_map: u64,
    inode_table: u64,
    free_clusters: u32,
    unused_inodes: u32,
    flags: u16,
}

/// The groups of a volume.
pub(super) struct Groups(Vec<Group>);

impl Groups {
    /// Reads all descriptors.
    ///
    /// # Errors
    /// A [`Problem`] if they cannot be read or are more than the volume can hold.
    pub(super) fn read(pages: &Pages, superblock: &Superblock) -> Result<Self, Problem> {
        let count = superblock.group_count();
        let size = superblock.descriptor_bytes;
        let needed = count.saturating_mul(size);
        if count > LIMIT_GROUPS || needed > pages.source().size_bytes() {
            let text = format!("the volume says that it has {count} groups");
            return Err(Problem::new(ProblemKind::Damaged, text));
        }
        let per_block = superblock.block_bytes.checked_div(size).unwrap_or(1).max(1);
        let mut groups = Vec::with_capacity(short(count));
        for first in (0..count).step_by(short(per_block)) {
            let at = block_of(superblock, first.div_euclid(per_block), per_block);
            let length = per_block.min(count.saturating_sub(first)).saturating_mul(size);
            let offset = at.saturating_mul(superblock.block_bytes);
            let bytes = pages.vec(offset, short(length))?;
            groups.extend(bytes.chunks_exact(short(size)).filter_map(Group::parse));
        }
        if long(groups.len()) < count {
            return Err(damaged("the group descriptors are cut off"));
        }
        Ok(Self(groups))
    }

    /// Returns where an inode lies in the volume.
    ///
    /// # Errors
    /// A [`Problem`] if there is no inode of that number.
    pub(super) fn inode_offset(&self, s: &Superblock, number: u64) -> Result<u64, Problem> {
        let (group, place) = self.place(s, number)?;
        let within = place.saturating_mul(long(s.inode_bytes));
        Ok(group.inode_table.saturating_mul(s.block_bytes).saturating_add(within))
    }

    fn place(&self, s: &Superblock, number: u64) -> Result<(Group, u64), Problem> {
        let missing = || damaged("there is no inode of that number");
        let place = number.checked_sub(1).filter(|_| number <= s.inodes).ok_or_else(missing)?;
        let group = short(place.checked_div(s.inodes_per_group).ok_or_else(missing)?);
        let within = place.checked_rem(s.inodes_per_group).ok_or_else(missing)?;
        Ok((*self.0.get(group).ok_or_else(missing)?, within))
    }

    /// Says whether an inode belongs to a file.
    ///
    /// # Errors
    /// A [`Problem`] if the map cannot be read.
    pub(super) fn is_inode_used(
        &self,
        pages: &Pages,
        s: &Superblock,
        number: u64,
    ) -> Result<bool, Problem> {
        let (group, place) = self.place(s, number)?;
        if group.flags & INODE_UNINIT != 0 {
            return Ok(false);
        }
        bit(pages, group.inode_map.saturating_mul(s.block_bytes), place)
    }

    /// Says whether a block belongs to a file or a structure.
    ///
    /// # Errors
    /// A [`Problem`] if the map cannot be read.
    pub(super) fn is_block_used(
        &self,
        pages: &Pages,
        s: &Superblock,
        block: u64,
    ) -> Result<bool, Problem> {
        let missing = || damaged("there is no block of that number");
        let place = block.checked_sub(s.first_block).ok_or_else(missing)?;
        let group = short(place.checked_div(s.blocks_per_group).ok_or_else(missing)?);
        let group = self.0.get(group).ok_or_else(missing)?;
        if group.flags & BLOCK_UNINIT != 0 {
            return Ok(false);
        }
        let within = place.checked_rem(s.blocks_per_group).ok_or_else(missing)?;
        let ratio = s.cluster_bytes.checked_div(s.block_bytes).unwrap_or(1);
        let cluster = within.checked_div(ratio).ok_or_else(missing)?;
        bit(pages, group.block_map.saturating_mul(s.block_bytes), cluster)
    }

    /// Returns how many clusters no group has given out.
    pub(super) fn free_clusters(&self) -> u64 {
        self.0.iter().map(|group| u64::from(group.free_clusters)).sum()
    }

    /// Iterates over the ranges of inodes that were ever in use: first number and count. Where the
    /// journal was not written back, what the descriptors call unused may have been used since.
    pub(super) fn inode_ranges<'a>(
        &'a self,
        s: &'a Superblock,
    ) -> impl Iterator<Item = (u64, u64)> + 'a {
        (0_u64..).zip(&self.0).filter(|(_, group)| group.flags & INODE_UNINIT == 0).map(
            |(number, group)| {
                let first = number.saturating_mul(s.inodes_per_group).saturating_add(1);
                let unused = if s.is_dirty { 0 } else { u64::from(group.unused_inodes) };
                let count = s.inodes_per_group.saturating_sub(unused);
                (first, count)
            },
        )
    }
}

impl Group {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let is_wide = bytes.len() >= 64;
        let wide = |low: usize, high: usize| {
            let top = if is_wide { u64::from(u32_at(bytes, high)?) } else { 0 };
            Some(u64::from(u32_at(bytes, low)?) | top.checked_shl(32)?)
        };
        let half = |low: usize, high: usize| {
            let top = if is_wide { u32::from(u16_at(bytes, high)?) } else { 0 };
            Some(u32::from(u16_at(bytes, low)?) | top.checked_shl(16)?)
        };
        Some(Self {
            block_map: wide(0, 32)?,
            inode_map: wide(4, 36)?,
            inode_table: wide(8, 40)?,
            free_clusters: half(12, 44)?,
            unused_inodes: half(28, 50)?,
            flags: u16_at(bytes, 18)?,
        })
    }
}

/// Returns the block of descriptors with that number.
fn block_of(s: &Superblock, number: u64, per_block: u64) -> u64 {
    match s.first_meta_group {
        Some(first) if number >= first => {
            let group = number.saturating_mul(per_block);
            let start = s.first_block.saturating_add(group.saturating_mul(s.blocks_per_group));
            let start = if group == 0 { s.own_block() } else { start };
            start.saturating_add(u64::from(s.has_backup(group)))
        }
        _ => s.own_block().saturating_add(1).saturating_add(number),
    }
}

fn bit(pages: &Pages, map: u64, place: u64) -> Result<bool, Problem> {
    let mut byte = [0];
    pages.read(map.saturating_add(place.div_euclid(8)), &mut byte)?;
    let [byte] = byte;
    Ok(byte.checked_shr(u32::try_from(place.rem_euclid(8)).unwrap_or(0)).unwrap_or(0) & 1 == 1)
}
