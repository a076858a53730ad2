//! What a leaf is made of: salted commitments, so that a proof for one thing is no test for guesses
//! of another.
//!
//! A leaf of the manifest's tree commits to a line twice: as it stands, and without the names in
//! it. Either form can be shown, and the other stays hidden behind its salt. The salts are not in
//! the line, so that the manifest depends on the evidence alone: they are HMAC-SHA-256 over a
//! number, keyed with a seed that the run draws once.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::merkle::leaf;
use crate::redact;

/// The length of a salt: 128 bits cannot be guessed.
pub(crate) const SALT_BYTES: usize = size_of::<Salt>();

/// A salt.
pub type Salt = [u8; 16];

/// The two salts of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSalts {
    /// For the line as it stands.
    pub whole: Salt,
    /// For the line without names.
    pub redacted: Salt,
}

/// Makes the salts of a package from its seed.
#[derive(Clone)]
pub struct Salter {
    mac: Hmac<Sha256>,
    /// The seed, padded to a block: the key of RFC 2104.
    pub(crate) padded: [u8; 64],
}

impl fmt::Debug for Salter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salter(..)")
    }
}

impl Salter {
    /// Takes the seed, `salt_seed` of `run.json`.
    ///
    /// # Panics
    /// Never: HMAC takes a key of any length.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        let padded: [u8; 64] = std::array::from_fn(|place| seed.get(place).copied().unwrap_or(0));
        // RFC 2104: a key shorter than the block is padded with zeros.
        Self { mac: Hmac::<Sha256>::new(&padded.into()), padded }
    }

    fn code(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// Returns the salts of a line: the two halves of the code over its number in decimal digits.
    #[must_use]
    pub fn line(&self, seq: u64) -> LineSalts {
        let (whole, redacted) = halves(&self.code(seq.to_string().as_bytes()));
        LineSalts { whole, redacted }
    }

    /// Returns the salt of a key of the index: the first half of the code over `index:` and its
    /// place in decimal digits.
    #[must_use]
    pub fn key(&self, place: u64) -> Salt {
        halves(&self.code(format!("index:{place}").as_bytes())).0
    }
}

pub(crate) fn halves(code: &[u8; 32]) -> (Salt, Salt) {
    let (mut first, mut second) = ([0; SALT_BYTES], [0; SALT_BYTES]);
    first.copy_from_slice(&code[..SALT_BYTES]);
    second.copy_from_slice(&code[SALT_BYTES..]);
    (first, second)
}

/// Returns a commitment: SHA-256(salt || bytes).
#[must_use]
pub fn commitment(salt: &Salt, bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(bytes);
    hash.finalize().into()
}

/// Returns the leaf over the two commitments to a line: SHA-256(0x00 || whole || redacted).
#[must_use]
pub fn leaf_of_commitments(whole: &[u8; 32], redacted: &[u8; 32]) -> [u8; 32] {
    let mut data = [0; 64];
    data[..32].copy_from_slice(whole);
    data[32..].copy_from_slice(redacted);
    leaf(&data)
}

/// Returns the leaf of a line, which comes without its line end.
#[must_use]
pub fn line_leaf(salts: &LineSalts, line: &[u8]) -> [u8; 32] {
    let whole = commitment(&salts.whole, line);
    leaf_of_commitments(&whole, &commitment(&salts.redacted, &redact::without_names(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn salts_are_those_of_openssl() {
        let salter = Salter::new(&std::array::from_fn(|i| u8::try_from(i).unwrap()));
        // printf 5 | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001..1f
        let salts = salter.line(5);
        assert_eq!(hex(&salts.whole), "ea5a6a445395be2905b752daee4be20b");
        assert_ne!(salts.whole, salts.redacted);
        assert_ne!(salter.key(5), salts.whole);
    }

    #[test]
    fn a_leaf_depends_on_both_forms() {
        let salts = LineSalts { whole: [1; 16], redacted: [2; 16] };
        let a = line_leaf(&salts, br#"{"path":"a","seq":0}"#);
        assert_ne!(a, line_leaf(&salts, br#"{"path":"b","seq":0}"#));
        assert_ne!(a, line_leaf(&salts, br#"{"path":"a","seq":1}"#));
        let whole = commitment(&[1; 16], br#"{"path":"a","seq":0}"#);
        assert_eq!(a, leaf_of_commitments(&whole, &commitment(&[2; 16], br#"{"seq":0}"#)));
    }
}
