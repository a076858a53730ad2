//! The Merkle tree of RFC 9162 over the lines of a manifest, with salted leaves.
//!
//! A leaf's data is 16 bytes of salt and then the line without its line end. The salt keeps a
//! proof for one line from being a test for guessed other lines, and is not in the line itself, so
//! that the manifest depends on the evidence alone. It is the start of HMAC-SHA-256 over the
//! line's decimal number, keyed with a seed that the run draws once.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Returns the salt of the line with that number.
#[must_use]
pub fn salt(seed: &[u8; 32], seq: u64) -> [u8; 16] {
    // HMAC takes a key of any length, so that this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(seed) else { return [0; 16] };
    mac.update(seq.to_string().as_bytes());
    let code = mac.finalize().into_bytes();
    let mut salt = [0; 16];
    salt.copy_from_slice(&code[..16]);
    salt
}

/// Returns the hash of a leaf: SHA-256(0x00 || salt || line) (RFC 9162, 2.1.1).
#[must_use]
pub fn leaf(salt: &[u8], line: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(salt);
    hash.update(line);
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
    /// Roots of full subtrees, the greatest first; their sizes are the bits of `leaves`.
    full: Vec<[u8; 32]>,
    leaves: u64,
}

impl Tree {
    /// Adds the hash of the next leaf.
    pub fn push(&mut self, leaf: [u8; 32]) {
        let mut hash = leaf;
        let mut size = self.leaves;
        while size & 1 == 1 {
            if let Some(left) = self.full.pop() {
                hash = node(&left, &hash);
            }
            size >>= 1;
        }
        self.full.push(hash);
        self.leaves += 1;
    }

    /// Returns how many leaves there are.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.leaves
    }

    /// Says whether there is no leaf.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.leaves == 0
    }

    /// Returns the root; of no leaves the hash of nothing (RFC 9162, 2.1.1).
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut right = self.full.iter().rev();
        let Some(&last) = right.next() else { return Sha256::digest([]).into() };
        right.fold(last, |hash, left| node(left, &hash))
    }
}

/// Returns the path from a leaf to the root (RFC 9162, 2.1.3.1), or `None` beyond the last leaf.
#[must_use]
pub fn inclusion_path(leaves: &[[u8; 32]], index: usize) -> Option<Vec<[u8; 32]>> {
    if index >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    let (mut leaves, mut index) = (leaves, index);
    while leaves.len() > 1 {
        let split = 1 << (usize::BITS - 1 - (leaves.len() - 1).leading_zeros());
        let (left, right) = leaves.split_at(split);
        let root = |leaves: &[[u8; 32]]| {
            let mut tree = Tree::default();
            leaves.iter().for_each(|&leaf| tree.push(leaf));
            tree.root()
        };
        if index < split {
            path.push(root(right));
            leaves = left;
        } else {
            path.push(root(left));
            leaves = right;
            index -= split;
        }
    }
    path.reverse();
    Some(path)
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
            tree.push(leaf(b"", data));
            assert_eq!(hex(&tree.root()), root);
        }
    }

    #[test]
    fn every_path_of_every_size_leads_to_the_root_and_no_other_does() {
        for size in 1..40_u64 {
            let leaves: Vec<_> = (0..size).map(|n| leaf(b"s", &n.to_be_bytes())).collect();
            let mut tree = Tree::default();
            leaves.iter().for_each(|&leaf| tree.push(leaf));
            for index in 0..size {
                let place = usize::try_from(index).unwrap();
                let path = inclusion_path(&leaves, place).unwrap();
                let root = |leaf, index, size| root_from_path(leaf, index, size, &path);
                assert_eq!(root(leaves[place], index, size), Some(tree.root()));
                assert_ne!(root(leaf(b"", b"other"), index, size), Some(tree.root()));
                assert_ne!(root(leaves[place], index ^ 1, size), Some(tree.root()));
            }
            assert!(inclusion_path(&leaves, leaves.len()).is_none());
        }
    }

    #[test]
    fn the_salt_is_the_start_of_hmac_sha256() {
        // printf 5 | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001..1f
        let seed: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        assert_eq!(hex(&salt(&seed, 5)), "ea5a6a445395be2905b752daee4be20b");
    }
}
