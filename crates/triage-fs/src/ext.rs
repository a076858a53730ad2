//! ext2, ext3 and ext4 on a byte source: files, deleted names and what can be recovered of them.
//!
//! The disk is read as it lies: the journal is not replayed, and a journal with changes that were
//! not written back is noted. Spec: Linux kernel documentation, "ext4 Data Structures and
//! Algorithms".
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod block_map;
mod directory;
mod examine;
mod extents;
mod groups;
mod inline;
mod inode;
mod orphans;
mod superblock;

use std::sync::Arc;

use triage_evidence::{
    ByteSource, FileSystem, Kind, Node, NodeId, NodeNames, Problem, ProblemKind, Run, Stream,
    VolumeFacts,
};

use crate::bytes::{damaged, short};
use crate::pages::Pages;
use crate::run_stream::RunStream;
use groups::Groups;
use inode::Inode;
use superblock::Superblock;

/// The inode of the root directory.
const ROOT: u64 = 2;

/// A volume of ext2, ext3 or ext4. A [`NodeId`] is the number of an inode.
pub(crate) struct Ext {
    pages: Pages,
    superblock: Superblock,
    groups: Groups,
    facts: VolumeFacts,
}

/// Opens a volume of ext2, ext3 or ext4.
///
/// # Errors
/// A [`Problem`] if the superblock or the group descriptors cannot be read, or if the volume uses a
/// feature that is not read.
pub(crate) fn open_ext(source: Arc<dyn ByteSource>) -> Result<Ext, Problem> {
    let pages = Pages::new(source);
    let superblock = Superblock::read(&pages)?;
    let groups = Groups::read(&pages, &superblock)?;
    let facts = superblock.facts(pages.source().size_bytes());
    Ok(Ext { pages, superblock, groups, facts })
}

impl Ext {
    /// Loads an inode.
    fn inode(&self, node: NodeId) -> Result<Inode, Problem> {
        let at = self.groups.inode_offset(&self.superblock, node.0)?;
        let bytes = self.pages.vec(at, self.superblock.inode_bytes)?;
        Inode::parse(&bytes, &self.superblock).ok_or_else(|| damaged("the inode is cut off"))
    }

    /// Says whether an inode belongs to a file; by its links where the map cannot be read.
    fn is_allocated(&self, node: NodeId, inode: &Inode) -> bool {
        let bit = self.groups.is_inode_used(&self.pages, &self.superblock, node.0);
        bit.unwrap_or(inode.links > 0)
    }

    /// Returns where the content of an inode lies.
    fn runs_of(&self, inode: &Inode) -> Result<Vec<Run>, Problem> {
        if inode.has_extents() { extents::runs(self, inode) } else { block_map::runs(self, inode) }
    }

    /// Reads a content as a whole, if it is not longer than a limit.
    fn content(&self, inode: &Inode, limit_bytes: u64) -> Result<Vec<u8>, Problem> {
        if inode.is_inline() {
            return inline::content(inode);
        }
        if inode.size_bytes > limit_bytes {
            let text = format!("longer than the {limit_bytes} bytes that are read of it");
            return Err(Problem::new(ProblemKind::LimitReached, text));
        }
        let mut content = Vec::new();
        for run in self.runs_of(inode)? {
            let left = inode.size_bytes.saturating_sub(crate::bytes::long(content.len()));
            let length = short(run.size_bytes.min(left));
            match run.start {
                Some(start) => content.extend(self.pages.vec(start, length)?),
                None => content.resize(content.len().saturating_add(length), 0),
            }
        }
        Ok(content)
    }
}

impl FileSystem for Ext {
    fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    fn root(&self) -> NodeId {
        NodeId(ROOT)
    }

    fn list(&self, directory: NodeId) -> NodeNames {
        directory::list(self, directory)
    }

    fn orphans(&self) -> NodeNames {
        orphans::list(self)
    }

    fn examine(&self, node: NodeId) -> Result<Node, Problem> {
        let inode = self.inode(node)?;
        examine::examine(self, node, &inode)
    }

    fn open(&self, node: NodeId, stream: Option<&[u8]>) -> Result<Box<dyn Stream>, Problem> {
        if stream.is_some() {
            return Err(Problem::new(ProblemKind::Unsupported, "ext has no streams"));
        }
        let inode = self.inode(node)?;
        if inode.kind() != Kind::File {
            return Err(Problem::new(ProblemKind::Unsupported, "only a file has content"));
        }
        if let Some(problem) = inode.unread() {
            return Err(problem);
        }
        if inode.is_inline() {
            let content = inline::content(&inode)?;
            let size_bytes = crate::bytes::long(content.len());
            let runs = vec![Run { start: Some(0), size_bytes }];
            let source: Arc<dyn ByteSource> = Arc::new(content);
            return Ok(Box::new(RunStream::new(source, runs, size_bytes, size_bytes)));
        }
        let mut runs = self.runs_of(&inode)?;
        // Blocks behind the last one that is mapped are a hole.
        let mapped = runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.size_bytes));
        if mapped < inode.size_bytes {
            let size_bytes = inode.size_bytes.saturating_sub(mapped);
            runs.push(Run { start: None, size_bytes });
        }
        let source = Arc::clone(self.pages.source());
        Ok(Box::new(RunStream::new(source, runs, inode.size_bytes, inode.size_bytes)))
    }

    fn runs(&self, node: NodeId, _stream: Option<&[u8]>) -> Result<Vec<Run>, Problem> {
        let inode = self.inode(node)?;
        if inode.is_inline() { Ok(Vec::new()) } else { self.runs_of(&inode) }
    }

    fn unallocated_bytes(&self) -> Result<u64, Problem> {
        Ok(self.groups.free_clusters().saturating_mul(self.superblock.cluster_bytes))
    }
}
