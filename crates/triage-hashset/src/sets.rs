//! Several sets opened together and asked at once.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use triage_hash::{Algorithms, Digests};

use crate::encrypted::{decrypt, is_encrypted};
use crate::exclusion::is_empty_file;
use crate::{Error, ImportOptions, Index, Matches, SetKeys, import, is_index};

/// Bytes that tell what a file is.
const HEAD_LEN: u64 = 32;

/// Where a set comes from: an index file, or a list to compile in memory.
#[derive(Clone, Debug, Default)]
pub struct SetSource {
    /// The file.
    pub path: PathBuf,
    /// How to read a list. An index file carries its own description, and this is not used.
    pub options: ImportOptions,
    /// What opens an encrypted set or one with keyed digests.
    pub keys: SetKeys,
}

/// Several sets. Shareable between threads; a file in no set costs a few filter probes.
#[derive(Debug, Default)]
pub struct Sets {
    indexes: Vec<Index>,
}

impl Sets {
    /// Opens every source: an index file is mapped, a list is compiled in memory.
    ///
    /// The heads of index files are checked here, their contents by [`Sets::verify`].
    ///
    /// # Errors
    /// The first [`Error`] of a source.
    pub fn open(sources: &[SetSource]) -> Result<Self, Error> {
        let indexes: Result<Vec<Index>, Error> = sources.iter().map(open_one).collect();
        Ok(Self { indexes: indexes? })
    }

    /// Takes indexes that are open already.
    #[must_use]
    pub fn from_indexes(indexes: Vec<Index>) -> Self {
        Self { indexes }
    }

    /// Gives the indexes back.
    #[must_use]
    pub fn into_indexes(self) -> Vec<Index> {
        self.indexes
    }

    /// Recomputes the section digests of every index.
    ///
    /// # Errors
    /// [`Error::BadIndex`] of the first index that is damaged.
    pub fn verify(&self) -> Result<(), Error> {
        self.indexes.iter().try_for_each(Index::verify)
    }

    /// Checks every index whole but those that are large and checked in use ([`Sets::damage`]).
    ///
    /// # Errors
    /// [`Error::BadIndex`] of the first index that is damaged.
    pub fn verify_now_or_in_use(&self) -> Result<(), Error> {
        self.indexes.iter().try_for_each(Index::verify_now_or_in_use)
    }

    /// Returns the first index of which a damaged page was used, and where it begins: lookups may
    /// have missed files.
    #[must_use]
    pub fn damage(&self) -> Option<(&Index, u64)> {
        self.indexes.iter().find_map(|index| Some((index, index.damage()?)))
    }

    /// Returns every match of a file. The empty file never matches.
    #[must_use]
    pub fn lookup(&self, digests: &Digests, size_bytes: u64) -> Matches {
        let mut out = Vec::new();
        if size_bytes == 0 || self.indexes.is_empty() || is_empty_file(digests) {
            return Matches(out);
        }
        for (set_index, index) in (0..).zip(&self.indexes) {
            index.lookup(digests, size_bytes, set_index, &mut out);
        }
        Matches(out)
    }

    /// Brings near the processor what [`Sets::lookup`] will ask for these files: worth it for some
    /// tens of files and more, just before they are looked up.
    pub fn fetch<'a>(&self, files: &(impl Iterator<Item = &'a Digests> + Clone)) {
        for index in &self.indexes {
            std::hint::black_box(index.fetch(files));
        }
    }

    /// Returns the union of the algorithms of all sets.
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        self.indexes.iter().fold(Algorithms::NONE, |all, index| all.union(index.algorithms()))
    }

    /// Iterates over the sets that cannot match any file for want of a digest: those of which
    /// `computed` has no algorithm. A scan that goes on all the same would find nothing of them.
    pub fn unmatchable(&self, computed: Algorithms) -> impl Iterator<Item = &Index> {
        let shares = move |index: &Index| computed.iter().any(|a| index.algorithms().contains(a));
        self.indexes.iter().filter(move |index| !shares(index))
    }

    /// Iterates over the sets that `computed` asks in part only: some of their digests are of
    /// algorithms that are not computed, so that records may go unseen.
    pub fn partly_matchable(&self, computed: Algorithms) -> impl Iterator<Item = &Index> {
        let lacks = move |index: &Index| index.algorithms().iter().any(|a| !computed.contains(a));
        self.indexes.iter().filter(move |index| lacks(index))
    }

    /// Says whether a set has an entry of that size, or one without a size.
    #[must_use]
    pub fn lists_size(&self, size_bytes: u64) -> bool {
        self.indexes.iter().any(|index| index.lists_size(size_bytes))
    }

    /// Iterates over the sets with entries of which the size is not known.
    pub fn without_all_sizes(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| !index.has_all_sizes())
    }

    /// Iterates over the sets in the order in which they were given.
    pub fn iter(&self) -> std::slice::Iter<'_, Index> {
        self.indexes.iter()
    }

    /// Returns how many sets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indexes.len()
    }

    /// Says whether there is no set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }
}

fn open_one(source: &SetSource) -> Result<Index, Error> {
    let head = head_of(&source.path)?;
    if is_index(&head) {
        Index::open_with(&source.path, &source.keys)
    } else if is_encrypted(&head) {
        decrypt(&source.path, &source.keys)
    } else {
        import(&source.path, &source.options)
    }
}

/// Returns the first bytes of a file. What cannot be read twice has none.
fn head_of(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |action| move |source| Error::Io { action, path: path.to_owned(), source };
    let file = File::open(path).map_err(failed("open"))?;
    let mut head = Vec::new();
    if file.metadata().map_err(failed("examine"))?.is_file() {
        file.take(HEAD_LEN).read_to_end(&mut head).map_err(failed("read"))?;
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_shared_between_threads() {
        const fn shareable<T: Send + Sync>() {}
        shareable::<Sets>();
    }
}
