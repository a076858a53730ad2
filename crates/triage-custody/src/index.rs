//! The index: what a manifest holds, as sorted keys, so that what it does not hold can be proved.
//!
//! A key stands for one value: a path, or a digest of one algorithm. The keys of all lines, each
//! once and sorted, are the leaves of a second tree of RFC 9162. A value is absent if its key would
//! stand between two leaves that are neighbours. A key is the hash of its value, so that a proof
//! shows of the neighbours neither a name nor a digest.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use triage_hash::Algorithm;

use crate::merkle::leaf;
use crate::salted::{SALT_BYTES, Salt};

/// The length of a key. Two values with one key take 2^64 attempts to make, and whoever makes them
/// gains only that the absence of one cannot be proved.
pub const KEY_BYTES: usize = 16;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueKind {
    /// The raw bytes of a path below the exhibit's root.
    Path,
    /// The raw bytes of a digest.
    Digest(Algorithm),
}

impl ValueKind {
    /// Returns the name: `path`, or that of the algorithm.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Digest(algorithm) => algorithm.name(),
        }
    }
}

impl FromStr for ValueKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digest = || Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == text);
        if text == "path" { Ok(Self::Path) } else { digest().map(Self::Digest).ok_or(()) }
    }
}

/// The key of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(pub [u8; KEY_BYTES]);

impl Ord for Key {
    /// Compares the bytes, as one number: millions of keys are sorted.
    fn cmp(&self, other: &Self) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Key {
    /// Returns the key of a value: the first 16 bytes of SHA-256(kind || 0x00 || value).
    #[must_use]
    pub fn of(kind: ValueKind, value: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind.name());
        hash.update([0]);
        hash.update(value);
        let hash = hash.finalize();
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(&hash[..KEY_BYTES]);
        Self(key)
    }

    /// Returns the leaf of the key: SHA-256(0x00 || salt || key).
    #[must_use]
    pub fn leaf(self, salt: &Salt) -> [u8; 32] {
        let mut data = [0; SALT_BYTES + KEY_BYTES];
        data[..SALT_BYTES].copy_from_slice(salt);
        data[SALT_BYTES..].copy_from_slice(&self.0);
        leaf(&data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_sha256sum() {
        // printf 'path\0a/b' | sha256sum
        let key = Key::of(ValueKind::Path, b"a/b");
        assert_eq!(format!("{key:?}"), "acbcef73328be2f488e90198da9dde43");
        assert_ne!(key, Key::of(ValueKind::Digest(Algorithm::Md5), b"a/b"));
        for kind in Algorithm::ALL.map(ValueKind::Digest).into_iter().chain([ValueKind::Path]) {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
    }
}
