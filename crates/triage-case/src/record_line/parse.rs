//! Reads a line of the manifest, strictly: writing the record again must give the same bytes.

use std::borrow::Cow;

use triage_evidence::{
    Device, Entry, FileId, Kind, Location, Ownership, Problem, Time, Times, escape,
};
use triage_hash::{Algorithm, Digest, Digests};
use triage_hashset::Match;

use super::scan::Scanner;
use super::text::from_hex;
use super::time::parse_time;
use super::write::tells_bytes_read;
use super::{LineError, parse_match, write_line};
use crate::{Record, Status};

/// Reads a line without its line feed; returns the record and the exhibit that it names.
///
/// # Errors
/// [`LineError`] if the line is not exactly what [`write_line`] writes for a record.
pub fn parse_line(line: &[u8]) -> Result<(Record, Cow<'_, str>), LineError> {
    let text = std::str::from_utf8(line)
        .map_err(|error| LineError::NotUtf8 { position: error.valid_up_to() })?;
    let mut scanner = Scanner::new(text);
    let mut members = Members::default();
    scanner.object(|scanner, key| members.take(scanner, key))?;
    scanner.end()?;
    let (record, exhibit) = members.into_record()?;

    let mut again = Vec::with_capacity(line.len() + 1);
    write_line(&record, &exhibit, &mut again);
    again.pop();
    if again == line {
        return Ok((record, exhibit));
    }
    let same = again.iter().zip(line).take_while(|(left, right)| left == right).count();
    Err(LineError::NotCanonical { position: same })
}

/// The members of a line, as far as they were read.
#[derive(Default)]
struct Members<'a> {
    allocated: Option<u64>,
    bytes_read: Option<u64>,
    node: Option<Device>,
    problem: Option<Problem>,
    exhibit: Option<Cow<'a, str>>,
    id: Option<FileId>,
    group: Option<u32>,
    digests: Digests,
    links: Option<u64>,
    matches: Vec<Match>,
    mode: Option<u32>,
    path: Option<Cow<'a, str>>,
    path_hex: Option<Vec<u8>>,
    rule: Option<String>,
    seq: Option<u64>,
    size: Option<u64>,
    status: Option<Status>,
    target: Option<Cow<'a, str>>,
    target_hex: Option<Vec<u8>>,
    times: Times,
    kind: Option<Kind>,
    user: Option<u32>,
    version: Option<u32>,
}

impl<'a> Members<'a> {
    /// Reads the value of a key.
    fn take(&mut self, scanner: &mut Scanner<'a>, key: &str) -> Result<bool, LineError> {
        match key {
            "allocated" => self.allocated = Some(scanner.number()?),
            "bytes_read" => self.bytes_read = Some(scanner.number()?),
            "device_node" => {
                let text = scanner.string()?;
                let node = device(&text).ok_or_else(|| scanner.wrong("a device", &text))?;
                self.node = Some(node);
            }
            "error" => self.problem = Some(problem(scanner)?),
            "exhibit" => self.exhibit = Some(scanner.string()?),
            "fs_id" => {
                let text = scanner.string()?;
                let id = file_id(&text).ok_or_else(|| scanner.wrong("a file number", &text))?;
                self.id = Some(id);
            }
            "gid" => self.group = Some(scanner.small_number()?),
            "hashes" => hashes(scanner, &mut self.digests)?,
            "links" => self.links = Some(scanner.number()?),
            "match" => matches(scanner, &mut self.matches)?,
            "mode" => {
                let text = scanner.string()?;
                let mode = u32::from_str_radix(&text, 8);
                self.mode = Some(mode.map_err(|_| scanner.wrong("octal digits", &text))?);
            }
            "path" => self.path = Some(scanner.string()?),
            "path_hex" => self.path_hex = Some(hex(scanner)?),
            "rule" => self.rule = Some(scanner.string()?.into_owned()),
            "seq" => self.seq = Some(scanner.number()?),
            "size" => self.size = Some(scanner.number()?),
            "status" => {
                let text = scanner.string()?;
                let status = text.parse().map_err(|()| scanner.wrong("a status", &text))?;
                self.status = Some(status);
            }
            "target" => self.target = Some(scanner.string()?),
            "target_hex" => self.target_hex = Some(hex(scanner)?),
            "times" => times(scanner, &mut self.times)?,
            "type" => {
                let text = scanner.string()?;
                self.kind = Some(text.parse().map_err(|()| scanner.wrong("a type", &text))?);
            }
            "uid" => self.user = Some(scanner.small_number()?),
            "v" => self.version = Some(scanner.small_number()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn into_record(self) -> Result<(Record, Cow<'a, str>), LineError> {
        let missing = |key| LineError::Missing { key };
        if self.version.is_none() {
            return Err(missing("v"));
        }
        let path = self.path.ok_or(missing("path"))?;
        let location = match self.path_hex {
            Some(raw) if escape(&raw) != *path => {
                return Err(LineError::Disagrees { key: "path" });
            }
            Some(raw) => Location::from_path(raw),
            None if path == "." => Location::root(),
            None => Location::from_path(path.into_owned().into_bytes()),
        };
        let target = match (self.target, self.target_hex) {
            (Some(shown), Some(raw)) if escape(&raw) != *shown => {
                return Err(LineError::Disagrees { key: "target" });
            }
            (Some(_), Some(raw)) => Some(raw),
            (Some(shown), None) => Some(shown.into_owned().into_bytes()),
            (None, Some(_)) => return Err(missing("target")),
            (None, None) => None,
        };
        let ownership = match (self.user, self.group, self.mode) {
            (Some(user), Some(group), Some(mode)) => Some(Ownership { user, group, mode }),
            (None, None, None) => None,
            (None, ..) => return Err(missing("uid")),
            (_, None, _) => return Err(missing("gid")),
            (.., None) => return Err(missing("mode")),
        };
        let kind = self.kind.ok_or(missing("type"))?;
        let status = self.status.ok_or(missing("status"))?;
        let bytes_read = match self.bytes_read {
            Some(bytes) => bytes,
            None if tells_bytes_read(status, kind) => return Err(missing("bytes_read")),
            None if status == Status::Read => self.size.unwrap_or_default(),
            None => 0,
        };
        let entry = Entry {
            location,
            kind,
            size_bytes: self.size,
            allocated_bytes: self.allocated,
            times: self.times,
            id: self.id,
            links: self.links,
            ownership,
            target,
            node: self.node,
        };
        let record = Record {
            seq: self.seq.ok_or(missing("seq"))?,
            entry,
            status,
            rule: self.rule,
            problem: self.problem,
            bytes_read,
            digests: self.digests,
            matches: self.matches,
        };
        Ok((record, self.exhibit.ok_or(missing("exhibit"))?))
    }
}

fn hex(scanner: &mut Scanner<'_>) -> Result<Vec<u8>, LineError> {
    let text = scanner.string()?;
    from_hex(&text).ok_or_else(|| scanner.wrong("lower-case hex", &text))
}

fn device(text: &str) -> Option<Device> {
    let (major, minor) = text.split_once(':')?;
    Some(Device { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

fn file_id(text: &str) -> Option<FileId> {
    let (place, inode) = text.split_once('-')?;
    Some(FileId { device: device(place)?, inode: inode.parse().ok()? })
}

fn problem(scanner: &mut Scanner<'_>) -> Result<Problem, LineError> {
    let (mut kind, mut code, mut words) = (None, String::new(), None);
    let (mut offset, mut lost_bytes) = (None, None);
    scanner.object(|scanner, key| {
        match key {
            "code" => code = scanner.string()?.into_owned(),
            "kind" => {
                let name = scanner.string()?;
                let known = name.parse();
                kind = Some(known.map_err(|()| scanner.wrong("a kind of problem", &name))?);
            }
            "lost_bytes" => lost_bytes = Some(scanner.number()?),
            "offset" => offset = Some(scanner.number()?),
            "text" => words = Some(scanner.string()?.into_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let kind = kind.ok_or(LineError::Missing { key: "kind" })?;
    let text = words.ok_or(LineError::Missing { key: "text" })?;
    Ok(Problem { kind, code, text, offset, lost_bytes })
}

fn hashes(scanner: &mut Scanner<'_>, digests: &mut Digests) -> Result<(), LineError> {
    scanner.object(|scanner, key| {
        let Some(algorithm) = Algorithm::ALL.into_iter().find(|known| known.name() == key) else {
            return Ok(false);
        };
        let text = scanner.string()?;
        let digest = Digest::from_hex(algorithm, text.as_bytes())
            .map_err(|_| scanner.wrong("a digest in hex", &text))?;
        digests.insert(digest);
        Ok(true)
    })
}

fn matches(scanner: &mut Scanner<'_>, found: &mut Vec<Match>) -> Result<(), LineError> {
    scanner.literal("[", "a list")?;
    loop {
        found.push(parse_match(scanner)?);
        if !scanner.take(b',') {
            return scanner.literal("]", "a comma or the end of a list");
        }
    }
}

fn times(scanner: &mut Scanner<'_>, times: &mut Times) -> Result<(), LineError> {
    scanner.object(|scanner, key| {
        let place: &mut Option<Time> = match key {
            "a" => &mut times.accessed,
            "b" => &mut times.born,
            "c" => &mut times.changed,
            "m" => &mut times.modified,
            _ => return Ok(false),
        };
        let text = scanner.string()?;
        *place = Some(parse_time(&text).ok_or_else(|| scanner.wrong("a time", &text))?);
        Ok(true)
    })
}
