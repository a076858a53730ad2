//! The JSON schemas of what `--json` prints and of the manifest's lines.
//!
//! One schema for each type of line, by JSON Schema 2020-12. Lines are closed: a key that stands in
//! no schema is a mistake. A summary is open: each verb adds its own sums. `v` is the version of a
//! type; it rises when a reader of the older form would be misled, and the folder of `$id` with it.

mod lab;
mod look;
mod work;

use serde_json::{Value, json};
use triage_case::Status;
use triage_evidence::{Kind, ProblemKind, Recovery};
use triage_hash::Algorithm;

use crate::exit::EXIT_CODES;

/// Returns every schema with its name.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    let mut schemas = vec![("record", record()), ("hit", hit()), ("summary", summary())];
    schemas.extend(work::schemas());
    schemas.extend(look::schemas());
    schemas.extend(lab::schemas());
    for (name, schema) in &mut schemas {
        schema["$id"] = json!(format!("{BASE}{name}.json"));
    }
    schemas
}

/// Where schemas point to each other. The name is reserved by RFC 2606: nothing is ever fetched.
const BASE: &str = "https://triage.invalid/schemas/v1/";

/// `scan`, and `match`, which names the package too.
fn hit() -> Value {
    let properties = json!({
        "entry": { "$ref": "record.json" }, "package": { "type": "string" },
    });
    line("hit", &properties, &["entry"])
}

/// The last line of every verb.
fn summary() -> Value {
    let codes: Vec<u8> = EXIT_CODES.iter().map(|(code, ..)| *code).collect();
    let names: Vec<&str> = EXIT_CODES.iter().map(|(_, name, _)| *name).collect();
    let text = json!({ "type": "string" });
    let properties = json!({
        "v": { "const": 1 },
        "type": { "const": "summary" },
        "exit": { "enum": codes },
        "exit_name": { "enum": names },
        "error": text,
        "because": text,
        "coverage": coverage(),
        "hits": integer(),
        "gaps": integer(),
        "doubts": { "type": "array", "items": text },
    });
    document("the last line", &properties, &["exit", "exit_name", "v", "type"], false)
}

/// The sums of a scan, as its summary and `run.json` have them.
fn coverage() -> Value {
    let share = json!({ "type": "object", "properties": { "entries": integer(),
        "bytes": integer() }, "required": ["entries", "bytes"], "additionalProperties": false });
    let classes: serde_json::Map<String, Value> =
        Status::ALL.iter().map(|status| (status.name().to_owned(), share.clone())).collect();
    json!({
        "type": "object",
        "properties": {
            "seen": share,
            "classes": { "type": "object", "properties": classes, "additionalProperties": false },
            "bytes_read": integer(),
            "partial_bytes_read": integer(),
            "unsized_entries": integer(),
            "unlisted_directories": integer(),
            "deleted": share,
            "hits": integer(),
            "probable_hits": integer(),
            "complete": { "type": "boolean" },
        },
        "required": ["seen", "classes", "hits", "complete"],
        "additionalProperties": false,
    })
}

fn document(title: &str, properties: &Value, required: &[&str], closed: bool) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": !closed,
    })
}

fn line(kind: &str, properties: &Value, required: &[&str]) -> Value {
    let mut properties = properties.clone();
    properties["v"] = json!({ "const": 1 });
    properties["type"] = json!({ "const": kind });
    let required: Vec<&str> = required.iter().copied().chain(["v", "type"]).collect();
    document(&format!("a JSON line of type {kind}"), &properties, &required, true)
}

/// An integer, or a string of digits beyond 2^53-1.
fn integer() -> Value {
    json!({ "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^[0-9]+$" }] })
}

fn record() -> Value {
    let hex = json!({ "type": "string", "pattern": "^([0-9a-f]{2})*$" });
    let text = json!({ "type": "string" });
    let hashes: serde_json::Map<String, Value> =
        Algorithm::ALL.iter().map(|algorithm| (algorithm.name().to_owned(), hex.clone())).collect();
    let category = json!({ "type": "object", "properties": {
        "scheme": text, "number": { "type": "integer" }, "label": text }, "required": ["scheme"] });
    let found = json!({ "type": "object", "properties": {
        "algorithm": { "enum": Algorithm::ALL.map(Algorithm::name) },
        "category": category,
        "disposition": { "enum": ["alert", "known-good", "informational"] },
        "false_positives_per_billion": integer(),
        "inconsistent": { "const": true },
        "record": integer(), "set": text, "set_index": integer(), "set_sha256": hex, "version": text,
    }, "required": ["algorithm", "disposition", "set", "set_index", "set_sha256"] });
    let range = json!({ "type": "object", "properties": { "bytes": integer(),
        "offset": integer() }, "required": ["bytes", "offset"], "additionalProperties": false });
    let problem = json!({ "type": "object", "properties": {
        "code": text, "kind": { "enum": ProblemKind::ALL.map(ProblemKind::name) },
        "lost_bytes": integer(), "offset": integer(),
        "ranges": { "type": "array", "items": range }, "text": text,
    }, "required": ["kind", "text"] });
    let times = json!({ "type": "object", "properties": { "a": text, "b": text, "c": text,
        "m": text }, "additionalProperties": false });
    let properties = json!({
        "allocated": integer(),
        "bytes_read": integer(),
        "carried_from": hex,
        "deleted": { "const": true },
        "device_node": text,
        "error": problem,
        "exhibit": text,
        "facts": { "type": "object", "additionalProperties": text },
        "fs_id": text,
        "gid": integer(),
        "hashes": { "type": "object", "properties": hashes, "additionalProperties": false },
        "links": integer(),
        "match": { "type": "array", "items": found },
        "mode": { "type": "string", "pattern": "^[0-7]{4,}$" },
        "name_times": times,
        "notes": { "type": "array", "items": problem },
        "path": text,
        "path_hex": hex,
        "recovered": { "enum": Recovery::ALL.map(Recovery::name) },
        "rule": text,
        "seq": integer(),
        "size": integer(),
        "status": { "enum": Status::ALL.map(Status::name) },
        "target": text,
        "target_hex": hex,
        "times": times,
        "type": { "enum": Kind::ALL.map(Kind::name) },
        "uid": integer(),
        "v": { "const": 1 },
    });
    document(
        "a line of data/manifest.ndjson",
        &properties,
        &["exhibit", "path", "seq", "status", "type", "v"],
        true,
    )
}
