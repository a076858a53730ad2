//! Makes proofs from a closed package: that one line stands in the sealed manifest, or that no line
//! has a value. What a proof shows and what it hides: docs/formats/proof.md.

use triage_custody::{
    Absence, Claim, Inclusion, Key, Neighbour, PathTree, Proof, Salter, ValueKind, commitment,
    line_leaf, without_names,
};
use triage_evidence::{Location, hex};

use crate::case_dir::read;
use crate::index::{Keys, LIMIT_KEYS, Place};
use crate::journal::keys_of_manifest;
use crate::lines::for_each_raw_line;
use crate::verify_manifest::seed_of;
use crate::{CaseDir, Error, parse_line};

/// Which line is to be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The line of that location.
    At(Location),
    /// The line with that number, from 0.
    Number(u64),
}

/// A value whose absence is to be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: ValueKind,
    /// Its raw bytes.
    pub bytes: Vec<u8>,
}

/// The newest seal of a package, with its signature.
struct Sealed {
    bytes: Vec<u8>,
    signature: Option<String>,
    salter: Salter,
}

const MANIFEST: &str = "data/manifest.ndjson";

impl Sealed {
    fn of(case: &CaseDir) -> Result<Self, Error> {
        let name = case.newest_seal();
        let bytes = read(&case.path(&name))?;
        let signature = case.path(&format!("{name}.sig"));
        let signature = if signature.exists() {
            Some(String::from_utf8_lossy(&read(&signature)?).into_owned())
        } else {
            None
        };
        let run = case.document("data/run.json")?;
        let seed = seed_of(run["salt_seed"].as_str().unwrap_or_default()).ok_or_else(|| {
            Error::Damaged {
                document: "data/run.json".to_owned(),
                reason: "it has no salt_seed, without which nothing can be proved".to_owned(),
            }
        })?;
        Ok(Self { bytes, signature, salter: Salter::new(&seed) })
    }

    fn proof(self, claim: Claim) -> Result<Proof, Error> {
        let proof = Proof::new(claim, &self.bytes, self.signature)?;
        // A package that was changed since it was sealed gives no proof.
        proof.check()?;
        Ok(proof)
    }
}

/// Returns the proof that a line stands in the manifest, whole or without the names in it, or
/// `None` if there is no such line.
///
/// # Errors
/// [`Error`] if the package cannot be read, or is not as it was sealed.
pub fn prove_inclusion(
    case: &CaseDir,
    entry: &Entry,
    redacted: bool,
) -> Result<Option<Proof>, Error> {
    let sealed = Sealed::of(case)?;
    let salter = &sealed.salter;
    let map = |number: u64, line: &[u8]| {
        let leaf = line_leaf(&salter.line(number), line);
        (leaf, is_wanted(entry, number, line).then(|| line.to_vec()))
    };
    let mut tree = PathTree::default();
    let mut found = None;
    let mut number = 0;
    for_each_raw_line(&case.path(MANIFEST), &map, &mut |(leaf, line)| {
        tree.push(leaf, line.is_some() && found.is_none());
        if let (Some(line), None) = (line, &found) {
            found = Some((number, line));
        }
        number += 1;
        Ok(())
    })?;
    let (Some((index, line)), Some((_, nodes))) = (found, tree.into_path()) else {
        return Ok(None);
    };
    let salts = salter.line(index);
    let without = without_names(&line);
    let (shown, salt, other) = if redacted {
        (&without, salts.redacted, commitment(&salts.whole, &line))
    } else {
        (&line, salts.whole, commitment(&salts.redacted, &without))
    };
    let claim = Inclusion {
        index,
        line: String::from_utf8_lossy(shown).into_owned(),
        nodes: nodes.iter().map(|node| hex(node)).collect(),
        other: hex(&other),
        redacted,
        salt: hex(&salt),
    };
    sealed.proof(Claim::Inclusion(claim)).map(Some)
}

/// Says whether a line is the one that is wanted. Only lines that may be are parsed.
fn is_wanted(entry: &Entry, wanted: u64, line: &[u8]) -> bool {
    match entry {
        Entry::Number(number) => *number == wanted,
        Entry::At(location) => {
            let mut text = b"\"path\":".to_vec();
            triage_custody::jcs::write_string(&location.to_text(), &mut text);
            let holds = line.windows(text.len()).any(|window| window == text);
            holds && parse_line(line).is_ok_and(|(record, _)| record.entry.location == *location)
        }
    }
}

/// Returns the proof that no line has a value, or `None` if one has it.
///
/// # Errors
/// [`Error`] if the package cannot be read, or is not as it was sealed.
pub fn prove_absence(case: &CaseDir, value: &Value) -> Result<Option<Proof>, Error> {
    let sealed = Sealed::of(case)?;
    let manifest = case.path(MANIFEST);
    let read = |take: &mut dyn FnMut(Key) -> Result<(), Error>| keys_of_manifest(&manifest, take);
    let key = Key::of(value.kind, &value.bytes);
    let Some(around) = Keys::around(&read, LIMIT_KEYS, key, &sealed.salter)? else {
        return Ok(None);
    };
    let claim = Absence {
        kind: value.kind.name().to_owned(),
        left: around.left.and_then(|place| neighbour(place, &sealed.salter)),
        right: around.right.and_then(|place| neighbour(place, &sealed.salter)),
        value: hex(&value.bytes),
    };
    sealed.proof(Claim::Absence(claim)).map(Some)
}

fn neighbour(place: Place, salter: &Salter) -> Option<Neighbour> {
    let (_, nodes) = place.tree.into_path()?;
    Some(Neighbour {
        index: place.place,
        key: hex(&place.key?.0),
        nodes: nodes.iter().map(|node| hex(node)).collect(),
        salt: hex(&salter.key(place.place)),
    })
}
