//! The digest algorithms that the product knows, and sets of them.
//!
//! Names are those of the manifest (`sha256`), tags those of BSD check files (`SHA256`).

use std::fmt;
use std::str::FromStr;

/// A cryptographic digest algorithm. The order is the order of columns everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// MD5, RFC 1321: 16 bytes. For matching against sets only.
    Md5,
    /// SHA-1, FIPS 180-4: 20 bytes. For matching against sets only.
    Sha1,
    /// SHA-256, FIPS 180-4: 32 bytes. Carries integrity.
    Sha256,
    /// SHA-512, FIPS 180-4: 64 bytes.
    Sha512,
    /// SHA3-256, FIPS 202: 32 bytes.
    Sha3_256,
    /// BLAKE3 with its default output of 32 bytes.
    Blake3,
}

impl Algorithm {
    /// Every algorithm, in order.
    pub const ALL: [Self; 6] =
        [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512, Self::Sha3_256, Self::Blake3];

    /// Returns the name used in manifests, sets and options, such as `sha3-256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Sha3_256 => "sha3-256",
            Self::Blake3 => "blake3",
        }
    }

    /// Returns the tag of a BSD check-file line, such as `SHA256` in `SHA256 (name) = hex`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Sha3_256 => "SHA3-256",
            Self::Blake3 => "BLAKE3",
        }
    }

    /// Returns the length of a digest in bytes.
    #[must_use]
    pub const fn len_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sha3_256 | Self::Blake3 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no algorithm of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown algorithm {name:?}; known are md5, sha1, sha256, sha512, sha3-256, blake3")]
pub struct UnknownAlgorithm {
    /// The text that was given.
    pub name: String,
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Reads a name or a tag, in any case, with or without the hyphen of `SHA-1` and `SHA-256`.
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        match text.trim().to_ascii_lowercase().as_str() {
            "md5" => Ok(Self::Md5),
            "sha1" | "sha-1" => Ok(Self::Sha1),
            "sha256" | "sha-256" | "sha2-256" => Ok(Self::Sha256),
            "sha512" | "sha-512" | "sha2-512" => Ok(Self::Sha512),
            "sha3-256" | "sha3_256" => Ok(Self::Sha3_256),
            "blake3" | "b3" => Ok(Self::Blake3),
            _ => Err(UnknownAlgorithm { name: text.to_owned() }),
        }
    }
}

/// A set of algorithms; iterates in the order of [`Algorithm::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Algorithms(u8);

impl Algorithms {
    /// No algorithm.
    pub const NONE: Self = Self(0);
    /// MD5, SHA-1 and SHA-256: what the hash sets of the field use, in one read.
    pub const DEFAULT: Self = Self(0b111);

    /// Returns this set with `algorithm` added.
    #[must_use]
    pub const fn with(self, algorithm: Algorithm) -> Self {
        Self(self.0 | 1 << algorithm as u8)
    }

    /// Returns the union of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the algorithms that are in both sets.
    pub(crate) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the algorithms of this set that are not in the other.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Says whether `algorithm` is in the set.
    #[must_use]
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & (1 << algorithm as u8) != 0
    }

    /// Says whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns how many algorithms are in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Iterates over the algorithms in order.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(move |&algorithm| self.contains(algorithm))
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        algorithms.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, algorithm) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(algorithm.name())?;
        }
        Ok(())
    }
}

impl FromStr for Algorithms {
    type Err = UnknownAlgorithm;

    /// Reads a comma-separated list of names; an empty list is refused.
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        text.split(',').map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_tag_is_read_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.tag().parse(), Ok(algorithm));
        }
        assert!("sha-255".parse::<Algorithm>().is_err());
    }

    #[test]
    fn a_set_prints_in_order_and_is_read_back() {
        let set: Algorithms = "sha256,md5".parse().unwrap();
        assert_eq!(set.to_string(), "md5,sha256");
        assert_eq!(set.len(), 2);
        assert!("".parse::<Algorithms>().is_err());
        assert_eq!(Algorithms::DEFAULT.to_string(), "md5,sha1,sha256");
    }
}
