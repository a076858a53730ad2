//! One record as one line of the manifest: canonical JSON (RFC 8785), keys only when known.
//!
//! The writer is on the path of every entry of a scan, and writes the keys in their canonical
//! order by hand.

use triage_custody::jcs::{write_integer, write_string};
use triage_evidence::{Entry, Kind, Problem, Times};
use triage_hash::{Algorithm, Digests};
use triage_hashset::Match;

use crate::{Record, Status};

/// The version of the line.
pub(crate) const VERSION: u64 = 1;

/// Writes one object, keeping track of the commas.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Writes a key that needs no escaping and returns where its value goes.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    fn text(&mut self, key: &str, text: &str) {
        write_string(text, self.key(key));
    }

    fn integer(&mut self, key: &str, number: Option<u64>) {
        if let Some(number) = number {
            write_integer(number, self.key(key));
        }
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

/// Appends the line of a record, with its line end.
pub fn write_line(record: &Record, exhibit: &str, out: &mut Vec<u8>) {
    let entry = &record.entry;
    let mut line = Object::open(out);
    line.integer("allocated", entry.allocated_bytes);
    if record.status == Status::Partial && entry.kind == Kind::File {
        line.integer("bytes_read", Some(record.bytes_read));
    }
    if let Some(manifest) = record.carried_from {
        line.text("carried_from", &manifest.to_string());
    }
    if entry.recovery.is_some() {
        line.key("deleted").extend_from_slice(b"true");
    }
    if let Some(node) = entry.node {
        line.text("device_node", &node.to_string());
    }
    if let Some(problem) = &record.problem {
        write_problem(problem, line.key("error"));
    }
    line.text("exhibit", exhibit);
    if let Some(facts) = entry.facts.as_deref().filter(|facts| !facts.pairs.is_empty()) {
        let mut object = Object::open(line.key("facts"));
        for (name, value) in &facts.pairs {
            write_string(value, object.key(name));
        }
        object.close();
    }
    if let Some(id) = entry.id {
        line.text("fs_id", &id.to_string());
    }
    line.integer("gid", entry.ownership.map(|owner| u64::from(owner.group)));
    write_digests(&record.digests, &mut line);
    line.integer("links", entry.links);
    write_matches(&record.matches, &mut line);
    if let Some(owner) = entry.ownership {
        line.text("mode", &format!("{:04o}", owner.mode));
    }
    if let Some(times) = &entry.name_times {
        write_times(times, "name_times", &mut line);
    }
    write_notes(entry, &mut line);
    let text = entry.location.to_text();
    line.text("path", &text);
    write_raw(entry.location.path(), &text, "path_hex", entry.location.is_root(), &mut line);
    if let Some(recovery) = entry.recovery {
        line.text("recovered", recovery.name());
    }
    if let Some(rule) = &record.rule {
        line.text("rule", rule);
    }
    line.integer("seq", Some(record.seq));
    line.integer("size", entry.size_bytes);
    line.text("status", record.status.name());
    if let Some(target) = &entry.target {
        let text = triage_evidence::escape(target);
        line.text("target", &text);
        write_raw(target, &text, "target_hex", false, &mut line);
    }
    write_times(&entry.times, "times", &mut line);
    line.text("type", entry.kind.name());
    line.integer("uid", entry.ownership.map(|owner| u64::from(owner.user)));
    line.integer("v", Some(VERSION));
    line.close();
    out.push(b'\n');
}

/// Writes the raw bytes of a name as hex where its display form is not the same.
fn write_raw(raw: &[u8], text: &str, key: &str, is_root: bool, line: &mut Object<'_>) {
    if is_root || raw == text.as_bytes() {
        return;
    }
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let out = line.key(key);
    out.push(b'"');
    for byte in raw {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    out.push(b'"');
}

fn write_problem(problem: &Problem, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    if !problem.code.is_empty() {
        object.text("code", &problem.code);
    }
    object.text("kind", problem.kind.name());
    object.integer("lost_bytes", problem.lost_bytes);
    object.integer("offset", problem.offset);
    write_ranges(problem, &mut object);
    object.text("text", &problem.text);
    object.close();
}

/// Writes which bytes are lost, if the offset and their number do not tell.
fn write_ranges(problem: &Problem, object: &mut Object<'_>) {
    if problem.ranges.is_empty() {
        return;
    }
    let out = object.key("ranges");
    out.push(b'[');
    for (place, range) in problem.ranges.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let mut one = Object::open(out);
        one.integer("bytes", Some(range.size_bytes));
        one.integer("offset", Some(range.offset));
        one.close();
    }
    out.push(b']');
}

fn write_notes(entry: &Entry, line: &mut Object<'_>) {
    let notes = entry.facts.as_deref().map_or(&[][..], |facts| &facts.notes);
    if notes.is_empty() {
        return;
    }
    let out = line.key("notes");
    out.push(b'[');
    for (place, note) in notes.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_problem(note, out);
    }
    out.push(b']');
}

fn write_digests(digests: &Digests, line: &mut Object<'_>) {
    if digests.is_empty() {
        return;
    }
    // The canonical order of the names is not that of the algorithms.
    const SORTED: [Algorithm; 6] = [
        Algorithm::Blake3,
        Algorithm::Md5,
        Algorithm::Sha1,
        Algorithm::Sha256,
        Algorithm::Sha3_256,
        Algorithm::Sha512,
    ];
    let mut object = Object::open(line.key("hashes"));
    for digest in SORTED.into_iter().filter_map(|algorithm| digests.get(algorithm)) {
        let out = object.key(digest.algorithm().name());
        out.push(b'"');
        digest.write_hex(out);
        out.push(b'"');
    }
    object.close();
}

fn write_matches(matches: &[Match], line: &mut Object<'_>) {
    if matches.is_empty() {
        return;
    }
    let out = line.key("match");
    out.push(b'[');
    for (place, found) in matches.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let mut object = Object::open(out);
        object.text("algorithm", found.algorithm.name());
        if let Some(category) = &found.category {
            let mut inner = Object::open(object.key("category"));
            if let Some(label) = &category.label {
                inner.text("label", label);
            }
            if let Some(number) = category.number {
                inner.key("number").extend_from_slice(number.to_string().as_bytes());
            }
            inner.text("scheme", &category.scheme);
            inner.close();
        }
        object.text("disposition", found.disposition.name());
        let rate = found.certainty.false_positives_per_billion();
        object.integer("false_positives_per_billion", rate);
        if found.inconsistent {
            object.key("inconsistent").extend_from_slice(b"true");
        }
        // A bloom filter has no records.
        object.integer("record", Some(u64::from(found.record)).filter(|_| rate.is_none()));
        object.text("set", &found.set);
        object.integer("set_index", Some(u64::from(found.set_index)));
        object.text("set_sha256", &found.set_sha256);
        if let Some(version) = &found.version {
            object.text("version", version);
        }
        object.close();
    }
    out.push(b']');
}

fn write_times(times: &Times, key: &str, line: &mut Object<'_>) {
    let sorted =
        [("a", times.accessed), ("b", times.born), ("c", times.changed), ("m", times.modified)];
    if sorted.iter().all(|(_, time)| time.is_none()) {
        return;
    }
    let mut object = Object::open(line.key(key));
    for (key, time) in sorted {
        if let Some(time) = time {
            let out = object.key(key);
            out.push(b'"');
            time.write_text(out);
            out.push(b'"');
        }
    }
    object.close();
}
