//! One line of the manifest as a record: accepted only if it is what the writer would write, byte
//! for byte.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use triage_custody::jcs::GREATEST_INTEGER;
use triage_evidence::{
    Device, Entry, Facts, FileId, Kind, Location, LostRange, Ownership, Problem, ProblemKind, Time,
    Times,
};
use triage_hash::{Algorithm, Digest, Digests};
use triage_hashset::{Category, Certainty, Disposition, Match};

use crate::record_line::{VERSION, write_line};
use crate::record_read::read_line;
use crate::{Record, Status};

/// Why bytes are not a line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct LineError {
    /// What is wrong.
    pub reason: String,
}

/// An integer as the writer writes it: a number, or a string beyond 2^53-1.
#[derive(Deserialize)]
#[serde(untagged)]
enum Integer {
    Number(u64),
    Text(String),
}

impl Integer {
    fn get(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number).filter(|&number| number <= GREATEST_INTEGER),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    allocated: Option<Integer>,
    bytes_read: Option<Integer>,
    carried_from: Option<String>,
    deleted: Option<bool>,
    device_node: Option<String>,
    error: Option<ProblemText>,
    exhibit: String,
    #[serde(default)]
    facts: BTreeMap<String, String>,
    fs_id: Option<String>,
    gid: Option<u32>,
    hashes: Option<Hashes>,
    links: Option<Integer>,
    #[serde(rename = "match", default)]
    matches: Vec<MatchText>,
    mode: Option<String>,
    name_times: Option<TimesText>,
    #[serde(default)]
    notes: Vec<ProblemText>,
    path: String,
    path_hex: Option<String>,
    recovered: Option<String>,
    rule: Option<String>,
    seq: Integer,
    size: Option<Integer>,
    status: String,
    target: Option<String>,
    target_hex: Option<String>,
    times: Option<TimesText>,
    #[serde(rename = "type")]
    kind: String,
    uid: Option<u32>,
    v: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProblemText {
    #[serde(default)]
    code: String,
    kind: String,
    lost_bytes: Option<Integer>,
    offset: Option<Integer>,
    #[serde(default)]
    ranges: Vec<RangeText>,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeText {
    bytes: Integer,
    offset: Integer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hashes {
    md5: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
    sha512: Option<String>,
    #[serde(rename = "sha3-256")]
    sha3_256: Option<String>,
    blake3: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchText {
    algorithm: String,
    category: Option<Category>,
    disposition: String,
    false_positives_per_billion: Option<Integer>,
    #[serde(default)]
    inconsistent: bool,
    record: Option<u32>,
    set: Arc<str>,
    set_index: u32,
    set_sha256: Arc<str>,
    version: Option<Arc<str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimesText {
    a: Option<String>,
    b: Option<String>,
    c: Option<String>,
    m: Option<String>,
}

/// Reads a line, without its line end, and returns the record and the exhibit's number.
///
/// # Errors
/// [`LineError`] if it is not exactly what [`write_line`] writes.
pub fn parse_line(bytes: &[u8]) -> Result<(Record, String), LineError> {
    parse_borrowed(bytes).map(|(record, exhibit)| (record, exhibit.into_owned()))
}

/// Like [`parse_line`], without an exhibit's number of its own for every line.
pub(crate) fn parse_borrowed(bytes: &[u8]) -> Result<(Record, Cow<'_, str>), LineError> {
    match read_line(bytes) {
        Some((record, exhibit)) => Ok((record, Cow::Borrowed(exhibit))),
        None => parse_any_line(bytes).map(|(record, exhibit)| (record, Cow::Owned(exhibit))),
    }
}

/// Reads a line of any form that the writer has, and says what is wrong with any other.
fn parse_any_line(bytes: &[u8]) -> Result<(Record, String), LineError> {
    let line: Line =
        serde_json::from_slice(bytes).map_err(|error| LineError { reason: error.to_string() })?;
    let exhibit = line.exhibit.clone();
    let record = record_of(line).ok_or_else(|| LineError {
        reason: "a field does not have the form that it must have".to_owned(),
    })?;
    let mut again = Vec::with_capacity(bytes.len() + 1);
    write_line(&record, &exhibit, &mut again);
    if again.strip_suffix(b"\n") == Some(bytes) {
        return Ok((record, exhibit));
    }
    let same = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(LineError { reason: format!("it is not in canonical form from byte {same} on") })
}

fn record_of(line: Line) -> Option<Record> {
    if line.v != VERSION {
        return None;
    }
    let location = Location::from_text(&line.path).ok()?;
    let kind: Kind = line.kind.parse().ok()?;
    let status: Status = line.status.parse().ok()?;
    let size_bytes = integer(line.size)?;
    let partial_bytes = integer(line.bytes_read)?;
    let recovery = line.recovered.map(|text| text.parse()).transpose().ok()?;
    (line.deleted.unwrap_or(false) == recovery.is_some()).then_some(())?;
    let notes: Vec<Problem> = line.notes.into_iter().map(problem_of).collect::<Option<_>>()?;
    let has_facts = !notes.is_empty() || !line.facts.is_empty();
    let facts = has_facts.then(|| Box::new(Facts { pairs: line.facts, notes }));
    let entry = Entry {
        location,
        kind,
        size_bytes,
        allocated_bytes: integer(line.allocated)?,
        times: line.times.map_or(Some(Times::default()), times_of)?,
        id: line.fs_id.as_deref().map_or(Some(None), |text| file_id(text).map(Some))?,
        links: integer(line.links)?,
        ownership: ownership_of(line.uid, line.gid, line.mode.as_deref())?,
        target: match line.target {
            Some(text) => Some(triage_evidence::unescape(&text).ok()?),
            None => None,
        },
        node: line.device_node.as_deref().map_or(Some(None), |text| device(text).map(Some))?,
        name_times: line.name_times.map(times_of).map_or(Some(None), |times| times.map(Some))?,
        recovery,
        facts,
    };
    // What the hex says is compared when the line is written again; here it must only be hex.
    for hex in [line.path_hex, line.target_hex].into_iter().flatten() {
        hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    }
    let carried_from = match line.carried_from {
        Some(hex) => Some(Digest::from_hex(Algorithm::Sha256, hex.as_bytes()).ok()?),
        None => None,
    };
    // Digests that nobody read now say where they come from, and no others do.
    (carried_from.is_some() == (status == Status::Carried)).then_some(())?;
    let bytes_read = match status {
        Status::Read => size_bytes.unwrap_or(0),
        Status::Partial => partial_bytes.unwrap_or(0),
        _ => 0,
    };
    Some(Record {
        seq: line.seq.get()?,
        entry,
        status,
        rule: line.rule,
        problem: match line.error {
            Some(problem) => Some(problem_of(problem)?),
            None => None,
        },
        bytes_read,
        digests: line.hashes.map_or(Some(Digests::new()), digests_of)?,
        carried_from,
        matches: line.matches.into_iter().map(match_of).collect::<Option<_>>()?,
    })
}

/// Returns `Some(None)` for a field that is not there, `None` for one that is wrong.
#[expect(clippy::option_option, reason = "absent and wrong are two different things")]
fn integer(field: Option<Integer>) -> Option<Option<u64>> {
    match field {
        None => Some(None),
        Some(integer) => integer.get().map(Some),
    }
}

fn device(text: &str) -> Option<Device> {
    let (major, minor) = text.split_once(':')?;
    Some(Device { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

fn file_id(text: &str) -> Option<FileId> {
    let (device_text, inode) = text.split_once('-')?;
    Some(FileId { device: device(device_text)?, inode: inode.parse().ok()? })
}

#[expect(clippy::option_option, reason = "absent and wrong are two different things")]
fn ownership_of(
    user: Option<u32>,
    group: Option<u32>,
    mode: Option<&str>,
) -> Option<Option<Ownership>> {
    match (user, group, mode) {
        (None, None, None) => Some(None),
        (Some(user), Some(group), Some(mode)) => {
            let mode = u32::from_str_radix(mode, 8).ok()?;
            Some(Some(Ownership { user, group, mode }))
        }
        _ => None,
    }
}

fn times_of(text: TimesText) -> Option<Times> {
    let time = |text: Option<String>| match text {
        None => Some(None),
        Some(text) => Time::from_text(&text).map(Some),
    };
    Some(Times {
        accessed: time(text.a)?,
        born: time(text.b)?,
        changed: time(text.c)?,
        modified: time(text.m)?,
    })
}

fn problem_of(text: ProblemText) -> Option<Problem> {
    let range = |text: RangeText| {
        Some(LostRange { offset: text.offset.get()?, size_bytes: text.bytes.get()? })
    };
    Some(Problem {
        kind: ProblemKind::from_str(&text.kind).ok()?,
        code: text.code,
        text: text.text,
        offset: integer(text.offset)?,
        lost_bytes: integer(text.lost_bytes)?,
        ranges: text.ranges.into_iter().map(range).collect::<Option<_>>()?,
    })
}

fn digests_of(hashes: Hashes) -> Option<Digests> {
    let mut digests = Digests::new();
    for (algorithm, hex) in [
        (Algorithm::Md5, hashes.md5),
        (Algorithm::Sha1, hashes.sha1),
        (Algorithm::Sha256, hashes.sha256),
        (Algorithm::Sha512, hashes.sha512),
        (Algorithm::Sha3_256, hashes.sha3_256),
        (Algorithm::Blake3, hashes.blake3),
    ] {
        if let Some(hex) = hex {
            digests.insert(Digest::from_hex(algorithm, hex.as_bytes()).ok()?);
        }
    }
    Some(digests)
}

fn match_of(text: MatchText) -> Option<Match> {
    let certainty = match integer(text.false_positives_per_billion)? {
        None => Certainty::Exact,
        Some(rate) => Certainty::Probable { false_positives_per_billion: rate },
    };
    // A bloom filter has no records, and everything else has one.
    if text.record.is_some() != certainty.is_exact() {
        return None;
    }
    Some(Match {
        set: text.set,
        version: text.version,
        set_sha256: text.set_sha256,
        set_index: text.set_index,
        record: text.record.unwrap_or_default(),
        algorithm: text.algorithm.parse().ok()?,
        disposition: Disposition::from_str(&text.disposition).ok()?,
        category: text.category,
        inconsistent: text.inconsistent,
        certainty,
    })
}

#[cfg(test)]
mod tests {
    use triage_hash::Algorithms;

    use super::*;

    fn record() -> Record {
        let location = Location::from_path(b"Users/a\xff\n\"x\".jpg".to_vec());
        let mut entry = Entry::unexamined(location, Kind::File);
        entry.size_bytes = Some(u64::MAX);
        entry.allocated_bytes = Some(4096);
        entry.times.modified = Time::from_text("2026-11-20T10:00:00.123456789Z");
        entry.id =
            Some(FileId { device: Device { major: 8, minor: 1 }, inode: 9_007_199_254_740_993 });
        entry.links = Some(2);
        entry.ownership = Some(Ownership { user: 1000, group: 100, mode: 0o4755 });
        entry.target = Some(b"..\x07".to_vec());
        entry.name_times = Some(entry.times);
        entry.recovery = Some(triage_evidence::Recovery::Guess);
        entry.facts = Some(Box::new(Facts {
            pairs: BTreeMap::from([("label".to_owned(), "a\"b".to_owned())]),
            notes: vec![Problem::new(ProblemKind::Damaged, "the journal is not replayed")],
        }));
        let mut record = Record::unread(7, entry, Status::Partial);
        record.bytes_read = 12;
        record.problem =
            Some(Problem::new(ProblemKind::Unreadable, "x").with_code("EIO").at(8192).losing(5));
        let range = |offset, size_bytes| LostRange { offset, size_bytes };
        let ranges = vec![range(8192, 3), range(9_007_199_254_740_993, 2)];
        record.problem.as_mut().unwrap().ranges = ranges;
        record.digests = triage_hash::hash_bytes(Algorithms::DEFAULT, b"harmless content");
        record.matches = vec![Match {
            set: "known \"files\"".into(),
            version: Some("2026.1".into()),
            set_sha256: "ab".repeat(32).into(),
            set_index: 0,
            record: 3,
            algorithm: Algorithm::Sha256,
            disposition: Disposition::Alert,
            category: Some(Category {
                scheme: "vics-us".to_owned(),
                number: Some(-1),
                label: Some("label".to_owned()),
            }),
            inconsistent: true,
            certainty: Certainty::Exact,
        }];
        record
    }

    /// A record as most are: without anything that the reader of ordinary lines leaves alone.
    fn ordinary() -> Record {
        let mut record = record();
        record.entry.location = Location::from_path(b"Users/a b/c,d{e}.jpg".to_vec());
        record.entry.size_bytes = Some(GREATEST_INTEGER);
        record.entry.times.born = Time::from_text("2024-02-29T23:59:59.000000001Z");
        record.entry.times.accessed = Time::from_text("0000-03-01T00:00:00.000000000Z");
        record.entry.target = None;
        record.entry.recovery = None;
        record.entry.facts = None;
        record.status = Status::Read;
        record.bytes_read = GREATEST_INTEGER;
        record.problem = None;
        record.matches = Vec::new();
        record
    }

    /// Whatever the reader of ordinary lines accepts, the other one accepts as the same record.
    fn agree(bytes: &[u8]) -> bool {
        let Some((record, exhibit)) = read_line(bytes) else { return false };
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(parse_any_line(bytes), Ok((record, exhibit.to_owned())), "{text}");
        true
    }

    #[test]
    fn ordinary_lines_are_read_without_json_and_are_the_same_records() {
        let mut without = ordinary();
        without.entry = Entry::unexamined(Location::from_path(b"d".to_vec()), Kind::Directory);
        without.status = Status::NotRegular;
        without.digests = Digests::new();
        without.bytes_read = 0;
        let mut single = ordinary();
        single.entry.times = Times { changed: single.entry.times.modified, ..Times::default() };
        single.digests = triage_hash::hash_bytes(Algorithms::NONE.with(Algorithm::Sha512), b"");
        for record in [ordinary(), without, single] {
            let bytes = line(&record);
            assert!(agree(&bytes), "{}", String::from_utf8_lossy(&bytes));
            assert_eq!(parse_line(&bytes).unwrap().0, record);
        }
        assert!(!agree(&line(&record())), "it has a problem, matches and escapes");
    }

    #[test]
    fn no_change_of_an_ordinary_line_is_read_otherwise_than_by_json() {
        let bytes = line(&ordinary());
        let mut accepted = 0;
        for place in 0..bytes.len() {
            let mut cut = bytes.clone();
            cut.remove(place);
            accepted += usize::from(agree(&cut));
            for byte in *b"\x00\n\x7f\x80\xc3 !\"\\+-,.:/{}[]018afAZ" {
                let mut changed = bytes.clone();
                changed[place] = byte;
                accepted += usize::from(agree(&changed));
                changed.insert(place, bytes[place]);
                accepted += usize::from(agree(&changed));
            }
        }
        assert!(accepted > 1000, "digits and letters may change: {accepted}");
    }

    #[test]
    fn doubled_and_moved_members_are_no_ordinary_lines() {
        let text = String::from_utf8(line(&ordinary())).unwrap();
        let members: Vec<&str> = text[1..text.len() - 1].split(",\"").collect();
        for (from, to) in (0..members.len()).flat_map(|a| (0..members.len()).map(move |b| (a, b))) {
            let mut moved = members.clone();
            let member = moved.remove(from);
            moved.insert(to, member);
            assert_eq!(agree(format!("{{{}}}", moved.join(",\"")).as_bytes()), from == to);
            moved.insert(to, member);
            assert!(!agree(format!("{{{}}}", moved.join(",\"")).as_bytes()));
        }
    }

    fn line(record: &Record) -> Vec<u8> {
        let mut out = Vec::new();
        write_line(record, "AB/1", &mut out);
        out.pop();
        out
    }

    #[test]
    fn a_line_is_canonical_json_and_read_back_whole() {
        let bytes = line(&record());
        triage_custody::jcs::parse_strict(&bytes).unwrap();
        assert_eq!(parse_line(&bytes).unwrap(), (record(), "AB/1".to_owned()));
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(r#""path":"Users/a\\xff\\x0a\"x\".jpg","path_hex":"5573657273"#));
        assert!(text.contains(r#""size":"18446744073709551615""#));
    }

    #[test]
    fn carried_digests_name_the_manifest_that_they_come_from_and_no_others_do() {
        let mut record = record();
        record.status = Status::Carried;
        record.problem = None;
        record.bytes_read = 0;
        let manifest = triage_hash::hash_bytes("sha256".parse().unwrap(), b"manifest");
        record.carried_from = manifest.get(Algorithm::Sha256);
        let bytes = line(&record);
        assert_eq!(parse_line(&bytes).unwrap(), (record.clone(), "AB/1".to_owned()));
        let carried = record.carried_from.take();
        assert!(parse_line(&line(&record)).is_err(), "carried from nowhere");
        record.status = Status::Read;
        record.carried_from = carried;
        assert!(parse_line(&line(&record)).is_err(), "read, and carried");
    }

    #[test]
    fn a_probable_match_says_so_and_names_no_record() {
        let mut probable = record();
        let rate = Certainty::Probable { false_positives_per_billion: 2_000 };
        for found in &mut probable.matches {
            (found.certainty, found.record) = (rate, 0);
        }
        let bytes = line(&probable);
        triage_custody::jcs::parse_strict(&bytes).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(r#""false_positives_per_billion":2000,"inconsistent":true,"set":"#));
        assert_eq!(parse_line(&bytes).unwrap().0, probable);
        assert!(probable.is_hit() && probable.is_only_probable_hit());
        assert!(!record().is_only_probable_hit());
        // Neither a record of a filter nor an exact match without one.
        let both = text.replace(r#""inconsistent":true,"#, r#""inconsistent":true,"record":3,"#);
        assert!(parse_line(both.as_bytes()).is_err());
        let neither = text.replace(r#""false_positives_per_billion":2000,"#, "");
        assert!(parse_line(neither.as_bytes()).is_err());
    }

    #[test]
    fn no_changed_byte_gives_the_same_record() {
        let bytes = line(&record());
        for place in 0..bytes.len() {
            for flip in [1, 0x20] {
                let mut changed = bytes.clone();
                changed[place] ^= flip;
                let read = parse_line(&changed);
                let same = read.is_ok_and(|read| read == (record(), "AB/1".to_owned()));
                assert!(!same, "byte {place}");
            }
        }
    }
}
