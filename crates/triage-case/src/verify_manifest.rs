//! Checks a manifest against its seal, and what is derived from it against the manifest.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use triage_custody::{Key, LineSalts, Salter, Seal, Tree, line_leaf};
use triage_evidence::Location;
use triage_hash::{Algorithm, Algorithms};

use crate::bag::Bag;
use crate::close::counts;
use crate::evidence_list::{ListLine, extension, list_algorithm, list_line};
use crate::index::{Keys, LIMIT_KEYS, keys_of};
use crate::journal::{hex, keys_of_manifest};
use crate::lines::{Parsed, for_each_line};
use crate::seals::seal_path;
use crate::verify::{Verification, strict_document};
use crate::{CaseDir, Coverage, Error, Record};

/// How many findings of one kind are told in full; a manifest exchanged whole has one per line.
const LIMIT_FINDINGS: usize = 20;

/// What one line gives.
struct Checked {
    leaf: [u8; 32],
    keys: Vec<Key>,
    bytes: Vec<u8>,
    coverage: Coverage,
    record: Option<Record>,
    listed: ListLine,
    wrong: Option<String>,
}

/// Checks lines, order, sums, tree root and evidence lists; `take` gets the records.
pub(crate) fn check_manifest(
    case: &CaseDir,
    bag: &Bag,
    seal: &Seal,
    take: &mut dyn FnMut(Record),
    out: &mut Verification,
) -> Result<(), Error> {
    let name = "data/manifest.ndjson";
    if !bag.files.contains_key(name) {
        out.find("file is missing", name, "a manifest", "nothing");
        return Ok(());
    }
    let run = strict_document(&case.path("data/run.json")).unwrap_or_default();
    let seed = seed_of(run["salt_seed"].as_str().unwrap_or_default());
    let algorithms: Algorithms =
        run["plan"]["algorithms"].as_str().unwrap_or_default().parse().unwrap_or_default();
    let list = list_algorithm(algorithms);
    let salter = Salter::new(&seed.unwrap_or_default());
    let check =
        |number: u64, parsed: Parsed| check_line(number, parsed, seal, &salter.line(number), list);
    let mut keys = Keys::new(LIMIT_KEYS);
    let mut tree = Tree::default();
    let mut sha256 = Sha256::new();
    let mut lists = [Sha256::new(), Sha256::new()];
    let mut listed = [0_u64; 2];
    let mut coverage = Coverage::default();
    let mut last: Option<Location> = None;
    let mut wrong = Vec::new();
    let whole = for_each_line(&case.path(name), &check, &mut |line: Checked| {
        let number = tree.len() + 1;
        sha256.update(&line.bytes);
        sha256.update(b"\n");
        tree.push(line.leaf);
        line.keys.iter().for_each(|&key| keys.push(key));
        coverage.merge(&line.coverage);
        lists[usize::from(line.listed.escaped)].update(&line.listed.bytes);
        listed[usize::from(line.listed.escaped)] += line.listed.bytes.len() as u64;
        let location = line.record.as_ref().map(|record| record.entry.location.clone());
        let unsorted = matches!((&last, &location), (Some(a), Some(b)) if a >= b);
        let reason = line.wrong.or_else(|| unsorted.then(|| "it is out of order".to_owned()));
        if let Some(reason) = reason {
            wrong.push((number, reason));
        }
        last = location.or_else(|| last.take());
        line.record.into_iter().for_each(&mut *take);
        Ok(())
    })?;
    report_lines(name, &wrong, out);
    let size = bag.files.get(name).map_or(0, |file| file.size_bytes);
    if whole != size {
        out.find("manifest has a torn last line", name, size.to_string(), whole.to_string());
    }
    out.equal("manifest was changed", name, &seal.manifest.sha256, &hex(&sha256.finalize()));
    let entries = tree.len().to_string();
    out.equal("number of entries differs", name, &seal.manifest.entries.to_string(), &entries);
    out.equal("Merkle root differs", name, &seal.manifest.merkle_root, &hex(&tree.root()));
    let index = keys.into_index(&salter, &|take| keys_of_manifest(&case.path(name), take))?;
    out.equal("index root differs", name, &seal.index.root, &index.root);
    out.equal("index size differs", name, &seal.index.size.to_string(), &index.size.to_string());
    let planned = run["plan"]["algorithms"].as_str().unwrap_or_default();
    out.equal("algorithms differ", "data/run.json", &seal.index.algorithms, planned);
    check_sums(seal, &run, &coverage, out);
    check_lists(bag, list, lists, listed, out);
    out.did(format!("manifest: {entries} entries, order, sums, Merkle root, evidence lists"));
    out.coverage = coverage;
    Ok(())
}

/// The sums that the seal and the run state must be those of the lines.
fn check_sums(seal: &Seal, run: &Value, coverage: &Coverage, out: &mut Verification) {
    let sealed = seal_path(seal.seal, ".json");
    for (what, place, stated) in [
        ("coverage of the seal does not add up", sealed.as_str(), &seal.counts),
        ("coverage of the run does not add up", "data/run.json", &run["counts"]),
    ] {
        out.equal(what, place, &summed_as(stated, coverage).to_string(), &stated.to_string());
    }
}

/// The sums of the lines, without classes that have no entry and that `stated` does not know: it
/// may be of a version that had fewer.
fn summed_as(stated: &Value, coverage: &Coverage) -> Value {
    let mut summed = counts(coverage);
    if let (Some(summed), Some(stated)) = (summed.as_object_mut(), stated.as_object()) {
        summed.retain(|class, count| stated.contains_key(class) || *count != 0);
    }
    summed
}

fn check_line(
    number: u64,
    parsed: Parsed,
    seal: &Seal,
    salts: &LineSalts,
    list: Option<Algorithm>,
) -> Checked {
    let leaf = line_leaf(salts, &parsed.line);
    let mut checked = Checked {
        leaf,
        keys: Vec::new(),
        bytes: parsed.line,
        coverage: Coverage::default(),
        record: None,
        listed: ListLine::default(),
        wrong: None,
    };
    match parsed.record {
        Err(error) => checked.wrong = Some(error.reason),
        Ok((record, exhibit)) => {
            checked.coverage.add(&record);
            checked.keys = keys_of(&record);
            checked.listed = list_line(&record, list);
            if record.seq != number {
                checked.wrong = Some(format!("its number is {}, expected {number}", record.seq));
            } else if exhibit != seal.exhibit {
                checked.wrong = Some("it names another exhibit than the seal".to_owned());
            }
            checked.record = Some(record);
        }
    }
    checked
}

fn report_lines(name: &str, wrong: &[(u64, String)], out: &mut Verification) {
    for (number, reason) in wrong.iter().take(LIMIT_FINDINGS) {
        let place = format!("{name} line {number}");
        out.find("manifest line is not valid", place, "a canonical line in its place", reason);
    }
    if let Some(more) = wrong.len().checked_sub(LIMIT_FINDINGS).filter(|&more| more > 0) {
        let place = name.to_owned();
        out.find("manifest lines are not valid", place, "valid lines", format!("{more} more"));
    }
}

/// The evidence lists must be exactly what the manifest gives.
fn check_lists(
    bag: &Bag,
    list: Option<Algorithm>,
    digests: [Sha256; 2],
    lengths: [u64; 2],
    out: &mut Verification,
) {
    let Some(algorithm) = list else { return };
    let names = ["evidence", "evidence-escaped"];
    for ((stem, digest), length) in names.into_iter().zip(digests).zip(lengths) {
        let name = format!("data/{stem}.{}", extension(algorithm));
        let actual = bag.files.get(&name).map(|file| file.sha256.as_str());
        let expected = (length > 0).then(|| hex(&digest.finalize()));
        if actual != expected.as_deref() {
            let (expected, actual) =
                (expected.unwrap_or_default(), actual.unwrap_or("nothing").to_owned());
            out.find("evidence list does not follow from the manifest", name, expected, actual);
        }
    }
}

/// Reads a salt seed.
pub(crate) fn seed_of(text: &str) -> Option<[u8; 32]> {
    let digest = triage_hash::Digest::from_hex(Algorithm::Sha256, text.as_bytes()).ok()?;
    digest.as_bytes().try_into().ok()
}
