//! The block map of ext2 and ext3: twelve blocks, then blocks of block numbers up to three deep.
//! Kernel documentation, "Direct/Indirect Block Addressing".

use triage_evidence::{Problem, Run};

use super::Ext;
use super::extents::Growing;
use super::inode::Inode;
use crate::bytes::{damaged, short, u32_at};

/// How many numbers of content blocks stand in the inode.
const DIRECT: usize = 12;

/// Returns where a content lies.
///
/// # Errors
/// A [`Problem`] if the map leads out of the volume.
pub(super) fn runs(ext: &Ext, inode: &Inode) -> Result<Vec<Run>, Problem> {
    let block_bytes = ext.superblock.block_bytes;
    let mut reading = Reading {
        ext,
        left: inode.size_bytes.div_ceil(block_bytes.max(1)),
        budget: ext.superblock.blocks,
        out: Growing::new(block_bytes),
    };
    for place in 0..DIRECT {
        reading.block(number(&inode.block, place), 0)?;
    }
    for (place, depth) in (DIRECT..).zip(1..=3) {
        reading.block(number(&inode.block, place), depth)?;
    }
    Ok(reading.out.finish())
}

fn number(bytes: &[u8], place: usize) -> u64 {
    u32_at(bytes, place.saturating_mul(4)).map_or(0, u64::from)
}

struct Reading<'a> {
    ext: &'a Ext,
    /// How many blocks of content are still to come.
    left: u64,
    /// How many blocks may still be named: no more than the volume has, unless the map goes in
    /// circles.
    budget: u64,
    out: Growing,
}

impl Reading<'_> {
    /// Reads what a number stands for: content, or a block of numbers.
    fn block(&mut self, block: u64, depth: u32) -> Result<(), Problem> {
        if self.left == 0 {
            return Ok(());
        }
        let block_bytes = self.ext.superblock.block_bytes;
        let per_block = block_bytes.div_euclid(4);
        if block == 0 {
            let count = per_block.saturating_pow(depth).min(self.left);
            self.left = self.left.saturating_sub(count);
            return self.out.push(None, count);
        }
        let circles = || damaged("the block map of the file goes in circles");
        self.budget = self.budget.checked_sub(1).ok_or_else(circles)?;
        if block >= self.ext.superblock.blocks {
            return Err(damaged("the block map of the file leads out of the volume"));
        }
        if depth == 0 {
            self.left = self.left.saturating_sub(1);
            return self.out.push(Some(block), 1);
        }
        let numbers = self.ext.pages.vec(block.saturating_mul(block_bytes), short(block_bytes))?;
        for place in 0..short(per_block) {
            self.block(number(&numbers, place), depth.saturating_sub(1))?;
            if self.left == 0 {
                break;
            }
        }
        Ok(())
    }
}
