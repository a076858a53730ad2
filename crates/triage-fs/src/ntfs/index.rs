//! The index of a directory, `$I30`: names that exist, and those that its slack still holds.
//!
//! Every index block is read in the order of the disk, not along the tree: no loop can be made,
//! and a broken node costs its own names only. Spec: `struct INDEX_ROOT`, `struct INDEX_BUFFER`
//! and `struct NTFS_DE` in the Linux kernel, `fs/ntfs3/ntfs.h`.

use triage_evidence::{Kind, Problem};

use super::attribute::{self, Attribute};
use super::bytes::{damaged, long, short, slice_at, u16_at, u32_at, u64_at, usize_at};
use super::file::File;
use super::file_name::{FIXED_BYTES, FileName};
use super::record::{Reference, apply_fixups, sequence_before};
use super::value::Value;
use super::volume::Volume;

/// `$I30` in UTF-16.
const NAME: &[u8] = b"$\0I\x003\x000\0";
/// The signature of an index block.
const SIGNATURE: [u8; 4] = *b"INDX";
/// Where the node of an index root begins.
const ROOT_NODE: usize = 0x10;
/// Where the node of an index block begins.
const BLOCK_NODE: usize = 0x18;
/// The size of the header of a node and of an entry in bytes.
const HEADER_BYTES: usize = 0x10;
/// The entry is the last one; it has no name.
const LAST: u16 = 2;
/// How much of an index is read at once.
const READ_BYTES: u64 = 64 * 1024;
/// Blocks that are not numbered by clusters are numbered by these many bytes.
const NUMBER_BYTES: u64 = 512;
/// How many blocks in succession may have nothing of the directory in them. An index that is
/// worse is not followed: a hostile size must not cost the reading of the volume.
const LIMIT_FOREIGN_BLOCKS: u32 = 256;

/// The file of a name that nothing tells any more: a sequence of 0 is that of no record.
pub(super) const UNKNOWN: Reference = Reference(0);

/// One name in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexName {
    /// The file that it names.
    pub(super) file: Reference,
    /// The name as WTF-8.
    pub(super) name: Vec<u8>,
    /// Whether it is the short name of a file that has a long one.
    pub(super) is_short: bool,
    /// The kind that the index gives.
    pub(super) kind: Kind,
    /// Whether it exists; otherwise it lies in slack.
    pub(super) is_live: bool,
}

/// What an index gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// The names in the order of the disk.
    pub(super) names: Vec<IndexName>,
    /// Why names may be missing.
    pub(super) problem: Option<Problem>,
    directory: Reference,
    is_deleted: bool,
}

impl Index {
    /// Reads the index of a directory.
    pub(super) fn read(volume: &Volume, file: &File) -> Self {
        let mut index =
            Self { directory: file.reference, is_deleted: !file.is_in_use, ..Self::default() };
        let root = file.value(attribute::INDEX_ROOT, NAME).and_then(|root| root.resident);
        let Some(root) = root else {
            index.fail("the index of the directory has no root");
            return index;
        };
        match root.get(ROOT_NODE..) {
            Some(node) => index.node(node, !index.is_deleted),
            None => index.fail("the root of the index of the directory is cut off"),
        }
        let Some(blocks) = file.value(attribute::INDEX_ALLOCATION, NAME) else {
            return index;
        };
        let bitmap = file.value(attribute::BITMAP, NAME);
        let bitmap = bitmap.and_then(|bitmap| {
            // One bit a block: no bitmap can be longer than the volume has blocks.
            bitmap.read(volume, volume.boot.clusters().saturating_add(NUMBER_BYTES)).ok()
        });
        let block_bytes = usize_at(&root, 8).filter(|&bytes| {
            bytes.is_power_of_two() && bytes >= BLOCK_NODE && long(bytes) <= READ_BYTES
        });
        let block_bytes = block_bytes.unwrap_or(volume.boot.index_bytes);
        index.blocks(volume, &blocks, bitmap.as_deref(), block_bytes);
        if let Some(problem) = blocks.problem {
            index.problem.get_or_insert(problem);
        }
        index
    }

    fn fail(&mut self, text: &str) {
        if !self.is_deleted {
            self.problem.get_or_insert_with(|| damaged(text));
        }
    }

    fn blocks(&mut self, volume: &Volume, blocks: &Value, bitmap: Option<&[u8]>, size: usize) {
        let valid = blocks.sizes.valid_bytes.min(blocks.sizes.size_bytes);
        let mut buffer = vec![0; short(READ_BYTES.min(valid))];
        let (mut offset, mut foreign) = (0_u64, 0_u32);
        let mut numbers = 0_u64..;
        while offset < valid {
            let length = short(valid.saturating_sub(offset)).min(buffer.len());
            let chunk = buffer.get_mut(..length).unwrap_or_default();
            let is_read = blocks.fill(volume, offset, chunk).is_ok();
            for (block, number) in chunk.chunks_exact_mut(size).zip(numbers.by_ref()) {
                let at = number.saturating_mul(long(size));
                let is_read = is_read || blocks.fill(volume, at, block).is_ok();
                let is_live = !self.is_deleted && bitmap.is_none_or(|bitmap| bit(bitmap, number));
                let before = self.names.len();
                let is_whole = is_read && self.block(volume, block, at, is_live);
                if is_live && !is_whole {
                    self.fail("a block of the index of the directory is damaged");
                }
                let is_foreign = !is_whole || self.names.len() == before;
                foreign = if is_foreign { foreign.saturating_add(1) } else { 0 };
                if foreign > LIMIT_FOREIGN_BLOCKS {
                    if is_live {
                        self.fail("the index of the directory holds too much of other origin");
                    }
                    return;
                }
            }
            offset = offset.saturating_add(long(length));
        }
    }

    /// Reads one block; says whether it is one, whatever is in it.
    fn block(&mut self, volume: &Volume, block: &mut [u8], at: u64, is_live: bool) -> bool {
        if apply_fixups(block, SIGNATURE).is_err() {
            return false;
        }
        let cluster_bytes = volume.boot.cluster_bytes;
        let unit = if long(block.len()) >= cluster_bytes { cluster_bytes } else { NUMBER_BYTES };
        if u64_at(block, 0x10) != at.checked_div(unit) {
            return false;
        }
        let node = block.get(BLOCK_NODE..).unwrap_or_default();
        self.node(node, is_live);
        true
    }

    /// Reads the names of a node and of the slack behind them.
    fn node(&mut self, node: &[u8], is_live: bool) {
        let first = usize_at(node, 0).unwrap_or(usize::MAX);
        let used = usize_at(node, 4).unwrap_or(0).min(node.len());
        let mut slack = HEADER_BYTES;
        if is_live {
            slack = used;
            let mut rest = node.get(..used).and_then(|used| used.get(first..));
            let mut is_last = false;
            while let Some(entry) = rest {
                let Some(length) = u16_at(entry, 8).map(usize::from) else {
                    break;
                };
                is_last = u16_at(entry, 12).is_some_and(|flags| flags & LAST != 0);
                if is_last || length < HEADER_BYTES {
                    break;
                }
                let Some(name) = entry.get(..length).and_then(named) else {
                    break;
                };
                self.push(name, true);
                rest = entry.get(length..);
            }
            if !is_last {
                self.fail("the names in the index of the directory break off");
            }
        }
        self.slack(node.get(slack..).unwrap_or_default());
    }

    /// Looks for names at every place where one could be: what names this directory as its parent
    /// is one of its own. The end mark of an index that shrank is written over the beginning of an
    /// entry; then nothing says any more which file the name was of.
    fn slack(&mut self, slack: &[u8]) {
        let own = self.directory.sequence();
        let mut rest = slack;
        while let Some(parent) = u64_at(rest, HEADER_BYTES).map(Reference) {
            let same = parent.sequence() == own
                || (self.is_deleted && parent.sequence() == sequence_before(own));
            if parent.number() == self.directory.number() && same {
                let torn = || Some((UNKNOWN, FileName::parse(rest.get(HEADER_BYTES..)?)?));
                if let Some(name) = named(rest).or_else(torn)
                    && is_plausible(name.1.units)
                {
                    self.push(name, false);
                }
            }
            rest = rest.get(8..).unwrap_or_default();
        }
    }

    fn push(&mut self, (file, name): (Reference, FileName<'_>), is_live: bool) {
        // The root holds itself as `.`.
        if file.number() == self.directory.number() {
            return;
        }
        self.names.push(IndexName {
            file,
            name: name.wtf8(),
            is_short: name.is_short(),
            kind: name.kind(),
            is_live,
        });
    }
}

/// Says whether an attribute is the root of the index of a directory.
pub(super) fn is_root(attribute: &Attribute<'_>) -> bool {
    attribute.kind == attribute::INDEX_ROOT && attribute.name == NAME
}

/// Reads an entry that has a name.
fn named(entry: &[u8]) -> Option<(Reference, FileName<'_>)> {
    let key_bytes = usize::from(u16_at(entry, 10)?);
    let name = FileName::parse(slice_at(entry, HEADER_BYTES, key_bytes)?)?;
    let is_exact = key_bytes == name.units.len().saturating_add(FIXED_BYTES);
    let length = usize::from(u16_at(entry, 8)?);
    let fits = length >= key_bytes.saturating_add(HEADER_BYTES) && u32_at(entry, 12)? <= 3;
    (is_exact && fits).then_some((Reference(u64_at(entry, 0)?), name))
}

/// Says whether there is a name, and no character in it that no name has.
fn is_plausible(units: &[u8]) -> bool {
    let is_letter = |unit: &[u8]| u16_at(unit, 0).is_some_and(|unit| unit != 0 && unit != 0x2f);
    !units.is_empty() && units.chunks_exact(2).all(is_letter)
}

fn bit(bitmap: &[u8], number: u64) -> bool {
    let byte = bitmap.get(short(number >> 3)).copied().unwrap_or(0);
    byte & 1_u8.wrapping_shl(u32::try_from(number & 7).unwrap_or(0)) != 0
}
