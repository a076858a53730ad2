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
#[path = "record_parse_tests.rs"]
mod tests;
