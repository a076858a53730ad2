//! The JSON schemas of what `--json` prints and of the manifest's lines.

use serde_json::{Value, json};
use triage_case::Status;
use triage_evidence::{Kind, ProblemKind, Recovery};
use triage_hash::Algorithm;

/// Returns every schema with its name.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    let mut schemas = vec![
        ("record", record()),
        ("hit", line("hit", &json!({ "entry": { "$ref": "record.json" } }), &["entry"])),
        (
            "difference",
            line(
                "difference",
                &json!({
                    "difference": { "enum": ["added", "removed", "missing", "extra", "moved",
                        "changed", "metadata", "unreadable", "unknown"] },
                    "from": { "type": "string" },
                    "hit": { "const": true },
                    "seq": integer(),
                    "what": { "type": "string" },
                    "path": { "type": "string" },
                }),
                &["difference", "what", "path"],
            ),
        ),
        (
            "finding",
            line(
                "finding",
                &json!({
                    "code": { "type": "string", "pattern": "^[a-z0-9-]+$" },
                    "what": { "type": "string" },
                    "place": { "type": "string" },
                    "expected": { "type": "string" },
                    "actual": { "type": "string" },
                }),
                &["code", "what", "place", "expected", "actual"],
            ),
        ),
        ("event", line("event", &json!({ "event": { "type": "object" } }), &["event"])),
        ("validation", validation()),
        ("summary", line("summary", &json!({ "exit": { "type": "integer" } }), &["exit"])),
    ];
    schemas.extend(look_schemas());
    schemas.extend(lab_schemas());
    schemas
}

/// Returns the schemas of work on many packages: `match --changed-from`, `correlate`.
fn lab_schemas() -> Vec<(&'static str, Value)> {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let flag = json!({ "type": "boolean" });
    let change = json!({
        "change": { "enum": ["new", "gone", "recategorised"] },
        "package": text,
        "before": { "type": "array" },
        "entry": { "$ref": "record.json" },
    });
    let exhibit = json!({
        "exhibit": text, "case": text, "owner": text, "seals": texts,
        "first_seen": text, "last_seen": text, "files": integer(), "known_good": integer(),
        "empty": integer(), "without_content": integer(), "gaps": integer(), "inventory": flag,
    });
    let shared = json!({
        "digest": { "type": "string", "pattern": "^[0-9a-f]+$" },
        "algorithm": { "enum": Algorithm::ALL.map(Algorithm::name) },
        "keyed": flag, "size": integer(), "exhibit_count": integer(), "owners": integer(), "copies": integer(),
        "rare": flag, "alert": flag, "informational": flag,
        "first_seen": { "type": ["string", "null"] }, "last_seen": { "type": ["string", "null"] },
        "exhibits": { "type": "array", "items": { "type": "object", "required": ["exhibit"] } },
    });
    let pair = json!({ "a": text, "b": text, "rare_files": integer() });
    vec![
        ("match_change", line("match_change", &change, &["change", "package", "before", "entry"])),
        ("exhibit", line("exhibit", &exhibit, &["exhibit", "files", "gaps"])),
        ("shared", line("shared", &shared, &["digest", "algorithm", "exhibits", "rare"])),
        ("pair", line("pair", &pair, &["a", "b", "rare_files"])),
        (
            "failed",
            line("failed", &json!({ "package": text, "because": text }), &["package", "because"]),
        ),
    ]
}

/// Returns the schemas of `probe` and `plan`.
fn look_schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("probe", probe()),
        ("volume", volume()),
        (
            "gap",
            line(
                "gap",
                &json!({ "name": { "type": "string" }, "size": integer() }),
                &["name", "size"],
            ),
        ),
        ("mount", mount()),
        ("storage", storage()),
        ("open_encrypted", open_encrypted()),
        (
            "part",
            line(
                "part",
                &json!({ "name": { "type": "string" }, "entries": integer(),
                "bytes": integer() }),
                &["name", "entries", "bytes"],
            ),
        ),
        (
            "left_out",
            line(
                "left_out",
                &json!({ "status": { "enum": Status::ALL.map(Status::name) },
                "reason": { "type": "string" }, "entries": integer(), "bytes": integer() }),
                &["status", "reason", "entries", "bytes"],
            ),
        ),
        (
            "shard",
            line(
                "shard",
                &json!({ "number": integer(), "list": { "type": "string" },
                "entries": integer(), "bytes": integer() }),
                &["number", "list", "entries", "bytes"],
            ),
        ),
    ]
}

/// What is told of a problem in a look.
fn told_problem() -> Value {
    let kinds = ProblemKind::ALL.map(ProblemKind::name);
    json!({ "type": ["object", "null"], "properties": {
        "kind": { "enum": kinds }, "text": { "type": "string" } } })
}

fn facts() -> Value {
    json!({ "type": ["object", "null"], "additionalProperties": { "type": "string" } })
}

fn probe() -> Value {
    let size = json!({ "oneOf": [integer(), { "type": "null" }] });
    let properties = json!({
        "path": { "type": "string" },
        "kind": { "enum": ["disk", "folder", "file", "silent"] },
        "container": { "type": "string" },
        "size": integer(),
        "volume_bytes": size,
        "free_bytes": size,
        "facts": facts(),
        "notes": { "type": "array", "items": told_problem() },
    });
    line("probe", &properties, &["path", "kind"])
}

fn volume() -> Value {
    let properties = json!({
        "name": { "type": "string" },
        "size": integer(),
        "content": { "type": "string" },
        "facts": facts(),
        "notes": { "type": "array", "items": told_problem() },
        "listed": { "type": "boolean" },
        "problem": told_problem(),
    });
    line("volume", &properties, &["name", "size", "content", "listed"])
}

fn mount() -> Value {
    let text = json!({ "type": "string" });
    let properties = json!({ "point": text, "file_system": text, "source": text,
        "read_only": { "type": "boolean" } });
    line("mount", &properties, &["point", "file_system", "source", "read_only"])
}

fn storage() -> Value {
    let perhaps = json!({ "type": ["boolean", "null"] });
    let properties = json!({
        "devices": { "type": "array", "items": { "type": "string" } },
        "mounted": { "type": "boolean" },
        "swap": { "type": "boolean" },
        "rotational": perhaps,
        "read_only": perhaps,
    });
    line("storage", &properties, &["devices", "mounted", "swap"])
}

/// The record that `doctor --validate` files.
fn validation() -> Value {
    let text = json!({ "type": "string" });
    let test = json!({
        "type": "object",
        "properties": {
            "group": { "enum": ["known answers", "scan", "tamper"] },
            "name": text, "expected": text, "actual": text, "passed": { "type": "boolean" },
        },
        "required": ["group", "name", "expected", "actual", "passed"],
        "additionalProperties": false,
    });
    let properties = json!({
        "result": { "enum": ["pass", "fail"] },
        "tests": { "type": "array", "items": test, "minItems": 1 },
        "failed": integer(),
        "tool": { "type": "object", "required": ["name", "version", "binary_sha256"] },
        "host": { "type": "object" },
        "clock": { "type": "object", "required": ["start", "end", "zone"] },
    });
    let required = ["result", "tests", "failed", "tool", "host", "clock"];
    line("validation", &properties, &required)
}

fn open_encrypted() -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let properties = json!({
        "name": { "type": "string" },
        "scheme": { "type": "string" },
        "devices": texts,
        "mounted_at": texts,
        "swap": { "type": "boolean" },
        "of_evidence": { "type": "boolean" },
    });
    line("open_encrypted", &properties, &["name", "scheme", "of_evidence"])
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
    document(&format!("a JSON line of type {kind}"), &properties, &required, false)
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
