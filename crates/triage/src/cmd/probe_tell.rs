//! What `probe` found, in words and as JSON lines.

use std::path::Path;

use serde_json::{Map, Value, json};
use triage_evidence::{Facts, Kind, Problem, escape};
use triage_walk::{Look, Mount, OpenVolume, Part, Relation, Storage};

use super::probe::notes;
use crate::console::Console;
use crate::{measure, shown};

/// Facts that stand on the first line, or that say nothing to a person.
const SAID_BEFORE: [&str; 4] = ["container", "size", "sector_bytes", "partition_table"];

/// Tells what the evidence is.
pub(super) fn look(path: &Path, look: &Look, console: Console) {
    let path = shown::path(path);
    match look {
        Look::Folder { volume_bytes, free_bytes } => {
            let size = volume_bytes.map_or_else(String::new, |bytes| {
                let free = free_bytes.map_or_else(String::new, |free| {
                    format!(", {} of it free", measure::bytes(free))
                });
                format!(" on a file system of {}{free}", measure::bytes(bytes))
            });
            console.line(&format!("{path}: a folder{size}"));
            console.record(&json!({
                "v": 1, "type": "probe", "path": path, "kind": "folder",
                "volume_bytes": volume_bytes.map(shown::exact),
                "free_bytes": free_bytes.map(shown::exact),
            }));
        }
        Look::File { size_bytes } => {
            console.line(&format!(
                "{path}: a file of {}, no disk image as far as its content and its name tell",
                measure::bytes(*size_bytes)
            ));
            console.record(&json!({
                "v": 1, "type": "probe", "path": path, "kind": "file",
                "size": shown::exact(*size_bytes),
            }));
        }
        Look::Disk { format, size_bytes, facts, parts } => {
            disk(&path, (format, *size_bytes), facts, console);
            for part in parts {
                volume(part, console);
            }
        }
    }
}

fn disk(path: &str, (format, size_bytes): (&str, u64), facts: &Facts, console: Console) {
    let what = if format == "device" { "a block device" } else { "a disk image" };
    let fact = |name: &str| facts.pairs.get(name).map_or("unknown", String::as_str);
    let size = measure::bytes(size_bytes);
    console.line(&format!("{path}: {what} ({format}) of {size}, {size_bytes} bytes"));
    console.line(&format!("  sector: {} bytes", fact("sector_bytes")));
    let table = match fact("partition_table") {
        "none" => "none: one volume takes all of it",
        table => table,
    };
    console.line(&format!("  partition table: {table}"));
    for (name, value) in &facts.pairs {
        if !SAID_BEFORE.contains(&name.as_str()) {
            let value = escape(value.as_bytes());
            console.line(&format!("  {}: {value}", name.replace('_', " ")));
        }
    }
    for note in &facts.notes {
        console.line(&format!("  NOTE: {note}"));
    }
    console.record(&json!({
        "v": 1, "type": "probe", "path": path, "kind": "disk", "container": format,
        "size": shown::exact(size_bytes), "facts": pairs(facts), "notes": problems(&facts.notes),
    }));
}

fn volume(part: &Part, console: Console) {
    let name = escape(&part.name);
    let facts = part.entry.facts.as_deref();
    let fact = |key: &str| facts.and_then(|facts| facts.pairs.get(key));
    let size = part.entry.size_bytes.or_else(|| fact("size")?.parse().ok()).unwrap_or(0);
    if part.entry.kind == Kind::Space {
        console.line(&format!("{name}: {} in no volume", measure::bytes(size)));
        console.record(&json!({
            "v": 1, "type": "gap", "name": name, "size": shown::exact(size),
        }));
        return;
    }
    let label = fact("label").map_or_else(String::new, |label| format!(" \"{label}\""));
    let content = fact("content").map_or("unknown", String::as_str);
    let kind = fact("partition_type").map_or("unknown", String::as_str);
    let start = fact("start").map_or("0", String::as_str);
    console.line(&format!(
        "{name}: {content}{label}, {} from byte {start} on; the table says: {kind}",
        measure::bytes(size)
    ));
    match &part.closed {
        Some(problem) => console.line(&format!("  NOT READ: {problem}")),
        None if part.unopened => {
            console.line("  not opened: its tables are larger than a quick look reads");
        }
        None => {}
    }
    for note in notes(part) {
        console.line(&format!("  NOTE: {note}"));
    }
    console.record(&json!({
        "v": 1, "type": "volume", "name": name, "size": shown::exact(size),
        "content": content, "facts": facts.map(pairs), "notes": problems(notes(part)),
        "listed": part.closed.is_none() && !part.unopened,
        "problem": part.closed.as_ref().map(problem),
    }));
}

fn pairs(facts: &Facts) -> Value {
    let pairs = facts.pairs.iter().map(|(name, value)| (name.clone(), json!(value)));
    Value::Object(pairs.collect::<Map<String, Value>>())
}

fn problems(notes: &[Problem]) -> Value {
    notes.iter().map(problem).collect()
}

fn problem(problem: &Problem) -> Value {
    json!({ "kind": problem.kind.name(), "text": problem.to_string() })
}

/// Tells what this computer does with the evidence.
pub(super) fn storage(look: &Look, storage: &Storage, console: Console) {
    let is_folder = matches!(look, Look::Folder { .. });
    if storage.mounts.is_empty() && !is_folder {
        console.line("mounted now: no");
    }
    for found in &storage.mounts {
        mount(found, is_folder, console);
    }
    if storage.is_swap {
        console.line("IN USE: this computer swaps to it");
    }
    let spins = match storage.is_rotational {
        Some(true) => "rotational: yes, one reader at a time is fastest",
        Some(false) => "rotational: no",
        None => "rotational: not known",
    };
    console.line(spins);
    match (storage.is_read_only, is_folder) {
        (Some(true), _) => console.line("device: the kernel refuses to write to it"),
        (Some(false), false) => console.line(
            "device: this computer CAN WRITE to it: use a write blocker, or `blockdev --setro`",
        ),
        _ => {}
    }
    console.record(&json!({
        "v": 1, "type": "storage", "devices": storage.devices, "swap": storage.is_swap,
        "rotational": storage.is_rotational, "read_only": storage.is_read_only,
        "mounted": !storage.mounts.is_empty(),
    }));
    for open in &storage.open_encrypted {
        open_volume(open, console);
    }
}

fn mount(mount: &Mount, is_folder: bool, console: Console) {
    let point = shown::path(&mount.point);
    let source = shown::path(&mount.source);
    let how = if mount.is_read_only { "read-only" } else { "FOR WRITING" };
    let words = if is_folder { "lies on the mount" } else { "mounted now: yes, at" };
    console.line(&format!("{words} {point} ({} of {source}, {how})", mount.file_system));
    if !mount.is_read_only {
        console.line(if is_folder {
            "  this computer can change it: mount it read-only where you can"
        } else {
            "  it changes while it is read: a scan of it now is of no single moment"
        });
    }
    console.record(&json!({
        "v": 1, "type": "mount", "point": point, "file_system": mount.file_system,
        "source": source, "read_only": mount.is_read_only,
    }));
}

fn open_volume(open: &OpenVolume, console: Console) {
    let at: Vec<String> = open.mounted_at.iter().map(|point| shown::path(point)).collect();
    let used = match (at.is_empty(), open.is_swap) {
        (false, true) => format!(", mounted at {}, also swap space", at.join(", ")),
        (false, false) => format!(", mounted at {}", at.join(", ")),
        (true, true) => ", swap space".to_owned(),
        (true, false) => ", not mounted".to_owned(),
    };
    let of_evidence = open.relation == Relation::Evidence;
    let words = match of_evidence {
        true => "OPEN ENCRYPTED VOLUME of this evidence",
        false => "another encrypted volume is open on this computer",
    };
    let devices = match open.devices.is_empty() {
        true => String::new(),
        false => format!(" on {}", open.devices.join(", ")),
    };
    let name = escape(open.name.as_bytes());
    console.line(&format!("{words}: {name} ({}){devices}{used}", open.scheme));
    console.record(&json!({
        "v": 1, "type": "open_encrypted", "name": name, "scheme": open.scheme,
        "devices": open.devices, "mounted_at": at, "swap": open.is_swap,
        "of_evidence": of_evidence,
    }));
}
