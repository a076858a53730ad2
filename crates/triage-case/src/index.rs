//! Makes the index of a manifest: the keys of all its values, each once and sorted, in bounded
//! memory.
//!
//! Keys come in the order of the lines. As many as a limit allows are held and sorted. If there are
//! more, they are read again from where they came from, once for each part of their range.

use rayon::prelude::*;
use triage_custody::{Key, PathTree, Salter, Tree, ValueKind, key_leaves};
use triage_evidence::hex;

use crate::{Error, Record};

/// How many keys are held while a manifest is read: 64 MiB, those of a million files with three
/// digests.
pub(crate) const LIMIT_KEYS: usize = 1 << 22;
/// How many leaves are hashed side by side: a power of two, so that their trees fit together.
const CHUNK_LEAVES: usize = 1 << 14;
/// How many leaves one processor takes at a time: what it makes of them stays in its cache.
const PART_LEAVES: usize = 1 << 10;
/// How many leaves wait for their tree.
const BUFFER_LEAVES: usize = 1 << 18;

/// The index as a seal states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The root of the tree over the keys, lower-case hex.
    pub root: String,
    /// How many keys there are.
    pub size: u64,
}

/// Returns the keys of records, one after the other: of each its path and its digests.
pub(crate) fn keys_of<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<Key> {
    let values = records.flat_map(|record| {
        let digests = record.digests.iter();
        let digests = digests.map(|d| (ValueKind::Digest(d.algorithm()), d.as_bytes()));
        std::iter::once((ValueKind::Path, record.entry.location.path())).chain(digests)
    });
    triage_custody::keys_of(values)
}

/// Returns how many keys a record has.
pub(crate) fn count_keys(record: &Record) -> usize {
    1 + record.digests.iter().count()
}

/// Appends the leaves of keys, the first of which stands at that place, hashed by all processors.
fn hash_leaves(salter: &Salter, first: u64, keys: &[Key], leaves: &mut Vec<[u8; 32]>) {
    let before = leaves.len();
    leaves.resize(before + keys.len(), [0; 32]);
    let parts = leaves[before..].par_chunks_mut(PART_LEAVES).zip(keys.par_chunks(PART_LEAVES));
    parts.enumerate().for_each(|(part, (leaves, keys))| {
        let first = first + (part * PART_LEAVES) as u64;
        leaves.copy_from_slice(&key_leaves(salter, first, keys));
    });
}

impl Default for Keys {
    fn default() -> Self {
        Self::new(LIMIT_KEYS)
    }
}

/// Reads keys again from their beginning, and hands each on.
pub(crate) type ReadKeys<'a> =
    dyn Fn(&mut dyn FnMut(Key) -> Result<(), Error>) -> Result<(), Error> + 'a;

/// Keys in the order in which they came.
pub(crate) struct Keys {
    held: Vec<Key>,
    limit: usize,
    total: u64,
}

impl Keys {
    /// Holds up to a limit of keys.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { held: Vec::new(), limit, total: 0 }
    }

    /// Returns the keys that are held.
    pub(crate) fn held(&self) -> &[Key] {
        &self.held
    }

    /// Returns how many keys came, held or not.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn push(&mut self, key: Key) {
        self.total += 1;
        if self.held.len() < self.limit {
            self.held.push(key);
        }
    }

    /// Hands on the keys sorted, each once, in blocks. `again` reads them all again, and is called
    /// only if they are more than the limit.
    fn sorted(
        &mut self,
        again: &ReadKeys<'_>,
        take: &mut dyn FnMut(&[Key]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let limit = self.limit.max(1) as u64;
        let passes = self.total.div_ceil(limit).next_power_of_two();
        if passes <= 1 {
            return take(sort(&mut self.held));
        }
        let shift = u64::BITS - passes.trailing_zeros();
        for pass in 0..passes {
            self.held.clear();
            again(&mut |key| {
                if high_bits(key) >> shift == pass {
                    self.held.push(key);
                }
                Ok(())
            })?;
            take(sort(&mut self.held))?;
        }
        Ok(())
    }

    /// Returns the index of the keys.
    pub(crate) fn into_index(
        mut self,
        salter: &Salter,
        again: &ReadKeys<'_>,
    ) -> Result<Index, Error> {
        let mut tree = IndexTree::new(salter);
        self.sorted(again, &mut |keys| {
            tree.extend(keys);
            Ok(())
        })?;
        let size = tree.size;
        Ok(Index { root: hex(&tree.into_root()), size })
    }

    /// Returns the neighbours of a key that is not there; `None` if it is there.
    pub(crate) fn around(
        read: &ReadKeys<'_>,
        limit: usize,
        wanted: Key,
        salter: &Salter,
    ) -> Result<Option<Around>, Error> {
        let mut keys = Self::new(limit);
        read(&mut |key| {
            keys.push(key);
            Ok(())
        })?;
        let (mut below, mut present) = (0_u64, false);
        keys.sorted(read, &mut |keys| {
            let place = keys.partition_point(|&key| key < wanted);
            present |= keys.get(place) == Some(&wanted);
            below += place as u64;
            Ok(())
        })?;
        if present {
            return Ok(None);
        }
        let mut places = [below.checked_sub(1), Some(below)].map(|place| place.map(Place::at));
        let mut number = 0;
        keys.sorted(read, &mut |keys| {
            for block in keys.chunks(BUFFER_LEAVES) {
                let mut leaves = Vec::new();
                hash_leaves(salter, number, block, &mut leaves);
                for (&key, leaf) in block.iter().zip(leaves) {
                    places.iter_mut().flatten().for_each(|place| place.push(number, key, leaf));
                    number += 1;
                }
            }
            Ok(())
        })?;
        let [left, right] = places;
        Ok(Some(Around { left, right: right.filter(|place| place.key.is_some()) }))
    }
}

/// The neighbours of a key that is not there.
pub(crate) struct Around {
    /// The last key before it; none if it would be the first.
    pub(crate) left: Option<Place>,
    /// The first key behind it; none if it would be the last.
    pub(crate) right: Option<Place>,
}

/// A key with its place in the index and its path.
pub(crate) struct Place {
    pub(crate) place: u64,
    pub(crate) key: Option<Key>,
    pub(crate) tree: PathTree,
}

impl Place {
    fn at(place: u64) -> Self {
        Self { place, key: None, tree: PathTree::default() }
    }

    fn push(&mut self, number: u64, key: Key, leaf: [u8; 32]) {
        if number == self.place {
            self.key = Some(key);
        }
        self.tree.push(leaf, number == self.place);
    }
}

fn sort(keys: &mut Vec<Key>) -> &[Key] {
    keys.par_sort_unstable();
    keys.dedup();
    keys
}

fn high_bits(key: Key) -> u64 {
    key.0.iter().take(8).fold(0, |bits, &byte| bits << 8 | u64::from(byte))
}

/// The tree over keys that come sorted, hashed by all processors.
struct IndexTree<'a> {
    salter: &'a Salter,
    size: u64,
    leaves: Vec<[u8; 32]>,
    upper: Tree,
}

impl<'a> IndexTree<'a> {
    fn new(salter: &'a Salter) -> Self {
        Self { salter, size: 0, leaves: Vec::new(), upper: Tree::default() }
    }

    fn extend(&mut self, keys: &[Key]) {
        for block in keys.chunks(BUFFER_LEAVES) {
            hash_leaves(self.salter, self.size, block, &mut self.leaves);
            self.size += block.len() as u64;
            let whole = self.leaves.len() / CHUNK_LEAVES * CHUNK_LEAVES;
            self.join(whole);
        }
    }

    /// Joins the first leaves to trees of one chunk each; what a chunk lacks comes last of all.
    fn join(&mut self, count: usize) {
        let roots: Vec<[u8; 32]> = self.leaves[..count]
            .par_chunks(CHUNK_LEAVES)
            .map(|chunk| {
                let mut tree = Tree::default();
                chunk.iter().for_each(|&leaf| tree.push(leaf));
                tree.root()
            })
            .collect();
        roots.into_iter().for_each(|root| self.upper.push(root));
        self.leaves.drain(..count);
    }

    fn into_root(mut self) -> [u8; 32] {
        self.join(self.leaves.len());
        self.upper.root()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: u64) -> Vec<Key> {
        // Every third value stands twice, as the digest of a copied file does.
        (0..count).map(|n| Key::of(ValueKind::Path, &(n - n % 3 / 2).to_be_bytes())).collect()
    }

    fn index(keys: &[Key], limit: usize) -> Index {
        let mut held = Keys::new(limit);
        keys.iter().for_each(|&key| held.push(key));
        let again = |take: &mut dyn FnMut(Key) -> Result<(), Error>| {
            keys.iter().try_for_each(|&key| take(key))
        };
        held.into_index(&Salter::new(&[5; 32]), &again).unwrap()
    }

    #[test]
    fn the_root_is_that_of_the_plain_tree_whatever_the_limit() {
        let chunk = CHUNK_LEAVES as u64;
        for count in [0, 1, 2, 3, 100, chunk - 1, chunk, chunk + 1, 3 * chunk + 7] {
            let keys = keys(count);
            let mut sorted = keys.clone();
            sorted.sort_unstable();
            sorted.dedup();
            let mut tree = Tree::default();
            let salter = Salter::new(&[5; 32]);
            (0..).zip(&sorted).for_each(|(n, key)| tree.push(key.leaf(&salter.key(n))));
            let expected = Index { root: hex(&tree.root()), size: sorted.len() as u64 };
            for limit in [LIMIT_KEYS, 10_000, 7] {
                if limit > 7 || count <= 100 {
                    assert_eq!(index(&keys, limit), expected, "{count} keys, {limit} held");
                }
            }
        }
    }

    #[test]
    fn neighbours_are_those_of_the_sorted_list() {
        let all = keys(50);
        let read = |take: &mut dyn FnMut(Key) -> Result<(), Error>| {
            all.iter().try_for_each(|&key| take(key))
        };
        let mut sorted = all.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let salter = Salter::new(&[5; 32]);
        for limit in [LIMIT_KEYS, 8] {
            for n in 1_000..1_100_u64 {
                let wanted = Key::of(ValueKind::Path, &n.to_be_bytes());
                let Around { left, right } =
                    Keys::around(&read, limit, wanted, &salter).unwrap().unwrap();
                let place = sorted.partition_point(|&key| key < wanted);
                let before = place.checked_sub(1).map(|place| sorted[place]);
                assert_eq!(left.and_then(|place| place.key), before);
                assert_eq!(right.and_then(|place| place.key), sorted.get(place).copied());
            }
            assert!(Keys::around(&read, limit, sorted[3], &salter).unwrap().is_none());
        }
    }
}
