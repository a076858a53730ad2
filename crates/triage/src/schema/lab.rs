//! The lines of work on many packages: `match`, `correlate`.

use serde_json::{Value, json};
use triage_hash::Algorithm;

use super::{integer, line};

/// Returns the schemas of these verbs.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("match_change", match_change()),
        ("exhibit", exhibit()),
        ("shared", shared()),
        ("pair", pair()),
        ("failed", failed()),
    ]
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn perhaps_text() -> Value {
    json!({ "type": ["string", "null"] })
}

/// `match --changed-from`: a record whose matches differ between two releases of a set.
fn match_change() -> Value {
    let properties = json!({
        "change": { "enum": ["new", "gone", "recategorised"] },
        "package": text(),
        "before": { "type": "array" },
        "entry": { "$ref": "record.json" },
    });
    line("match_change", &properties, &["change", "package", "before", "entry"])
}

/// `correlate`: what was compared.
fn exhibit() -> Value {
    let properties = json!({
        "exhibit": text(), "case": perhaps_text(), "owner": perhaps_text(),
        "seals": { "type": "array", "items": text() },
        "first_seen": perhaps_text(), "last_seen": perhaps_text(),
        "files": integer(), "known_good": integer(), "empty": integer(),
        "without_content": integer(), "gaps": integer(), "doubts": { "type": "boolean" },
        "inventory": { "type": "boolean" },
    });
    line("exhibit", &properties, &["exhibit", "files", "gaps"])
}

/// `correlate`: a file that several exhibits have.
fn shared() -> Value {
    let flag = json!({ "type": "boolean" });
    let on = json!({ "type": "object", "properties": {
        "exhibit": text(), "copies": integer(), "path": text(),
        "first_seen": perhaps_text(), "last_seen": perhaps_text(),
        "modified_first": perhaps_text(), "modified_last": perhaps_text(),
    }, "required": ["exhibit"], "additionalProperties": false });
    let properties = json!({
        "digest": { "type": "string", "pattern": "^[0-9a-f]+$" },
        "algorithm": { "enum": Algorithm::ALL.map(Algorithm::name) },
        "keyed": flag, "size": integer(), "exhibit_count": integer(), "owners": integer(),
        "copies": integer(), "rare": flag, "alert": flag, "informational": flag,
        "probable_alert": flag, "probable_informational": flag,
        "first_seen": perhaps_text(), "last_seen": perhaps_text(),
        "exhibits": { "type": "array", "items": on },
    });
    line("shared", &properties, &["digest", "algorithm", "exhibits", "rare"])
}

/// `correlate`: two exhibits that share rare files.
fn pair() -> Value {
    let properties = json!({ "a": text(), "b": text(), "rare_files": integer() });
    line("pair", &properties, &["a", "b", "rare_files"])
}

/// A package that could not be used; the others were.
fn failed() -> Value {
    line("failed", &json!({ "package": text(), "because": text() }), &["package", "because"])
}
