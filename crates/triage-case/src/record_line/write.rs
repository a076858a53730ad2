//! Writes a record as its canonical line. Runs once for every entry: no general serialiser.

use triage_evidence::{Device, Entry, Kind, Problem, Times, escape};
use triage_hash::Algorithm;

use super::text::{push_decimal, push_hex_string, push_key, push_number, push_string};
use super::time::push_time;
use super::write_match;
use crate::{Record, Status};

/// The algorithms in the order of their names' bytes, as RFC 8785 wants keys.
const BY_NAME: [Algorithm; Algorithm::ALL.len()] = [
    Algorithm::Blake3,
    Algorithm::Md5,
    Algorithm::Sha1,
    Algorithm::Sha256,
    Algorithm::Sha3_256,
    Algorithm::Sha512,
];

/// Says whether a line of that status and kind tells how much was read: where it is not the size.
pub(super) const fn tells_bytes_read(status: Status, kind: Kind) -> bool {
    matches!(status, Status::Partial | Status::Changed) && matches!(kind, Kind::File)
}

/// Appends the line of a record, with its line feed.
pub fn write_line(record: &Record, exhibit: &str, out: &mut Vec<u8>) {
    let entry = &record.entry;
    let start = out.len();
    if let Some(bytes) = entry.allocated_bytes {
        push_key("allocated", out);
        push_number(bytes, out);
    }
    if tells_bytes_read(record.status, entry.kind) {
        push_key("bytes_read", out);
        push_number(record.bytes_read, out);
    }
    if let Some(device) = entry.node {
        push_key("device_node", out);
        out.push(b'"');
        push_device(device, out);
        out.push(b'"');
    }
    if let Some(problem) = &record.problem {
        push_problem(problem, out);
    }
    push_key("exhibit", out);
    push_string(exhibit, out);
    push_identity(record, out);
    push_location(entry, out);
    if let Some(rule) = &record.rule {
        push_key("rule", out);
        push_string(rule, out);
    }
    push_key("seq", out);
    push_number(record.seq, out);
    if let Some(size) = entry.size_bytes {
        push_key("size", out);
        push_number(size, out);
    }
    push_key("status", out);
    push_string(record.status.name(), out);
    if let Some(target) = &entry.target {
        push_name(["target", "target_hex"], target, out);
    }
    push_times(&entry.times, out);
    push_key("type", out);
    push_string(entry.kind.name(), out);
    if let Some(ownership) = entry.ownership {
        push_key("uid", out);
        push_number(ownership.user.into(), out);
    }
    out.extend_from_slice(b",\"v\":1}\n");
    // Every key was written with a comma before it; the first comma opens the object.
    if let Some(first) = out.get_mut(start) {
        *first = b'{';
    }
}

/// Appends what stands between `exhibit` and `path`.
fn push_identity(record: &Record, out: &mut Vec<u8>) {
    let entry = &record.entry;
    if let Some(id) = entry.id {
        push_key("fs_id", out);
        out.push(b'"');
        push_device(id.device, out);
        out.push(b'-');
        push_decimal(id.inode, out);
        out.push(b'"');
    }
    if let Some(ownership) = entry.ownership {
        push_key("gid", out);
        push_number(ownership.group.into(), out);
    }
    if !record.digests.is_empty() {
        let mut opening: &[u8] = b",\"hashes\":{\"";
        for digest in BY_NAME.iter().filter_map(|&algorithm| record.digests.get(algorithm)) {
            out.extend_from_slice(opening);
            out.extend_from_slice(digest.algorithm().name().as_bytes());
            out.extend_from_slice(b"\":\"");
            digest.write_hex(out);
            opening = b"\",\"";
        }
        out.extend_from_slice(b"\"}");
    }
    if let Some(links) = entry.links {
        push_key("links", out);
        push_number(links, out);
    }
    if !record.matches.is_empty() {
        let mut opening: &[u8] = b",\"match\":[";
        for found in &record.matches {
            out.extend_from_slice(opening);
            write_match(found, out);
            opening = b",";
        }
        out.push(b']');
    }
    if let Some(ownership) = entry.ownership {
        out.extend_from_slice(b",\"mode\":\"");
        push_octal(ownership.mode, out);
        out.push(b'"');
    }
}

fn push_location(entry: &Entry, out: &mut Vec<u8>) {
    if entry.location.is_root() {
        push_key("path", out);
        push_string(&entry.location.to_text(), out);
    } else {
        push_name(["path", "path_hex"], entry.location.path(), out);
    }
}

/// Appends the display form of a name, and its raw bytes where they are not the same.
fn push_name([key, hex_key]: [&str; 2], raw: &[u8], out: &mut Vec<u8>) {
    push_key(key, out);
    if raw.iter().all(|&byte| matches!(byte, b' '..=b'~') && byte != b'\\' && byte != b'"') {
        out.push(b'"');
        out.extend_from_slice(raw);
        out.push(b'"');
        return;
    }
    let shown = escape(raw);
    push_string(&shown, out);
    if shown.as_bytes() != raw {
        push_key(hex_key, out);
        push_hex_string(raw, out);
    }
}

fn push_problem(problem: &Problem, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"error\":{");
    if !problem.code.is_empty() {
        out.extend_from_slice(b"\"code\":");
        push_string(&problem.code, out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"kind\":");
    push_string(problem.kind.name(), out);
    if let Some(lost) = problem.lost_bytes {
        push_key("lost_bytes", out);
        push_number(lost, out);
    }
    if let Some(offset) = problem.offset {
        push_key("offset", out);
        push_number(offset, out);
    }
    push_key("text", out);
    push_string(&problem.text, out);
    out.push(b'}');
}

fn push_times(times: &Times, out: &mut Vec<u8>) {
    let mut opening: &[u8] = b",\"times\":{\"";
    let kept = [
        (b'a', times.accessed),
        (b'b', times.born),
        (b'c', times.changed),
        (b'm', times.modified),
    ];
    for (name, time) in kept {
        if let Some(time) = time {
            out.extend_from_slice(opening);
            out.extend_from_slice(&[name, b'"', b':']);
            push_time(time, out);
            opening = b",\"";
        }
    }
    if opening.len() < 4 {
        out.push(b'}');
    }
}

fn push_device(device: Device, out: &mut Vec<u8>) {
    push_decimal(device.major.into(), out);
    out.push(b':');
    push_decimal(device.minor.into(), out);
}

/// Appends at least four octal digits.
fn push_octal(mode: u32, out: &mut Vec<u8>) {
    // 32 bits have 11 octal digits.
    for place in (0..11_u32).rev() {
        let rest = mode >> (3 * place);
        if place < 4 || rest != 0 {
            out.push(b'0' + u8::try_from(rest & 7).unwrap_or_default());
        }
    }
}
