//! The tree of extents of a file. Kernel documentation, "Extent Tree".

use triage_evidence::{Problem, ProblemKind, Run};

use super::Ext;
use super::inode::Inode;
use crate::bytes::{damaged, short, u16_at, u32_at};

const MAGIC: u16 = 0xf30a;
/// The deepest tree that a file of 2^32 blocks can need.
const LIMIT_DEPTH: u16 = 5;
/// An extent longer than this is one that was never written: it reads as zeros.
const LIMIT_WRITTEN: u16 = 32768;
/// The most runs that are followed of one file.
pub(super) const LIMIT_RUNS: usize = 1_000_000;

/// Runs in logical order that grow at the end.
pub(super) struct Growing {
    runs: Vec<Run>,
    /// The block that the next run begins at.
    pub(super) next: u64,
    block_bytes: u64,
    /// How many nodes of the tree were read.
    nodes: usize,
}

impl Growing {
    pub(super) const fn new(block_bytes: u64) -> Self {
        Self { runs: Vec::new(), next: 0, block_bytes, nodes: 0 }
    }

    /// Adds blocks; `None` for a hole.
    ///
    /// # Errors
    /// A [`Problem`] if there are too many runs.
    pub(super) fn push(&mut self, first: Option<u64>, count: u64) -> Result<(), Problem> {
        let size_bytes = count.saturating_mul(self.block_bytes);
        let start = first.map(|first| first.saturating_mul(self.block_bytes));
        self.next = self.next.saturating_add(count);
        if size_bytes == 0 {
            return Ok(());
        }
        if let Some(last) = self.runs.last_mut() {
            let continues = match (last.start, start) {
                (Some(before), Some(now)) => before.saturating_add(last.size_bytes) == now,
                (None, None) => true,
                _ => false,
            };
            if continues {
                last.size_bytes = last.size_bytes.saturating_add(size_bytes);
                return Ok(());
            }
        }
        if self.runs.len() >= LIMIT_RUNS {
            let text = format!("the content lies in more than {LIMIT_RUNS} pieces");
            return Err(Problem::new(ProblemKind::LimitReached, text));
        }
        self.runs.push(Run { start, size_bytes });
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<Run> {
        self.runs
    }
}

/// Returns where a content lies.
///
/// # Errors
/// A [`Problem`] if the tree contradicts itself.
pub(super) fn runs(ext: &Ext, inode: &Inode) -> Result<Vec<Run>, Problem> {
    let mut growing = Growing::new(ext.superblock.block_bytes);
    node(ext, &inode.block, None, &mut growing)?;
    Ok(growing.finish())
}

fn broken() -> Problem {
    damaged("the tree of extents of the file is damaged")
}

/// Reads a node and what is below it. Depth falls by one with each level, and blocks rise.
fn node(ext: &Ext, bytes: &[u8], above: Option<u16>, out: &mut Growing) -> Result<(), Problem> {
    let depth = u16_at(bytes, 6).ok_or_else(broken)?;
    let expected = above.map_or(depth, |above| above.saturating_sub(1));
    let count = usize::from(u16_at(bytes, 2).ok_or_else(broken)?);
    let is_sound = u16_at(bytes, 0) == Some(MAGIC) && depth <= LIMIT_DEPTH && depth == expected;
    if !is_sound || above == Some(0) {
        return Err(broken());
    }
    let entries = bytes.get(12..).unwrap_or_default().chunks_exact(12);
    // A node below the root that has no entry leads nowhere, and could do so without an end.
    out.nodes = out.nodes.saturating_add(1);
    if count > entries.len() || above.is_some() && count == 0 || out.nodes > LIMIT_RUNS {
        return Err(broken());
    }
    let mut below = None;
    for entry in entries.take(count) {
        let block = u64::from(u32_at(entry, 0).ok_or_else(broken)?);
        if depth == 0 {
            extent(ext, block, entry, out)?;
            continue;
        }
        // Two entries that begin at the same block would be read without an end.
        if below.is_some_and(|before| block <= before) || block < out.next {
            return Err(broken());
        }
        below = Some(block);
        let low = u64::from(u32_at(entry, 4).ok_or_else(broken)?);
        let high = u64::from(u16_at(entry, 8).ok_or_else(broken)?);
        let at = low | high.checked_shl(32).ok_or_else(broken)?;
        let offset = at.saturating_mul(ext.superblock.block_bytes);
        let child = ext.pages.vec(offset, short(ext.superblock.block_bytes))?;
        node(ext, &child, Some(depth), out)?;
    }
    Ok(())
}

fn extent(ext: &Ext, block: u64, entry: &[u8], out: &mut Growing) -> Result<(), Problem> {
    let length = u16_at(entry, 4).ok_or_else(broken)?;
    let high = u64::from(u16_at(entry, 6).ok_or_else(broken)?);
    let low = u64::from(u32_at(entry, 8).ok_or_else(broken)?);
    let first = low | high.checked_shl(32).ok_or_else(broken)?;
    let hole = block.checked_sub(out.next).ok_or_else(broken)?;
    out.push(None, hole)?;
    let is_written = length <= LIMIT_WRITTEN;
    let count = u64::from(if is_written { length } else { length.saturating_sub(LIMIT_WRITTEN) });
    if count == 0 || first.saturating_add(count) > ext.superblock.blocks {
        return Err(broken());
    }
    out.push(is_written.then_some(first), count)
}
