//! Inodes that no directory names: deleted ones whose name was written over, and lost ones.

use std::collections::HashSet;

use triage_evidence::{Kind, NameState, NodeId, NodeName, NodeNames};

use super::inode::Inode;
use super::{Ext, ROOT, directory};
use crate::bytes::long;

/// How many inodes are read at once.
const STEP: u64 = 256;

/// Lists them.
pub(super) fn list(ext: &Ext) -> NodeNames {
    let mut found = NodeNames::default();
    let mut candidates = Vec::new();
    let mut named = vec![ROOT];
    each(ext, &mut found, &mut |number, inode| {
        let node = NodeId(number);
        let is_allocated = ext.is_allocated(node, inode);
        if inode.kind() == Kind::Directory {
            let names = directory::read(ext, inode).names;
            // A deleted name does not name an inode that is in use: that one has another name, or
            // lost its own.
            let names_it = |name: &&NodeName| match name.state {
                NameState::Allocated => is_allocated,
                NameState::Deleted => true,
                NameState::Reallocated => false,
            };
            named.extend(names.iter().filter(names_it).map(|name| name.node.0));
        }
        let state = if is_allocated { NameState::Allocated } else { NameState::Deleted };
        candidates.push((number, inode.kind(), state));
    });
    // Sorted numbers are a tenth of the time of a set, which matters with millions of files.
    named.sort_unstable();
    named.dedup();
    for (number, kind, state) in candidates {
        if named.binary_search(&number).is_err() {
            let name = format!("inode-{number}").into_bytes();
            found.names.push(NodeName { name, node: NodeId(number), kind, state });
        }
    }
    // A file below a directory that is listed here has its name there.
    let below: HashSet<u64> = found
        .names
        .iter()
        .filter(|name| name.kind == Kind::Directory)
        .flat_map(|name| ext_names(ext, name.node))
        .collect();
    found.names.retain(|name| !below.contains(&name.node.0));
    found
}

fn ext_names(ext: &Ext, directory: NodeId) -> Vec<u64> {
    directory::list(ext, directory).names.into_iter().map(|name| name.node.0).collect()
}

/// Goes through every inode that was ever in use and is not one of the file system's own.
fn each(ext: &Ext, found: &mut NodeNames, take: &mut dyn FnMut(u64, &Inode)) {
    let s = &ext.superblock;
    for (first, count) in ext.groups.inode_ranges(s) {
        let mut number = first;
        let end = first.saturating_add(count).min(s.inodes.saturating_add(1));
        while number < end {
            let step = STEP.min(end.saturating_sub(number));
            let length = crate::bytes::short(step).saturating_mul(s.inode_bytes);
            match ext.groups.inode_offset(s, number) {
                Ok(at) => {
                    let unit = long(s.inode_bytes).max(1);
                    let (parts, bad) = ext.pages.around(at, length, unit);
                    for (start, part) in parts {
                        let skipped = start.saturating_sub(at).checked_div(unit).unwrap_or(0);
                        part_of_table(ext, number.saturating_add(skipped), &part, take);
                    }
                    found.problem = found.problem.take().or(bad);
                }
                Err(problem) => {
                    found.problem.get_or_insert(problem);
                }
            }
            number = number.saturating_add(step);
        }
    }
}

/// Goes through the inodes of a part of a table, of which the first has that number.
fn part_of_table(ext: &Ext, first: u64, table: &[u8], take: &mut dyn FnMut(u64, &Inode)) {
    let s = &ext.superblock;
    for (number, bytes) in (first..).zip(table.chunks_exact(s.inode_bytes)) {
        let is_own = number < s.first_inode && number != ROOT || number == s.orphan_file_inode;
        let inode = Inode::parse(bytes, s).filter(Inode::was_in_use);
        if let Some(inode) = inode.filter(|_| !is_own) {
            take(number, &inode);
        }
    }
}
