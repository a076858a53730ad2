//! The lines of the verbs that compare, look up, keep and share out.

use serde_json::{Map, Value, json};
use triage_hash::Algorithm;

use super::{integer, line};

/// Returns the schemas of these verbs.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let mut schemas = vec![
        ("difference", difference()),
        ("finding", finding()),
        ("event", line("event", &json!({ "event": { "type": "object" } }), &["event"])),
        ("digest", digest()),
        ("digest_check", digest_check()),
        ("check", check()),
        ("validation", validation()),
        ("fact", fact()),
    ];
    schemas.extend([
        ("set", set()),
        ("match", matched()),
        ("set_difference", set_difference()),
        ("not_opened", not_opened()),
        ("not_answered", not_answered()),
    ]);
    schemas.extend([("item", item()), ("exhibit_state", exhibit_state()), ("script", script())]);
    schemas
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn perhaps_text() -> Value {
    json!({ "type": ["string", "null"] })
}

fn hex() -> Value {
    json!({ "type": "string", "pattern": "^([0-9a-f]{2})+$" })
}

/// Digests by the name of their algorithm.
fn hashes() -> Value {
    let hashes: Map<String, Value> =
        Algorithm::ALL.iter().map(|algorithm| (algorithm.name().to_owned(), hex())).collect();
    json!({ "type": "object", "properties": hashes, "additionalProperties": false })
}

/// `diff`, and `verify` with the evidence.
fn difference() -> Value {
    let kinds = json!({ "enum": ["added", "removed", "missing", "extra", "moved", "changed",
        "metadata", "unreadable", "unknown"] });
    let properties = json!({
        "difference": kinds, "what": text(), "path": text(), "from": text(), "seq": integer(),
        "hit": { "const": true },
    });
    line("difference", &properties, &["difference", "what", "path"])
}

/// `verify`.
fn finding() -> Value {
    let properties = json!({
        "code": { "type": "string", "pattern": "^[a-z0-9-]+$" },
        "what": text(),
        "place": text(),
        "expected": text(),
        "actual": text(),
    });
    line("finding", &properties, &["code", "what", "place", "expected", "actual"])
}

/// `hash`.
fn digest() -> Value {
    let properties = json!({ "path": text(), "size": integer(), "hashes": hashes() });
    line("digest", &properties, &["path", "size", "hashes"])
}

/// `hash --check`.
fn digest_check() -> Value {
    let properties = json!({ "path": text(), "result": text() });
    line("digest_check", &properties, &["path", "result"])
}

/// `doctor`; with `--validate` there are `group`, `expected` and `actual`.
fn check() -> Value {
    let properties = json!({
        "name": text(), "passed": { "type": "boolean" }, "detail": text(),
        "group": text(), "expected": text(), "actual": text(),
    });
    line("check", &properties, &["name", "passed"])
}

/// The record that `doctor --validate` files.
fn validation() -> Value {
    let test = json!({
        "type": "object",
        "properties": {
            "group": { "enum": ["known answers", "scan", "tamper"] },
            "name": text(), "expected": text(), "actual": text(),
            "passed": { "type": "boolean" },
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

/// `doctor`: what this computer and this program are.
fn fact() -> Value {
    let value = json!({ "type": ["string", "integer", "boolean", "null"] });
    line("fact", &json!({ "name": text(), "value": value }), &["name", "value"])
}

/// `sets import`, `list`, `info`, `merge`: a compiled set and what its import accounted for.
fn set() -> Value {
    let object = json!({ "type": "object" });
    let properties = json!({
        "identity": object, "report": object, "records": integer(), "entries": integer(),
        "algorithms": text(), "keyed_by": perhaps_text(), "index_blake3": hex(),
    });
    let required = ["identity", "report", "records", "entries", "algorithms", "index_blake3"];
    line("set", &properties, &required)
}

/// `sets lookup`: a digest that a set holds.
fn matched() -> Value {
    let provenance = json!({
        "type": "object",
        "properties": {
            "builder": text(), "date": text(), "format": text(), "handling": text(),
            "index_blake3": hex(), "licence": text(), "publisher": text(),
            "rejected_rows": integer(), "scheme": text(), "source": text(),
        },
        "required": ["builder", "format", "index_blake3", "rejected_rows", "source"],
        "additionalProperties": false,
    });
    let properties = json!({
        "algorithm": { "enum": Algorithm::ALL.map(Algorithm::name) },
        "category": { "type": ["object", "null"], "properties": {
            "scheme": text(), "number": { "type": ["integer", "null"] },
            "label": perhaps_text() }, "required": ["scheme"], "additionalProperties": false },
        "digest": hex(),
        "disposition": { "enum": ["alert", "known-good", "informational"] },
        "false_positives_per_billion": integer(),
        "provenance": provenance,
        "set": text(),
        "set_sha256": hex(),
    });
    let required = ["algorithm", "digest", "disposition", "provenance", "set", "set_sha256"];
    line("match", &properties, &required)
}

/// `sets lookup`: a digest of an algorithm that no set holds.
fn not_answered() -> Value {
    line("not_answered", &json!({ "digest": hex(), "because": text() }), &["digest", "because"])
}

/// `sets diff`.
fn set_difference() -> Value {
    let properties = json!({
        "what": { "enum": ["added", "removed", "recategorised", "resized"] },
        "digests": hashes(),
        "detail": text(),
    });
    line("set_difference", &properties, &["what", "digests", "detail"])
}

/// `sets list`: a file that says it is a set and cannot be opened.
fn not_opened() -> Value {
    line("not_opened", &json!({ "path": text(), "reason": text() }), &["path", "reason"])
}

/// The states of an exhibit and of its parts.
fn state() -> Value {
    json!({ "enum": ["waiting", "running", "interrupted", "failed", "complete", "hits",
        "incomplete", "incomplete with hits"] })
}

/// `batch run`: an exhibit, or a part of one.
fn item() -> Value {
    let properties = json!({ "item": text(), "exhibit": text(), "state": state(),
        "package": text(), "reason": perhaps_text() });
    line("item", &properties, &["item", "exhibit", "state", "package"])
}

/// `batch status`, `batch merge`.
fn exhibit_state() -> Value {
    let properties = json!({
        "id": text(), "exhibit": text(), "state": state(),
        "items_done": { "type": "array", "items": integer(), "minItems": 2, "maxItems": 2 },
        "entries": integer(), "gaps": integer(), "hits": integer(),
        "reason": text(), "exit": { "type": ["integer", "null"] },
    });
    let required = ["id", "exhibit", "state", "entries", "gaps", "hits", "exit"];
    line("exhibit_state", &properties, &required)
}

/// `batch submit --dry-run`.
fn script() -> Value {
    line("script", &json!({ "path": text(), "text": text() }), &["path", "text"])
}
