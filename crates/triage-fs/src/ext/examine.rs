//! What an inode says about a file.

use triage_evidence::{Kind, Node, NodeId, Problem, Recovery};

use super::inode::Inode;
use super::{Ext, inline};
use crate::bytes::damaged;

/// The longest target of a symbolic link: a page, as Linux allows.
const LIMIT_TARGET_BYTES: u64 = 64 * 1024;

/// Tells everything about an inode.
///
/// # Errors
/// A [`Problem`] if it is not in use.
pub(super) fn examine(ext: &Ext, id: NodeId, inode: &Inode) -> Result<Node, Problem> {
    if inode.mode == 0 && inode.links == 0 {
        return Err(damaged("the inode is not in use"));
    }
    let kind = inode.kind();
    let mut node = Node::new(kind);
    node.times = inode.times;
    node.links = Some(u64::from(inode.links));
    node.ownership = Some(inode.ownership);
    node.device = inode.device();
    node.unread = inode.unread().filter(|_| matches!(kind, Kind::File | Kind::Symlink));
    if matches!(kind, Kind::File | Kind::Symlink) {
        node.size_bytes = Some(inode.size_bytes);
    }
    if kind == Kind::File {
        let is_inline = inode.is_inline();
        let allocated = if is_inline { inode.size_bytes } else { inode.allocated_bytes };
        node.allocated_bytes = Some(allocated);
    }
    if kind == Kind::Symlink && node.unread.is_none() {
        match target(ext, inode) {
            Ok(target) => node.target = Some(target),
            Err(problem) => node.unread = Some(problem),
        }
    }
    if !ext.is_allocated(id, inode) {
        node.recovery = Some(recovery(ext, inode));
    }
    Ok(node)
}

fn target(ext: &Ext, inode: &Inode) -> Result<Vec<u8>, Problem> {
    if inode.has_short_target() {
        let length = crate::bytes::short(inode.size_bytes);
        return Ok(inode.block.get(..length).unwrap_or_default().to_vec());
    }
    if inode.is_inline() {
        return inline::content(inode);
    }
    ext.content(inode, LIMIT_TARGET_BYTES)
}

/// Judges how far the content of a deleted inode can be trusted: ext2 keeps the numbers of the
/// blocks, ext3 clears them, ext4 clears the extents and the size.
fn recovery(ext: &Ext, inode: &Inode) -> Recovery {
    if inode.is_inline() || inode.kind() == Kind::Symlink && inode.has_short_target() {
        return Recovery::Certain;
    }
    let Ok(runs) = ext.runs_of(inode) else { return Recovery::Lost };
    let runs: Vec<_> =
        runs.into_iter().filter_map(|run| Some((run.start?, run.size_bytes))).collect();
    if runs.is_empty() {
        return Recovery::Lost;
    }
    let block_bytes = ext.superblock.block_bytes;
    for (start, size_bytes) in runs {
        let first = start.checked_div(block_bytes).unwrap_or(0);
        let count = size_bytes.div_ceil(block_bytes.max(1));
        for block in first..first.saturating_add(count) {
            let used = ext.groups.is_block_used(&ext.pages, &ext.superblock, block);
            if used.unwrap_or(true) {
                return Recovery::Guess;
            }
        }
    }
    Recovery::Certain
}
