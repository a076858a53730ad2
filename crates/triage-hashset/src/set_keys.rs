//! The keys that open encrypted and keyed sets: age identities, passphrases, digest keys.
//!
//! Keys come from files, one a line; `#` begins a comment. They are never printed.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use triage_hash::{Digest, Digests};

/// What the line of a digest key begins with.
const DIGEST_KEY: &str = "TRIAGE-SET-KEY-1 ";
/// What the line of an age identity begins with.
const IDENTITY: &str = "AGE-SECRET-KEY-1";
/// Most keys of one run: each is tried on each set.
const MAX_KEYS: usize = 64;
/// Bytes of a digest key.
const KEY_BYTES: usize = 32;

/// A key under which a set holds its digests: without it they can be neither read nor tested.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestKey([u8; KEY_BYTES]);

impl DigestKey {
    /// Takes random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Returns the line of a key file.
    #[must_use]
    pub fn to_line(&self) -> String {
        format!("{DIGEST_KEY}{}\n", blake3::Hash::from_bytes(self.0).to_hex())
    }

    /// Returns what names the key and tells nothing of it: stands in every set made with it.
    #[must_use]
    pub fn id(&self) -> String {
        let mac = self.mac(b"triage set key id");
        mac.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns what stands in a set for a digest: HMAC-SHA-512 (RFC 2104) of the algorithm's name,
    /// a zero byte and the digest, cut to the length of the digest.
    #[must_use]
    pub fn keyed(&self, digest: &Digest) -> Option<Digest> {
        let mut text = digest.algorithm().name().as_bytes().to_vec();
        text.push(0);
        text.extend_from_slice(digest.as_bytes());
        let mac = self.mac(&text);
        Digest::from_bytes(digest.algorithm(), mac.get(..digest.as_bytes().len())?).ok()
    }

    /// Returns what stands in a set for several digests.
    pub(crate) fn keyed_all(&self, digests: &Digests) -> Digests {
        digests.iter().filter_map(|digest| self.keyed(digest)).collect()
    }

    fn mac(&self, text: &[u8]) -> [u8; 64] {
        let mac = Hmac::<Sha512>::new_from_slice(&self.0);
        // HMAC takes keys of any length.
        mac.map_or([0; 64], |mac| mac.chain_update(text).finalize().into_bytes().into())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestKey({})", self.id())
    }
}

/// The keys of a run.
#[derive(Clone, Default)]
pub struct SetKeys {
    pub(crate) identities: Vec<age::x25519::Identity>,
    pub(crate) passphrases: Vec<String>,
    pub(crate) digest_keys: Vec<DigestKey>,
}

impl fmt::Debug for SetKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.identities.len() + self.passphrases.len() + self.digest_keys.len();
        write!(f, "SetKeys({count})")
    }
}

/// The text holds no key. What it holds is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadKey {
    /// The line, from 1; 0 for the whole.
    pub line: usize,
    /// What is wrong.
    pub reason: &'static str,
}

impl SetKeys {
    /// Takes the keys of a file: age identities (`AGE-SECRET-KEY-1...`) and digest keys
    /// (`TRIAGE-SET-KEY-1 ...`).
    ///
    /// # Errors
    /// [`BadKey`] if a line is neither, or there is none.
    pub fn add_file(&mut self, text: &str) -> Result<(), BadKey> {
        let before = self.identities.len() + self.digest_keys.len();
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            let bad = |reason| BadKey { line, reason };
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if self.identities.len() + self.digest_keys.len() >= MAX_KEYS {
                return Err(bad("more keys than are tried"));
            }
            if let Some(hex) = text.strip_prefix(DIGEST_KEY) {
                let key = blake3::Hash::from_hex(hex.trim());
                let key = key.map_err(|_| bad("a digest key has 64 hex digits"))?;
                self.digest_keys.push(DigestKey(*key.as_bytes()));
            } else if text.starts_with(IDENTITY) {
                let identity = age::x25519::Identity::from_str(text);
                self.identities.push(identity.map_err(|_| bad("a damaged age identity"))?);
            } else {
                return Err(bad("neither an age identity nor a digest key"));
            }
        }
        if self.identities.len() + self.digest_keys.len() == before {
            return Err(BadKey { line: 0, reason: "the file holds no key" });
        }
        Ok(())
    }

    /// Takes a passphrase: the first line of the text.
    ///
    /// # Errors
    /// [`BadKey`] if it is empty.
    pub fn add_passphrase(&mut self, text: &str) -> Result<(), BadKey> {
        let first = text.lines().next().unwrap_or_default();
        if first.is_empty() {
            return Err(BadKey { line: 1, reason: "the passphrase is empty" });
        }
        self.passphrases.push(first.to_owned());
        Ok(())
    }

    /// Returns the digest keys.
    #[must_use]
    pub fn digest_keys(&self) -> &[DigestKey] {
        &self.digest_keys
    }

    /// Returns the passphrases.
    #[must_use]
    pub fn passphrases(&self) -> &[String] {
        &self.passphrases
    }
}

#[cfg(test)]
mod tests {
    use triage_hash::Algorithm;

    use super::*;

    #[test]
    fn a_keyed_digest_is_the_hmac_of_rfc_2104() {
        // printf 'md5\0' plus the digest's bytes through: openssl dgst -sha512 -mac HMAC
        // -macopt hexkey:0101...01
        let digest = Digest::from_hex(Algorithm::Md5, b"900150983cd24fb0d6963f7d28e17f72").unwrap();
        let keyed = DigestKey::new([1; 32]).keyed(&digest).unwrap();
        assert_eq!(keyed.to_string(), "13366d5ec0d54ded3778406e6e1de04e");
        assert_eq!(keyed.algorithm(), Algorithm::Md5);
        let other = DigestKey::new([2; 32]);
        assert_ne!(other.keyed(&digest), Some(keyed));
        assert_ne!(other.id(), DigestKey::new([1; 32]).id());
    }

    #[test]
    fn keys_are_read_and_never_shown() {
        let mut keys = SetKeys::default();
        let line = DigestKey::new([7; 32]).to_line();
        keys.add_file(&format!("# a key\n\n{line}")).unwrap();
        assert_eq!(keys.digest_keys(), [DigestKey::new([7; 32])]);
        for (text, line) in [("", 0), ("# no\n", 0), ("secret\n", 1), ("\nTRIAGE-SET-KEY-1 7\n", 2)]
        {
            assert_eq!(keys.add_file(text).unwrap_err().line, line, "{text}");
        }
        assert!(keys.add_passphrase("\n").is_err());
        keys.add_passphrase("correct horse\n").unwrap();
        assert_eq!(format!("{keys:?}"), "SetKeys(2)");
    }
}
