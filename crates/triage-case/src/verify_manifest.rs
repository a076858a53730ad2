//! Checks a manifest against its seal, and what is derived from it against the manifest.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use triage_custody::{Key, Salter, Seal, Tree, line_leaves};
use triage_evidence::{Location, hex};
use triage_hash::{Algorithm, Algorithms};

use crate::bag::Bag;
use crate::close::counts;
use crate::evidence_list::{extension, list_algorithm, list_line};
use crate::index::{Keys, keys_of};
use crate::journal::{UNSORTED, keys_of_manifest};
use crate::lines::{ReadLines, for_each_part};
use crate::record_parse::parse_borrowed;
use crate::seals::seal_path;
use crate::verify::{Verification, strict_document};
use crate::{CaseDir, Coverage, Error, Record};

/// How many findings of one kind are told in full; a manifest exchanged whole has one per line.
const LIMIT_FINDINGS: usize = 20;
/// Where the manifest lies.
pub(crate) const MANIFEST: &str = "data/manifest.ndjson";

/// What some lines give, one after the other.
#[derive(Default)]
struct Checked {
    leaves: Vec<[u8; 32]>,
    keys: Vec<Key>,
    coverage: Coverage,
    records: Vec<Record>,
    /// The bytes for the two evidence lists.
    listed: [Vec<u8>; 2],
    /// The numbers of lines and what is wrong with them, in order.
    wrong: Vec<(u64, String)>,
    /// The number of the line of the first record.
    first: Option<u64>,
}

/// What the lines of a manifest are, before they are compared with what is said of them.
pub(crate) struct ReadManifest {
    salter: Salter,
    list: Option<Algorithm>,
    run: Value,
    sums: Sums,
    wrong: WrongLines,
    read: ReadLines,
}

impl ReadManifest {
    /// Returns the SHA-256 of the file, if all of it was read.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.read.sha256.as_deref()
    }
}

/// Reads the lines of a manifest; `take` gets the records. Nothing if it is no plain file, which
/// the list of the package's files tells.
pub(crate) fn read_manifest(
    case: &CaseDir,
    exhibit: &str,
    take: &mut (dyn FnMut(&Record) + Send),
) -> Result<Option<ReadManifest>, Error> {
    let path = case.path(MANIFEST);
    if !std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let run = strict_document(&case.path("data/run.json")).unwrap_or_default();
    let seed = seed_of(run["salt_seed"].as_str().unwrap_or_default());
    let algorithms: Algorithms =
        run["plan"]["algorithms"].as_str().unwrap_or_default().parse().unwrap_or_default();
    let salter = Salter::new(&seed.unwrap_or_default());
    let checking = Checking { exhibit, salter: &salter, algorithms };
    let mut sums = Sums::default();
    let mut wrong = WrongLines::default();
    let map = |number, lines: &[&[u8]]| checking.lines(number, lines);
    let read = for_each_part(&path, &map, &mut |checked: Checked| {
        wrong.add(sums.add(checked, take));
        Ok(())
    })?;
    let list = list_algorithm(algorithms);
    Ok(Some(ReadManifest { salter, list, run, sums, wrong, read }))
}

/// Checks lines, order, sums, tree root and evidence lists.
pub(crate) fn check_manifest(
    case: &CaseDir,
    bag: &Bag,
    seal: &Seal,
    manifest: Option<ReadManifest>,
    out: &mut Verification,
) -> Result<(), Error> {
    let name = MANIFEST;
    let (true, Some(manifest)) = (bag.files.contains_key(name), manifest) else {
        out.find("file is missing", name, "a manifest", "nothing");
        return Ok(());
    };
    let ReadManifest { salter, list, run, sums, wrong, read } = manifest;
    let Sums { keys, tree, lists, listed, coverage, .. } = sums;
    wrong.report(name, out);
    let size = bag.files.get(name).map_or(0, |file| file.size_bytes);
    let whole = read.whole_bytes;
    if whole != size {
        out.find("manifest has a torn last line", name, size.to_string(), whole.to_string());
    }
    let sha256 = bag.files.get(name).map_or("", |file| &file.sha256);
    out.equal("manifest was changed", name, &seal.manifest.sha256, sha256);
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

/// What lines are checked against.
struct Checking<'a> {
    exhibit: &'a str,
    salter: &'a Salter,
    algorithms: Algorithms,
}

impl Checking<'_> {
    /// Checks lines, the first of which has that number.
    fn lines(&self, first: u64, lines: &[&[u8]]) -> Checked {
        let numbered: Vec<(u64, &[u8])> = (first..).zip(lines.iter().copied()).collect();
        let leaves = line_leaves(self.salter, &numbered);
        let mut checked = Checked { leaves, ..Checked::default() };
        checked.records.reserve(lines.len());
        for (number, line) in numbered {
            let wrong = match parse_borrowed(line) {
                Err(error) => Some(error.reason),
                Ok((record, exhibit)) => {
                    // A record is of 1 KiB: what is done with it is done where it lies.
                    checked.records.push(record);
                    self.record(number, &exhibit, &mut checked)
                }
            };
            checked.wrong.extend(wrong.map(|reason| (number + 1, reason)));
        }
        checked.keys = keys_of(checked.records.iter());
        checked
    }

    /// Adds the last record, and says what is wrong with its line.
    fn record(&self, number: u64, exhibit: &str, checked: &mut Checked) -> Option<String> {
        let (record, before) = checked.records.split_last()?;
        checked.coverage.add(record);
        let listed = list_line(record, list_algorithm(self.algorithms));
        checked.listed[usize::from(listed.escaped)].extend_from_slice(&listed.bytes);
        let wrong = if record.seq != number {
            Some(format!("its number is {}, expected {number}", record.seq))
        } else if exhibit != self.exhibit {
            Some("it names another exhibit than the seal".to_owned())
        } else {
            record.lacks(self.algorithms)
        };
        let location = &record.entry.location;
        let last = before.last().map(|last| &last.entry.location);
        let unsorted = last.is_some_and(|last| last >= location).then(|| UNSORTED.to_owned());
        checked.first.get_or_insert(number + 1);
        wrong.or(unsorted)
    }
}

/// The sums of all lines so far.
#[derive(Default)]
struct Sums {
    keys: Keys,
    tree: Tree,
    lists: [Sha256; 2],
    listed: [u64; 2],
    coverage: Coverage,
    last: Option<Location>,
}

impl Sums {
    /// Adds the next lines, hands on their records, and returns what is wrong with lines.
    fn add(&mut self, checked: Checked, take: &mut dyn FnMut(&Record)) -> Vec<(u64, String)> {
        checked.leaves.iter().for_each(|&leaf| self.tree.push(leaf));
        checked.keys.iter().for_each(|&key| self.keys.push(key));
        self.coverage.merge(&checked.coverage);
        for ((digest, length), bytes) in
            self.lists.iter_mut().zip(&mut self.listed).zip(&checked.listed)
        {
            digest.update(bytes);
            *length += bytes.len() as u64;
        }
        let mut wrong = checked.wrong;
        let locations = || checked.records.iter().map(|record| &record.entry.location);
        if let (Some(number), Some(first)) = (checked.first, locations().next()) {
            let place = wrong.partition_point(|(other, _)| *other < number);
            let is_told = wrong.get(place).is_some_and(|(other, _)| *other == number);
            if self.last.as_ref().is_some_and(|before| before >= first) && !is_told {
                wrong.insert(place, (number, UNSORTED.to_owned()));
            }
            self.last = locations().next_back().cloned();
        }
        checked.records.iter().for_each(take);
        wrong
    }
}

/// The lines that are wrong: the first ones, and how many there are.
#[derive(Default)]
struct WrongLines {
    first: Vec<(u64, String)>,
    more: usize,
}

impl WrongLines {
    fn add(&mut self, wrong: Vec<(u64, String)>) {
        let room = LIMIT_FINDINGS.saturating_sub(self.first.len());
        self.more += wrong.len().saturating_sub(room);
        self.first.extend(wrong.into_iter().take(room));
    }

    fn report(self, name: &str, out: &mut Verification) {
        for (number, reason) in self.first {
            let place = format!("{name} line {number}");
            out.find("manifest line is not valid", place, "a canonical line in its place", reason);
        }
        if self.more > 0 {
            let more = format!("{} more", self.more);
            out.find("manifest lines are not valid", name, "valid lines", more);
        }
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
