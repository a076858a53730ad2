//! The digests that one read of a stream produced: at most one for each algorithm.

use crate::{Algorithm, Algorithms, Digest};

/// Several digests of the same bytes; iterates in the order of [`Algorithm::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    values: [Option<Digest>; Algorithm::ALL.len()],
}

impl Digests {
    /// Returns a set with no digest in it.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: [None; Algorithm::ALL.len()] }
    }

    /// Puts a digest in, in the place of an earlier one of the same algorithm.
    pub fn insert(&mut self, digest: Digest) {
        self.values[digest.algorithm() as usize] = Some(digest);
    }

    /// Takes all digests out.
    pub fn clear(&mut self) {
        self.values = [None; Algorithm::ALL.len()];
    }

    /// Returns the digest of that algorithm.
    #[must_use]
    pub fn get(&self, algorithm: Algorithm) -> Option<Digest> {
        self.values[algorithm as usize]
    }

    /// Iterates over the digests in the order of their algorithms.
    pub fn iter(&self) -> impl Iterator<Item = &Digest> {
        self.values.iter().flatten()
    }

    /// Returns which algorithms are present.
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        self.iter().map(Digest::algorithm).collect()
    }

    /// Says whether no digest is present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }
}

impl FromIterator<Digest> for Digests {
    fn from_iter<I: IntoIterator<Item = Digest>>(digests: I) -> Self {
        let mut set = Self::new();
        for digest in digests {
            set.insert(digest);
        }
        set
    }
}
