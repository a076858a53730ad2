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
    #[inline]
    pub fn from_hex(algorithm: Algorithm, hex: &[u8]) -> Result<Self, BadDigest> {
        let expected = 2 * algorithm.len_bytes();
        if hex.len() != expected {
            let actual = hex.len();
            return Err(BadDigest::Length { algorithm, expected, actual, unit: "hex digits" });
        }
        let mut digest = Self { algorithm, bytes: [0; LONGEST] };
        // Lists have hundreds of millions of digests: eight digits at a time, and one question at
        // the end. Only a bad digest is looked at again.
        let mut all_good = true;
        for (bytes, digits) in digest.bytes.as_chunks_mut().0.iter_mut().zip(hex.as_chunks().0) {
            let good;
            (*bytes, good) = four_bytes(*digits);
            all_good &= good;
        }
        if !all_good {
            let position = hex.iter().position(|digit| !digit.is_ascii_hexdigit());
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
    #[inline]
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

/// Reads eight hex digits, all in one register, and says whether they are.
#[inline]
fn four_bytes(digits: [u8; 8]) -> ([u8; 4], bool) {
    /// The same byte eight times.
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let text = u64::from_le_bytes(digits);
    // Of seven bits, so that no sum carries into the next byte; the eighth says "at least".
    let (low, lower) = (text & all(0x7f), text & all(0x7f) | all(0x20));
    let at_least = |value: u64, byte: u8| value + all(0x80 - byte);
    let digit = at_least(low, b'0') & !at_least(low, b'9' + 1);
    let letter = at_least(lower, b'a') & !at_least(lower, b'f' + 1);
    let good = (digit | letter) & !text & all(0x80) == all(0x80);
    let values = (text & all(0x0f)) + (text >> 6 & all(0x01)) * 9;
    let pairs = (values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff;
    let pairs = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    (((pairs | pairs >> 16) as u32).to_le_bytes(), good)
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

    #[test]
    fn every_byte_at_every_place_is_read_like_one_alone() {
        for byte in 0..=u8::MAX {
            for place in 0..32 {
                let mut hex = *b"0123456789abcdefABCDEF9876543210";
                hex[place] = byte;
                let read = Digest::from_hex(Algorithm::Md5, &hex);
                let Some(value) = char::from(byte).to_digit(16) else {
                    assert_eq!(read, Err(BadDigest::NotHex { position: place }), "{byte}");
                    continue;
                };
                let shown = read.unwrap().to_string();
                let expected = char::from_digit(value, 16);
                assert_eq!(shown.chars().nth(place), expected, "{byte} at {place}");
                hex[place] = b'0';
                let rest = String::from_utf8(hex.to_ascii_lowercase()).unwrap();
                assert_eq!(shown[..place], rest[..place]);
                assert_eq!(shown[place + 1..], rest[place + 1..]);
            }
        }
    }
}
