//! One digest: typed bytes, printed as lower-case hex.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::Algorithm;

/// The longest digest of any known algorithm, in bytes.
const LONGEST: usize = 64;

/// The value of one algorithm over one stream. Ordered by algorithm, then by bytes.
#[derive(Clone, Copy)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: [u8; LONGEST],
}

/// The text or bytes are no digest of that algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadDigest {
    /// The length does not fit the algorithm.
    #[error("a {algorithm} digest has {expected} {unit}, this has {actual}")]
    Length {
        /// The algorithm asked for.
        algorithm: Algorithm,
        /// The length it has.
        expected: usize,
        /// The length given.
        actual: usize,
        /// What is counted: bytes or hex digits.
        unit: &'static str,
    },
    /// A character is no hex digit.
    #[error("character {position} is not a hex digit")]
    NotHex {
        /// Its place in the text, from 0.
        position: usize,
    },
}

impl Digest {
    /// Takes the raw bytes of a digest.
    ///
    /// # Errors
    /// [`BadDigest::Length`] if the length is not that of the algorithm.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, BadDigest> {
        let expected = algorithm.len_bytes();
        if bytes.len() != expected {
            let actual = bytes.len();
            return Err(BadDigest::Length { algorithm, expected, actual, unit: "bytes" });
        }
        let mut digest = Self { algorithm, bytes: [0; LONGEST] };
        digest.bytes[..expected].copy_from_slice(bytes);
        Ok(digest)
    }

    /// Reads hex digits of either case: exactly as many as the algorithm has, nothing around them.
    ///
    /// # Errors
    /// [`BadDigest`] if the length or a character is wrong.
    pub fn from_hex(algorithm: Algorithm, hex: &[u8]) -> Result<Self, BadDigest> {
        let expected = 2 * algorithm.len_bytes();
        if hex.len() != expected {
            let actual = hex.len();
            return Err(BadDigest::Length { algorithm, expected, actual, unit: "hex digits" });
        }
        let mut digest = Self { algorithm, bytes: [0; LONGEST] };
        // Lists have hundreds of millions of digests: one look into a table for each digit, and one
        // question at the end. Only a bad digest is looked at again.
        let mut seen = 0;
        for (byte, pair) in digest.bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let (high, low) = (NIBBLES[usize::from(pair[0])], NIBBLES[usize::from(pair[1])]);
            seen |= high | low;
            *byte = high << 4 | low & 15;
        }
        if seen > 15 {
            let position = hex.iter().position(|&digit| nibble(digit).is_none());
            return Err(BadDigest::NotHex { position: position.unwrap_or(0) });
        }
        Ok(digest)
    }

    /// Returns the algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the raw bytes, as many as the algorithm has.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.len_bytes()]
    }

    /// Appends the digest as lower-case hex.
    pub fn write_hex(&self, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in self.as_bytes() {
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
    }
}

/// The value of each hex digit in either case; the others have the highest bits.
static NIBBLES: [u8; 256] = {
    let mut table = [NO_NIBBLE; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    table
};
/// The value of what is no hex digit.
const NO_NIBBLE: u8 = 0xff;

/// Returns the value of a hex digit.
fn nibble(digit: u8) -> Option<u8> {
    Some(NIBBLES[usize::from(digit)]).filter(|value| *value != NO_NIBBLE)
}

impl fmt::UpperHex for Digest {
    /// Writes the digest as upper-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.as_bytes() {
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.algorithm)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Digest {}

impl PartialOrd for Digest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Digest {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.algorithm, self.as_bytes()).cmp(&(other.algorithm, other.as_bytes()))
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.algorithm.hash(state);
        self.as_bytes().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_in_either_case_and_printed_in_lower_case() {
        let digest = Digest::from_hex(Algorithm::Md5, b"D41D8CD98F00B204E9800998ECF8427E").unwrap();
        assert_eq!(digest.to_string(), "d41d8cd98f00b204e9800998ecf8427e");
        let mut out = Vec::new();
        digest.write_hex(&mut out);
        assert_eq!(out, digest.to_string().into_bytes());
    }

    #[test]
    fn a_wrong_length_or_digit_is_refused_with_its_place() {
        let short = Digest::from_hex(Algorithm::Sha1, b"d41d8cd98f00b204e9800998ecf8427e");
        assert!(matches!(short, Err(BadDigest::Length { expected: 40, actual: 32, .. })));
        let bad = Digest::from_hex(Algorithm::Md5, b"g41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(bad, Err(BadDigest::NotHex { position: 0 }));
    }
}
