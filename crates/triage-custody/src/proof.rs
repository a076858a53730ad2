//! A proof: one small document that shows one thing of a sealed package and nothing else.
//!
//! It carries the seal that it leads to. It holds if it leads to the root in that seal; whether the
//! seal is the right one, its signature and its digest say, not the proof. The package carries a
//! script of stock tools that checks the same (`proof_script.rs`).

use serde::{Deserialize, Serialize};
use triage_hash::{Algorithms, Digest};

use crate::index::{Key, ValueKind};
use crate::merkle::root_from_path;
use crate::salted::{SALT_BYTES, commitment, leaf_of_commitments};
use crate::seal::Seal;
use crate::{Error, jcs, redact};

/// The longest path that is read: a tree of 2^64 leaves has no longer one.
const LIMIT_NODES: usize = 64;

/// One line of the manifest stands there, at its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The number of the line, from 0.
    pub index: u64,
    /// The line without its line end, or the line without the names in it.
    pub line: String,
    /// The path from the leaf to the root, lower-case hex.
    pub nodes: Vec<String>,
    /// The commitment to the form of the line that is not shown, lower-case hex.
    pub other: String,
    /// Whether the names were left out of the line.
    pub redacted: bool,
    /// The salt of the form that is shown, lower-case hex.
    pub salt: String,
}

/// A key that stands in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Its place, from 0.
    pub index: u64,
    /// The key, lower-case hex.
    pub key: String,
    /// The path from the leaf to the root, lower-case hex.
    pub nodes: Vec<String>,
    /// The salt of the leaf, lower-case hex.
    pub salt: String,
}

/// No line of the manifest has a value: its key would stand between two neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// `path`, or the name of a digest algorithm.
    pub kind: String,
    /// The last key before it; none if it would be the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left: Option<Neighbour>,
    /// The first key behind it; none if it would be the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub right: Option<Neighbour>,
    /// The raw bytes of the value, lower-case hex.
    pub value: String,
}

/// What a proof shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// A value is not there.
    Absence(Absence),
    /// A line is there.
    Inclusion(Inclusion),
}

/// A proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// What it shows.
    pub claim: Claim,
    /// The seal that it leads to, without its line end.
    pub seal: String,
    /// The armoured signature of the seal, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
    /// Always [`Proof::TYPE`].
    #[serde(rename = "type")]
    pub document: String,
    /// The version of this document.
    pub v: u32,
}

impl Proof {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;
    /// What the document calls itself.
    pub const TYPE: &'static str = "triage-proof";

    /// Makes a proof that leads to a seal, given as its file's bytes.
    ///
    /// # Errors
    /// [`Error`] if the seal is none.
    pub fn new(claim: Claim, seal: &[u8], signature: Option<String>) -> Result<Self, Error> {
        Seal::parse(seal)?;
        let seal = String::from_utf8_lossy(seal).trim_end_matches('\n').to_owned();
        Ok(Self { claim, seal, signature, document: Self::TYPE.to_owned(), v: Self::VERSION })
    }

    /// Returns the bytes of the file: one canonical line with its line end.
    ///
    /// # Errors
    /// [`Error::Number`] if a number is not exact.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let value = serde_json::to_value(self)
            .map_err(|error| Error::Fields { document: "proof", reason: error.to_string() })?;
        let mut bytes = jcs::to_vec(&value)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a proof and checks its form, not yet what it shows.
    ///
    /// # Errors
    /// [`Error`] if it is not canonical or lacks a field.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let Some(line) = bytes.strip_suffix(b"\n") else {
            return Err(Error::NotCanonical { reason: "the line has no line end".to_owned() });
        };
        let fields = |reason: String| Error::Fields { document: "proof", reason };
        let proof: Self = serde_json::from_value(jcs::parse_strict(line)?)
            .map_err(|error| fields(error.to_string()))?;
        if proof.v != Self::VERSION || proof.document != Self::TYPE {
            return Err(fields(format!("type {} version {}", proof.document, proof.v)));
        }
        Ok(proof)
    }

    /// Returns the bytes of the seal's file.
    #[must_use]
    pub fn seal_bytes(&self) -> Vec<u8> {
        format!("{}\n", self.seal).into_bytes()
    }

    /// Checks that what the proof shows leads to the seal in it, and returns that seal.
    ///
    /// # Errors
    /// [`Error::Proof`] with what does not fit; [`Error`] if the seal is none.
    pub fn check(&self) -> Result<Seal, Error> {
        let seal = Seal::parse(&self.seal_bytes())?;
        match &self.claim {
            Claim::Inclusion(claim) => claim.check(&seal)?,
            Claim::Absence(claim) => claim.check(&seal)?,
        }
        Ok(seal)
    }
}

impl Inclusion {
    fn check(&self, seal: &Seal) -> Result<(), Error> {
        let line = jcs::parse_strict(self.line.as_bytes())?;
        let seq = match &line["seq"] {
            serde_json::Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        let number = seq.map_or_else(|| "none".to_owned(), |seq: u64| seq.to_string());
        equal("the number in the line", &self.index.to_string(), &number, || {
            seq == Some(self.index)
        })?;
        let exhibit = line["exhibit"].as_str().unwrap_or_default();
        equal("the exhibit of the line", &seal.exhibit, exhibit, || exhibit == seal.exhibit)?;
        if self.redacted {
            let without = redact::without_names(self.line.as_bytes());
            equal("a redacted line", "without names", "one with a name", || {
                without == self.line.as_bytes()
            })?;
        }
        let shown = commitment(&salt(&self.salt)?, self.line.as_bytes());
        let other = hash(&self.other)?;
        let leaf = if self.redacted {
            leaf_of_commitments(&other, &shown)
        } else {
            leaf_of_commitments(&shown, &other)
        };
        let size = seal.manifest.entries;
        leads(leaf, self.index, size, &self.nodes, &seal.manifest.merkle_root)
    }
}

impl Absence {
    fn check(&self, seal: &Seal) -> Result<(), Error> {
        let index = &seal.index;
        let kind: ValueKind =
            self.kind.parse().map_err(|()| refused("the kind", "a known kind", &self.kind))?;
        let raw = unhex(&self.value)?;
        if let ValueKind::Digest(algorithm) = kind {
            let computed: Algorithms = index.algorithms.parse().unwrap_or_default();
            equal("the digest's algorithm", &index.algorithms, &self.kind, || {
                computed.contains(algorithm)
            })?;
            Digest::from_bytes(algorithm, &raw)
                .map_err(|_| refused("the digest", algorithm.name(), &self.value))?;
        }
        let key = Key::of(kind, &raw);
        let neighbour = |neighbour: &Neighbour| -> Result<Key, Error> {
            let found =
                Key(unhex(&neighbour.key)?.try_into().map_err(|_| short(&neighbour.key))?);
            let leaf = found.leaf(&salt(&neighbour.salt)?);
            leads(leaf, neighbour.index, index.size, &neighbour.nodes, &index.root)?;
            Ok(found)
        };
        let last = index.size.checked_sub(1);
        let places = (self.left.as_ref().map(|n| n.index), self.right.as_ref().map(|n| n.index));
        let adjacent = match places {
            (Some(left), Some(right)) => left.checked_add(1) == Some(right),
            (Some(left), None) => Some(left) == last,
            (None, Some(right)) => right == 0,
            (None, None) => last.is_none(),
        };
        equal("the places of the neighbours", "side by side", &format!("{places:?}"), || adjacent)?;
        if let Some(left) = &self.left {
            let found = neighbour(left)?;
            let shown = format!("{found:?}");
            equal("the key before", &format!("below {key:?}"), &shown, || found < key)?;
        }
        if let Some(right) = &self.right {
            let found = neighbour(right)?;
            let shown = format!("{found:?}");
            equal("the key behind", &format!("above {key:?}"), &shown, || found > key)?;
        }
        Ok(())
    }
}

fn refused(what: &'static str, expected: &str, actual: &str) -> Error {
    Error::Proof { what, expected: expected.to_owned(), actual: actual.to_owned() }
}

fn equal(
    what: &'static str,
    expected: &str,
    actual: &str,
    holds: impl FnOnce() -> bool,
) -> Result<(), Error> {
    if holds() { Ok(()) } else { Err(refused(what, expected, actual)) }
}

fn leads(
    leaf: [u8; 32],
    index: u64,
    size: u64,
    nodes: &[String],
    expected: &str,
) -> Result<(), Error> {
    if nodes.len() > LIMIT_NODES {
        let limit = format!("at most {LIMIT_NODES} hashes");
        return Err(refused("the path", &limit, &nodes.len().to_string()));
    }
    let path: Vec<[u8; 32]> = nodes.iter().map(|node| hash(node)).collect::<Result<_, _>>()?;
    let root = root_from_path(leaf, index, size, &path).map(|root| to_hex(&root));
    let root = root.unwrap_or_else(|| "none: the path does not fit the tree".to_owned());
    equal("the root that it leads to", expected, &root, || root == expected)
}

fn short(text: &str) -> Error {
    refused("a hash, salt or key", "lower-case hex of its length", text)
}

fn unhex(text: &str) -> Result<Vec<u8>, Error> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect::<Option<_>>().ok_or_else(|| short(text))
}

fn hash(text: &str) -> Result<[u8; 32], Error> {
    unhex(text)?.try_into().map_err(|_| short(text))
}

fn salt(text: &str) -> Result<[u8; SALT_BYTES], Error> {
    unhex(text)?.try_into().map_err(|_| short(text))
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
