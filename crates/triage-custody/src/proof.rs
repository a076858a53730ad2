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
mod tests {
    use super::*;
    use crate::merkle::{PathTree, Tree};
    use crate::salted::{Salter, line_leaf};
    use crate::seal::{SealedCustody, SealedFiles, SealedIndex, SealedManifest};
    use triage_hash::Algorithm;

    const SEED: [u8; 32] = [3; 32];

    /// A manifest of lines and an index of paths, sealed.
    struct Sealed {
        lines: Vec<String>,
        keys: Vec<Key>,
        seal: Vec<u8>,
    }

    impl Sealed {
        fn of(size: u64) -> Self {
            let salter = Salter::new(&SEED);
            let name = |n: u64| format!("f{n}");
            let line = |n| format!(r#"{{"exhibit":"E","path":"{}","seq":{n}}}"#, name(n));
            let lines: Vec<String> = (0..size).map(line).collect();
            let key = |n: u64| Key::of(ValueKind::Path, name(n).as_bytes());
            let mut keys: Vec<Key> = (0..size).map(key).collect();
            keys.sort_unstable();
            let (mut tree, mut index) = (Tree::default(), Tree::default());
            for (n, (line, key)) in (0..).zip(lines.iter().zip(&keys)) {
                tree.push(line_leaf(&salter.line(n), line.as_bytes()));
                index.push(key.leaf(&salter.key(n)));
            }
            let text = String::new;
            let seal = Seal {
                v: Seal::VERSION,
                document: Seal::TYPE.to_owned(),
                seal: 1,
                prev_seal_sha256: text(),
                case: text(),
                exhibit: "E".to_owned(),
                time: text(),
                run_id: text(),
                files: SealedFiles { list: text(), sha256: text(), count: 0 },
                manifest: SealedManifest {
                    sha256: text(),
                    entries: size,
                    merkle_root: to_hex(&tree.root()),
                    tree: SealedManifest::TREE.to_owned(),
                },
                index: SealedIndex {
                    algorithms: "sha256".to_owned(),
                    root: to_hex(&index.root()),
                    size,
                },
                custody: SealedCustody { events: 0, head_sha256: text() },
                counts: serde_json::Value::Null,
                tool: serde_json::Value::Null,
                signer: None,
                certificate: None,
            };
            Self { lines, keys, seal: seal.to_bytes().unwrap() }
        }

        fn inclusion(&self, index: u64, redacted: bool) -> Proof {
            let salter = Salter::new(&SEED);
            let mut tree = PathTree::default();
            for (n, line) in (0..).zip(&self.lines) {
                tree.push(line_leaf(&salter.line(n), line.as_bytes()), n == index);
            }
            let line = self.lines[usize::try_from(index).unwrap()].as_bytes();
            let without = redact::without_names(line);
            let salts = salter.line(index);
            let (shown, salt, hidden, other) = if redacted {
                (without.as_slice(), salts.redacted, line, salts.whole)
            } else {
                (line, salts.whole, without.as_slice(), salts.redacted)
            };
            let claim = Inclusion {
                index,
                line: String::from_utf8(shown.to_vec()).unwrap(),
                nodes: tree.into_path().unwrap().1.iter().map(|node| to_hex(node)).collect(),
                other: to_hex(&commitment(&other, hidden)),
                redacted,
                salt: to_hex(&salt),
            };
            Proof::new(Claim::Inclusion(claim), &self.seal, None).unwrap()
        }

        fn neighbour(&self, place: u64) -> Neighbour {
            let salter = Salter::new(&SEED);
            let mut tree = PathTree::default();
            for (n, key) in (0..).zip(&self.keys) {
                tree.push(key.leaf(&salter.key(n)), n == place);
            }
            Neighbour {
                index: place,
                key: format!("{:?}", self.keys[usize::try_from(place).unwrap()]),
                nodes: tree.into_path().unwrap().1.iter().map(|node| to_hex(node)).collect(),
                salt: to_hex(&salter.key(place)),
            }
        }

        fn absence(&self, value: &[u8], left: Option<u64>, right: Option<u64>) -> Proof {
            let claim = Absence {
                kind: "path".to_owned(),
                left: left.map(|place| self.neighbour(place)),
                right: right.map(|place| self.neighbour(place)),
                value: to_hex(value),
            };
            Proof::new(Claim::Absence(claim), &self.seal, None).unwrap()
        }
    }

    #[test]
    fn every_line_of_every_small_manifest_is_proved_with_and_without_names() {
        for size in 1..18 {
            let sealed = Sealed::of(size);
            for index in 0..size {
                for redacted in [false, true] {
                    let proof = sealed.inclusion(index, redacted);
                    let read = Proof::parse(&proof.to_bytes().unwrap()).unwrap();
                    read.check().unwrap();
                    let name = format!("\"f{index}\"");
                    let Claim::Inclusion(claim) = &read.claim else { unreachable!() };
                    assert_eq!(claim.line.contains(&name), !redacted);
                }
            }
        }
    }

    #[test]
    fn every_changed_part_of_an_inclusion_is_refused() {
        let good = Sealed::of(7).inclusion(4, true);
        let changed = |change: &dyn Fn(&mut Inclusion)| {
            let mut proof = good.clone();
            if let Claim::Inclusion(claim) = &mut proof.claim {
                change(claim);
            }
            proof.check().unwrap_err().to_string()
        };
        let other = "00".repeat(32);
        for (change, reason) in [
            (&(|c: &mut Inclusion| c.index = 5) as &dyn Fn(&mut Inclusion), "the number"),
            (&|c| c.line = c.line.replace('4', "5"), "the number"),
            (&|c| c.line = c.line.replace("\"E\"", "\"F\""), "the exhibit"),
            (&|c| c.line = c.line.replace("\"seq\"", "\"a\":1,\"seq\""), "canonical"),
            (&|c| c.redacted = false, "the root"),
            (&|c| c.other.clone_from(&other), "the root"),
            (&|c| c.salt = "0".repeat(32), "the root"),
            (&|c| c.salt.push('0'), "a hash, salt or key"),
            (&|c| drop(c.nodes.pop()), "the path does not fit"),
            (&|c| c.nodes.push(other.clone()), "the path does not fit"),
            (&|c| c.nodes.reverse(), "the root"),
            (&|c| c.nodes = vec![other.clone(); 65], "at most 64"),
        ] {
            let error = changed(change);
            assert!(error.contains(reason), "{reason}: {error}");
        }
        let whole = Sealed::of(7).inclusion(4, false);
        let Claim::Inclusion(mut claim) = whole.claim.clone() else { unreachable!() };
        claim.redacted = true;
        let error = Proof { claim: Claim::Inclusion(claim), ..whole }.check().unwrap_err();
        assert!(error.to_string().contains("a redacted line"), "{error}");
    }

    #[test]
    fn what_is_not_there_is_proved_and_nothing_else() {
        let sealed = Sealed::of(9);
        let value = |n: u32| format!("absent {n}").into_bytes();
        for n in 0..50 {
            let key = Key::of(ValueKind::Path, &value(n));
            let place = u64::try_from(sealed.keys.partition_point(|known| *known < key)).unwrap();
            let (left, right) = (place.checked_sub(1), Some(place).filter(|&place| place < 9));
            sealed.absence(&value(n), left, right).check().unwrap();
            let one_sided = |left, right| sealed.absence(&value(n), left, right).check();
            if left.is_some() && right.is_some() {
                assert!(one_sided(left, None).is_err());
                assert!(one_sided(None, right).is_err());
                assert!(one_sided(right, left).is_err());
            }
            assert!(one_sided(None, None).is_err());
            assert!(one_sided(Some(0), Some(8)).is_err(), "not side by side");
        }
        for n in 0..9 {
            let present = format!("f{n}").into_bytes();
            for left in 0..8 {
                assert!(sealed.absence(&present, Some(left), Some(left + 1)).check().is_err());
            }
            assert!(sealed.absence(&present, None, Some(0)).check().is_err());
            assert!(sealed.absence(&present, Some(8), None).check().is_err());
        }
        Sealed::of(0).absence(b"x", None, None).check().unwrap();
    }

    #[test]
    fn a_digest_that_was_never_computed_is_not_absent() {
        let sealed = Sealed::of(0);
        let absence = |kind: &str, length: usize| {
            let (left, right) = (None, None);
            let claim = Absence { kind: kind.to_owned(), left, right, value: "00".repeat(length) };
            Proof::new(Claim::Absence(claim), &sealed.seal, None).unwrap().check()
        };
        assert_eq!(Algorithm::Sha256.name(), "sha256");
        absence("sha256", 32).unwrap();
        for (kind, length) in [("md5", 16), ("sha256", 16), ("name", 4)] {
            assert!(absence(kind, length).is_err(), "{kind}");
        }
    }
}
