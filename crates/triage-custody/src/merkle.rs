//! The Merkle tree of RFC 9162, section 2.1, with SHA-256, over leaves that come one by one.
//!
//! [`Tree`] keeps log2(n) hashes and the leaves of one small subtree, which it hashes in vector
//! lanes; [`PathTree`] keeps besides them the path of one leaf. What a
//! leaf is made of is not decided here but in `salted.rs`.

use sha2::{Digest, Sha256};
use triage_hash::Messages;

/// How many leaves wait until their subtree is hashed in one go: a power of two.
const SUBTREE: usize = 256;
/// Fewer pairs than lanes are hashed one after the other.
const FEW: usize = 16;

/// Returns the hash of a leaf: SHA-256(0x00 || data) (RFC 9162, 2.1.1).
#[must_use]
pub(crate) fn leaf(data: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(data);
    hash.finalize().into()
}

/// Returns the hash of a node: SHA-256(0x01 || left || right).
fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// The root over leaves that come one after the other, in memory of log2(n) hashes.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Roots of full subtrees, the greatest first; their sizes are the bits of `subtrees`, times
    /// [`SUBTREE`].
    full: Vec<[u8; 32]>,
    /// How many subtrees of [`SUBTREE`] leaves are in `full`.
    subtrees: u64,
    /// The leaves behind them.
    last: Vec<[u8; 32]>,
}

impl Tree {
    /// Adds the hash of the next leaf.
    pub fn push(&mut self, leaf: [u8; 32]) {
        self.last.push(leaf);
        if self.last.len() < SUBTREE {
            return;
        }
        let mut hash = full_root(&self.last);
        self.last.clear();
        let mut size = self.subtrees;
        while size & 1 == 1 {
            if let Some(left) = self.full.pop() {
                hash = node(&left, &hash);
            }
            size >>= 1;
        }
        self.full.push(hash);
        self.subtrees += 1;
    }

    /// Returns how many leaves there are.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.subtrees * SUBTREE as u64 + self.last.len() as u64
    }

    /// Says whether there is no leaf.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the root; of no leaves the hash of nothing (RFC 9162, 2.1.1).
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut roots = self.full.clone();
        let mut rest = self.last.as_slice();
        while !rest.is_empty() {
            // The greatest power of two that is there: RFC 9162 splits a tree there.
            let (full, after) = rest.split_at(1 << rest.len().ilog2());
            roots.push(full_root(full));
            rest = after;
        }
        let mut right = roots.iter().rev();
        let Some(&last) = right.next() else { return Sha256::digest([]).into() };
        right.fold(last, |hash, left| node(left, &hash))
    }
}

/// Returns the root over a power of two of leaves, level by level.
fn full_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    let mut level = leaves.to_vec();
    let mut messages = Messages::new();
    messages.reserve(leaves.len() / 2, 32 * leaves.len());
    while level.len() > 1 {
        let pairs = level.as_chunks::<2>().0;
        level = if pairs.len() < FEW {
            pairs.iter().map(|[left, right]| node(left, right)).collect()
        } else {
            messages.clear();
            pairs.iter().for_each(|[left, right]| messages.push([&[1], left, right]));
            messages.sha256()
        };
    }
    level.first().copied().unwrap_or_default()
}

/// The root over leaves that come one after the other, and the path of one of them
/// (RFC 9162, 2.1.3.1), without holding the leaves.
#[derive(Clone, Debug, Default)]
pub struct PathTree {
    /// Roots of full subtrees, and whether the leaf is in them.
    full: Vec<([u8; 32], bool)>,
    leaves: u64,
    path: Vec<[u8; 32]>,
}

impl PathTree {
    /// Adds the hash of the next leaf, and says whether it is the one whose path is wanted.
    pub fn push(&mut self, leaf: [u8; 32], is_wanted: bool) {
        let mut last = (leaf, is_wanted);
        let mut size = self.leaves;
        while size & 1 == 1 {
            if let Some(left) = self.full.pop() {
                last = join(left, last, &mut self.path);
            }
            size >>= 1;
        }
        self.full.push(last);
        self.leaves += 1;
    }

    /// Returns the root, and the path from the leaf to it; `None` if there was no such leaf.
    #[must_use]
    pub fn into_path(mut self) -> Option<([u8; 32], Vec<[u8; 32]>)> {
        let mut last = self.full.pop()?;
        while let Some(left) = self.full.pop() {
            last = join(left, last, &mut self.path);
        }
        last.1.then_some((last.0, self.path))
    }
}

/// Joins two subtrees; if the leaf is in one of them, the other one is the next step of its path.
fn join(
    left: ([u8; 32], bool),
    right: ([u8; 32], bool),
    path: &mut Vec<[u8; 32]>,
) -> ([u8; 32], bool) {
    if left.1 {
        path.push(right.0);
    } else if right.1 {
        path.push(left.0);
    }
    (node(&left.0, &right.0), left.1 || right.1)
}

/// Returns the root that a leaf and its path lead to (RFC 9162, 2.1.3.2), or `None` if the path
/// does not fit a tree of that size.
#[must_use]
pub fn root_from_path(
    leaf: [u8; 32],
    index: u64,
    size: u64,
    path: &[[u8; 32]],
) -> Option<[u8; 32]> {
    if index >= size {
        return None;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The eight leaves of the test data of certificate-transparency (RFC 6962 reference code).
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    /// Their roots for the first one, two, ... leaves.
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_the_reference_code() {
        let mut tree = Tree::default();
        assert_eq!(
            hex(&tree.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (data, root) in LEAVES.iter().zip(ROOTS) {
            tree.push(leaf(data));
            assert_eq!(hex(&tree.root()), root);
        }
    }

    fn path_of(leaves: &[[u8; 32]], target: u64) -> Option<Vec<[u8; 32]>> {
        let mut tree = PathTree::default();
        (0..).zip(leaves).for_each(|(n, &leaf)| tree.push(leaf, n == target));
        tree.into_path().map(|(_, path)| path)
    }

    /// RFC 9162, 2.1.3.1, word by word: D[0:k] left, D[k:n] right, k the greatest power of two
    /// below n.
    fn path_as_defined(leaves: &[[u8; 32]], index: usize) -> Vec<[u8; 32]> {
        let root = |leaves: &[[u8; 32]]| {
            let mut tree = Tree::default();
            leaves.iter().for_each(|&leaf| tree.push(leaf));
            tree.root()
        };
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        let (mut path, other) = if index < k {
            (path_as_defined(left, index), right)
        } else {
            (path_as_defined(right, index - k), left)
        };
        path.push(root(other));
        path
    }

    /// Paths of the test data of certificate-transparency: leaf, size, hashes in order.
    #[test]
    fn paths_are_those_of_the_reference_code() {
        let leaves: Vec<_> = LEAVES.iter().map(|data| leaf(data)).collect();
        let known: [(u64, usize, &[&str]); 3] = [
            (
                0,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        ];
        for (index, size, hashes) in known {
            let path = path_of(&leaves[..size], index).unwrap();
            assert_eq!(path.iter().map(|hash| hex(hash)).collect::<Vec<_>>(), hashes);
        }
    }

    #[test]
    fn roots_of_every_size_are_those_of_the_definition() {
        let leaves: Vec<_> = (0..1100_u32).map(|n| leaf(&n.to_be_bytes())).collect();
        let mut tree = Tree::default();
        for (size, &leaf) in (1..).zip(&leaves) {
            tree.push(leaf);
            assert_eq!(tree.len(), size as u64);
            if size <= 40 || size % 61 == 0 || (size + 1) % 256 < 3 {
                // Its path is made of one node at a time.
                let mut path = PathTree::default();
                leaves[..size].iter().for_each(|&leaf| path.push(leaf, leaf == leaves[0]));
                assert_eq!(path.into_path().map(|(root, _)| root), Some(tree.root()), "{size}");
            }
        }
    }

    #[test]
    fn every_path_of_every_size_leads_to_the_root_and_no_other_does() {
        for size in 1..40_u64 {
            let leaves: Vec<_> = (0..size).map(|n| leaf(&n.to_be_bytes())).collect();
            let mut tree = Tree::default();
            leaves.iter().for_each(|&leaf| tree.push(leaf));
            for index in 0..size {
                let place = usize::try_from(index).unwrap();
                let path = path_of(&leaves, index).unwrap();
                assert_eq!(path, path_as_defined(&leaves, place), "{index} of {size}");
                let root = |leaf, index, size| root_from_path(leaf, index, size, &path);
                assert_eq!(root(leaves[place], index, size), Some(tree.root()));
                assert_ne!(root(leaf(b"other"), index, size), Some(tree.root()));
                assert_ne!(root(leaves[place], index ^ 1, size), Some(tree.root()));
            }
            assert!(path_of(&leaves, size).is_none());
        }
    }
}
