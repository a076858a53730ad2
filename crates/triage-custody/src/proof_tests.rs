//! Tests of `proof.rs`.

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
