//! Digests that must never be in a set: that of the empty file, and placeholders.
//!
//! Every seized drive holds empty files; a list that carries their digest would alert on each.

use serde::{Deserialize, Serialize};
use triage_hash::{Algorithm, Digest, Digests};

/// Why a row was left out although it is well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    /// It lists the empty file.
    EmptyFile,
    /// Its only digests are all zero bits: a placeholder.
    AllZero,
    /// Its only digests are all one bits: a placeholder.
    AllOnes,
    /// It has a perceptual digest and no other: it is kept beside the set and cannot match.
    PerceptualOnly,
    /// It is the digest of a block, which no whole file has.
    OfBlock,
    /// A reason of a later version of this program.
    #[serde(other)]
    Other,
}

/// Returns the digest of the empty file.
const fn of_empty_file(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::Md5 => b"\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e",
        Algorithm::Sha1 => {
            b"\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\
              \xaf\xd8\x07\x09"
        }
        Algorithm::Sha256 => {
            b"\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24\
              \x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55"
        }
        Algorithm::Sha512 => {
            b"\xcf\x83\xe1\x35\x7e\xef\xb8\xbd\xf1\x54\x28\x50\xd6\x6d\x80\x07\
              \xd6\x20\xe4\x05\x0b\x57\x15\xdc\x83\xf4\xa9\x21\xd3\x6c\xe9\xce\
              \x47\xd0\xd1\x3c\x5d\x85\xf2\xb0\xff\x83\x18\xd2\x87\x7e\xec\x2f\
              \x63\xb9\x31\xbd\x47\x41\x7a\x81\xa5\x38\x32\x7a\xf9\x27\xda\x3e"
        }
        Algorithm::Sha3_256 => {
            b"\xa7\xff\xc6\xf8\xbf\x1e\xd7\x66\x51\xc1\x47\x56\xa0\x61\xd6\x62\
              \xf5\x80\xff\x4d\xe4\x3b\x49\xfa\x82\xd8\x0a\x4b\x80\xf8\x43\x4a"
        }
        Algorithm::Blake3 => {
            b"\xaf\x13\x49\xb9\xf5\xf9\xa1\xa6\xa0\x40\x4d\xea\x36\xdc\xc9\x49\
              \x9b\xcb\x25\xc9\xad\xc1\x12\xb7\xcc\x9a\x93\xca\xe4\x1f\x32\x62"
        }
    }
}

/// Says why this digest must not be in a set, if so.
#[inline]
pub(crate) fn of_digest(digest: &Digest) -> Option<Exclusion> {
    let bytes = digest.as_bytes();
    // One look at the first byte decides nearly all of 10^8 digests.
    let suspicious = [of_empty_file(digest.algorithm())[0], 0, 0xff];
    if bytes.first().is_some_and(|first| !suspicious.contains(first)) {
        return None;
    }
    if bytes == of_empty_file(digest.algorithm()) {
        Some(Exclusion::EmptyFile)
    } else if bytes.iter().all(|byte| *byte == 0) {
        Some(Exclusion::AllZero)
    } else if bytes.iter().all(|byte| *byte == 0xff) {
        Some(Exclusion::AllOnes)
    } else {
        None
    }
}

/// Says whether one of the digests is that of the empty file.
pub(crate) fn is_empty_file(digests: &Digests) -> bool {
    digests.iter().any(|digest| digest.as_bytes() == of_empty_file(digest.algorithm()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_of_the_empty_file_are_the_published_ones() {
        let published = [
            "d41d8cd98f00b204e9800998ecf8427e",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
             47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        ];
        for (algorithm, hex) in Algorithm::ALL.into_iter().zip(published) {
            let digest = Digest::from_hex(algorithm, hex.as_bytes()).unwrap();
            assert_eq!(of_digest(&digest), Some(Exclusion::EmptyFile), "{algorithm}");
            let zero = Digest::from_bytes(algorithm, &vec![0; algorithm.len_bytes()]).unwrap();
            assert_eq!(of_digest(&zero), Some(Exclusion::AllZero));
        }
    }
}
