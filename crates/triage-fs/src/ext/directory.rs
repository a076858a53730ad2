//! Directories: the names that exist, and deleted ones in the room behind them. Kernel
//! documentation, "Linear (Classic) Directories". A hashed directory read from start to end gives
//! the same names.

use std::collections::HashSet;

use triage_evidence::{Kind, NameState, NodeId, NodeName, NodeNames, Problem, ProblemKind};

use super::inode::Inode;
use super::{Ext, inline, inode};
use crate::bytes::{damaged, long, short, slice_at, u8_at, u16_at, u32_at};

/// The most that is read of a directory: a million long names take 256 MiB.
const LIMIT_BYTES: u64 = 1024 * 1024 * 1024;
/// The length of an entry without its name.
const HEAD_BYTES: usize = 8;
/// The type of the entry that holds the checksum of a block.
const CHECKSUM: u8 = 0xde;

/// Lists a directory, allocated or deleted.
pub(super) fn list(ext: &Ext, directory: NodeId) -> NodeNames {
    match ext.inode(directory) {
        Ok(inode) if inode.kind() == Kind::Directory => read(ext, &inode),
        Ok(_) => {
            let text = "only a directory has names";
            failed(Problem::new(ProblemKind::Unsupported, text))
        }
        Err(problem) => failed(problem),
    }
}

fn failed(problem: Problem) -> NodeNames {
    NodeNames { names: Vec::new(), problem: Some(problem) }
}

/// Reads the names of a directory, given its inode.
pub(super) fn read(ext: &Ext, inode: &Inode) -> NodeNames {
    let mut reading = Reading { ext, live: Vec::new(), gone: Vec::new(), problem: None };
    if inode.is_inline() {
        let parts = inline::directory(inode);
        for part in &parts {
            reading.block(part, true);
        }
        // The number of the parent stands before them.
        let held = parts.iter().fold(4_u64, |sum, part| sum.saturating_add(long(part.len())));
        if held < inode.size_bytes {
            let text = "the directory in the inode is shorter than its size";
            reading.problem.get_or_insert_with(|| damaged(text));
        }
        return reading.finish();
    }
    let content = match ext.content(inode, LIMIT_BYTES) {
        Ok(content) => content,
        Err(problem) => {
            // What can be read of it is read block by block.
            reading.problem = Some(problem);
            reading.by_blocks(inode);
            return reading.finish();
        }
    };
    for (number, block) in content.chunks(short(ext.superblock.block_bytes)).enumerate() {
        // The first block of a hashed directory has its index where others have room.
        reading.block(block, number > 0 || !inode.is_indexed());
    }
    reading.finish()
}

/// One entry as it lies on the disk.
struct Raw<'a> {
    inode: u64,
    length: usize,
    name: &'a [u8],
    kind: u8,
}

impl<'a> Raw<'a> {
    fn parse(bytes: &'a [u8], at: usize, has_types: bool) -> Option<Self> {
        let length = usize::from(u16_at(bytes, at.checked_add(4)?)?);
        let kind = u8_at(bytes, at.checked_add(7)?)?;
        let name_length = usize::from(u8_at(bytes, at.checked_add(6)?)?);
        let name = slice_at(bytes, at.checked_add(HEAD_BYTES)?, name_length)?;
        let inode = u64::from(u32_at(bytes, at)?);
        // In a block of 64 KiB an entry may take all of it.
        let length = if length >= 0xfffc && bytes.len() > 0xffff { 0x1_0000 } else { length };
        let kind = if has_types { kind } else { 0 };
        Some(Self { inode, length, name, kind })
    }

    /// How much of the disk the entry needs.
    fn needed(&self) -> usize {
        HEAD_BYTES.saturating_add(self.name.len()).next_multiple_of(4)
    }

    fn kind(&self) -> Kind {
        match self.kind {
            1 => Kind::File,
            2 => Kind::Directory,
            3 => Kind::CharDevice,
            4 => Kind::BlockDevice,
            5 => Kind::Fifo,
            6 => Kind::Socket,
            7 => Kind::Symlink,
            _ => Kind::Unknown,
        }
    }

    /// Says whether bytes in unused room look like an entry that was.
    fn may_have_been(&self, inodes: u64, room: usize) -> bool {
        !self.name.is_empty()
            && self.inode <= inodes
            && self.kind <= 7
            && self.length >= self.needed()
            && self.length.is_multiple_of(4)
            && self.length <= room
            && !self.is_dots()
            && !self.name.iter().any(|byte| matches!(byte, 0 | b'/'))
    }

    fn is_dots(&self) -> bool {
        matches!(self.name, b"." | b"..")
    }
}

/// Says whether the block of a hashed directory is an index: behind an entry that takes it whole
/// stands how many pairs of eight bytes it has room for. Kernel documentation, "Hash Tree
/// Directories", `dx_node`.
fn is_index(block: &[u8]) -> bool {
    let room = block.len().saturating_sub(HEAD_BYTES).div_euclid(8);
    let limit = u16_at(block, HEAD_BYTES).map(usize::from);
    // The last pair may make room for a checksum.
    limit == Some(room) || limit == room.checked_sub(1)
}

struct Reading<'a> {
    ext: &'a Ext,
    live: Vec<NodeName>,
    /// Inode, name and kind of deleted entries.
    gone: Vec<(u64, Vec<u8>, Kind)>,
    problem: Option<Problem>,
}

impl Reading<'_> {
    /// Reads a directory of which a part cannot be read.
    fn by_blocks(&mut self, inode: &Inode) {
        let Ok(runs) = self.ext.runs_of(inode) else { return };
        let block_bytes = self.ext.superblock.block_bytes;
        let mut left = inode.size_bytes.min(LIMIT_BYTES);
        for run in runs {
            let size = run.size_bytes.min(left);
            left = left.saturating_sub(size);
            let Some(start) = run.start else { continue };
            for within in (0..size).step_by(short(block_bytes)) {
                let at = start.saturating_add(within);
                if let Ok(block) = self.ext.pages.vec(at, short(block_bytes)) {
                    self.block(&block, true);
                }
            }
        }
    }

    /// Reads the entries of a block, which is independent of the others.
    fn block(&mut self, block: &[u8], has_room: bool) {
        let has_types = self.ext.superblock.has_file_types;
        let mut at = 0_usize;
        while at.saturating_add(HEAD_BYTES) <= block.len() {
            let room = block.len().saturating_sub(at);
            let raw = Raw::parse(block, at, has_types);
            let raw = raw.filter(|raw| {
                raw.length >= HEAD_BYTES && raw.length <= room && raw.length.is_multiple_of(4)
            });
            let Some(raw) = raw else {
                // A part of a directory in an inode ends in zeros.
                if block.get(at..).is_some_and(|rest| rest.iter().any(|&byte| byte != 0)) {
                    let text = "a block of the directory is damaged";
                    self.problem.get_or_insert_with(|| damaged(text));
                    self.slack(block, at, block.len());
                }
                return;
            };
            let end = at.saturating_add(raw.length);
            let is_checksum = raw.inode == 0 && raw.kind == CHECKSUM;
            let mut used = at.saturating_add(raw.needed());
            if raw.inode == 0 {
                used = if is_checksum { end } else { at };
            } else if raw.needed() > raw.length {
                self.problem.get_or_insert_with(|| damaged("a name is longer than its entry"));
            } else if raw.name.is_empty() {
                self.problem.get_or_insert_with(|| damaged("an entry in use has no name"));
            } else if !raw.is_dots() {
                self.check_kind(&raw);
                self.live.push(NodeName {
                    name: raw.name.to_vec(),
                    node: NodeId(raw.inode),
                    kind: raw.kind(),
                    state: NameState::Allocated,
                });
            }
            // An index has numbers where its only entry says that there is room.
            let is_index = at == 0 && raw.inode == 0 && is_index(block);
            if has_room && !is_index {
                self.slack(block, used, end);
            }
            at = end;
        }
    }

    /// Compares what a name says that it names with what the inode says.
    fn check_kind(&mut self, raw: &Raw<'_>) {
        let Ok(at) = self.ext.groups.inode_offset(&self.ext.superblock, raw.inode) else { return };
        let mut mode = [0; 2];
        if raw.kind() == Kind::Unknown || self.ext.pages.read(at, &mut mode).is_err() {
            return;
        }
        if inode::kind_of(u16::from_le_bytes(mode)) != raw.kind() {
            let text = "a name and its inode do not agree about what it is";
            self.problem.get_or_insert_with(|| damaged(text));
        }
    }

    /// Looks for deleted entries in room that is not used.
    fn slack(&mut self, block: &[u8], start: usize, end: usize) {
        let has_types = self.ext.superblock.has_file_types;
        let mut at = start;
        while at.saturating_add(HEAD_BYTES) < end {
            let room = end.saturating_sub(at);
            let raw = Raw::parse(block, at, has_types)
                .filter(|raw| raw.may_have_been(self.ext.superblock.inodes, room));
            match raw {
                Some(raw) => {
                    self.gone.push((raw.inode, raw.name.to_vec(), raw.kind()));
                    at = at.saturating_add(raw.needed());
                }
                None => at = at.saturating_add(4),
            }
        }
    }

    fn finish(mut self) -> NodeNames {
        if !self.gone.is_empty() {
            // A name that moved within its directory is still there under the same number.
            let mut seen: HashSet<(u64, Vec<u8>)> =
                self.live.iter().map(|name| (name.node.0, name.name.clone())).collect();
            for (inode, name, kind) in std::mem::take(&mut self.gone) {
                if seen.insert((inode, name.clone())) {
                    let state = self.state_of(inode);
                    self.live.push(NodeName { name, node: NodeId(inode), kind, state });
                }
            }
        }
        NodeNames { names: self.live, problem: self.problem }
    }

    /// A deleted name leads to its file as long as no other has taken the inode.
    fn state_of(&self, inode: u64) -> NameState {
        let node = NodeId(inode);
        match self.ext.inode(node) {
            Ok(found) if found.mode != 0 && !self.ext.is_allocated(node, &found) => {
                NameState::Deleted
            }
            _ => NameState::Reallocated,
        }
    }
}
