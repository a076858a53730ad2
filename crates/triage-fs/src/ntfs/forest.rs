//! Which links of the MFT hold, so that directories form a forest.
//!
//! A link holds if the directory is one and has the sequence that the name expects. A directory
//! has one parent: what would make it part of itself, or of two directories, does not hold.

use super::record::sequence_before;
use super::table::{Link, ROOT, State};

/// The links that hold.
#[derive(Debug, Default)]
pub(super) struct Forest {
    /// Sorted by parent, then child.
    links: Vec<Link>,
    /// The parent of each directory that has one, sorted by directory.
    parents: Vec<(u32, u32)>,
}

impl Forest {
    /// Returns the links of a directory, sorted by child.
    pub(super) fn children(&self, parent: u32) -> &[Link] {
        let start = self.links.partition_point(|link| link.parent < parent);
        let rest = self.links.get(start..).unwrap_or_default();
        let length = rest.partition_point(|link| link.parent == parent);
        rest.get(..length).unwrap_or_default()
    }

    /// Returns the parent of a directory.
    pub(super) fn parent(&self, directory: u32) -> Option<u32> {
        parent_in(&self.parents, directory)
    }

    /// Returns those of some records that have children.
    pub(super) fn parents_of_damaged(&self, damaged: &[u32]) -> Vec<u32> {
        let has_children = |number: &&u32| !self.children(**number).is_empty();
        damaged.iter().filter(has_children).copied().collect()
    }
}

/// Sorts links, which are sorted by parent, into those that hold and the files of the others.
pub(super) fn grow(links: Vec<Link>, state: impl Fn(u32) -> State) -> (Forest, Vec<u32>) {
    let mut loose = Vec::new();
    let mut kept = Vec::with_capacity(links.len());
    let mut parents = Vec::new();
    for link in links {
        if !holds(&link, state(link.parent), state(link.child)) {
            loose.push(link.child);
            continue;
        }
        if state(link.child).is_directory() {
            parents.push((link.child, link.parent));
        }
        kept.push(link);
    }
    // The first parent of a directory is the one that counts.
    parents.sort_unstable();
    parents.dedup_by_key(|(child, _)| *child);
    cut_loops(&mut parents);
    kept.retain(|link| {
        let is_directory = state(link.child).is_directory();
        let holds = !is_directory || parent_in(&parents, link.child) == Some(link.parent);
        if !holds {
            loose.push(link.child);
        }
        holds
    });
    (Forest { links: kept, parents }, loose)
}

/// Says whether a link holds.
fn holds(link: &Link, parent: State, child: State) -> bool {
    let same = link.parent_sequence == parent.sequence();
    if parent.is_damaged() {
        return child.is_in_use() || same;
    }
    if !parent.is_base() || !parent.is_directory() || link.parent == link.child {
        return false;
    }
    // Deleting a directory counts its sequence up, after the names in it were deleted.
    let before = link.parent_sequence == sequence_before(parent.sequence());
    match (parent.is_in_use(), child.is_in_use()) {
        (true, _) => same,
        (false, false) => same || before,
        (false, true) => false,
    }
}

fn parent_in(parents: &[(u32, u32)], directory: u32) -> Option<u32> {
    let index = parents.binary_search_by_key(&directory, |(child, _)| *child).ok()?;
    parents.get(index).map(|(_, parent)| *parent)
}

/// Takes one link out of every loop, so that each directory leads to the root or to a beginning.
fn cut_loops(parents: &mut Vec<(u32, u32)>) {
    const UNSEEN: u32 = 0;
    let mut seen = vec![UNSEEN; parents.len()];
    let mut cut = Vec::new();
    for (start, turn) in (0..parents.len()).zip(1_u32..) {
        let mut index = start;
        // Each step marks a directory that was not marked: all turns together are linear.
        while let (Some(mark), Some(&(child, parent))) = (seen.get_mut(index), parents.get(index)) {
            if *mark == turn {
                cut.push(child);
            }
            if *mark != UNSEEN {
                break;
            }
            *mark = turn;
            if parent == ROOT {
                break;
            }
            match parents.binary_search_by_key(&parent, |(child, _)| *child) {
                Ok(next) => index = next,
                Err(_) => break,
            }
        }
    }
    cut.sort_unstable();
    parents.retain(|(child, _)| cut.binary_search(child).is_err());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_cut_once_and_trees_stay() {
        let mut parents = vec![(10, 11), (11, 12), (12, 10), (20, 5), (21, 20), (30, 30), (40, 99)];
        cut_loops(&mut parents);
        assert_eq!(parents, [(11, 12), (12, 10), (20, 5), (21, 20), (40, 99)]);
    }
}
