//! The lines of `probe` and of `plan`.

use serde_json::{Value, json};
use triage_case::Status;
use triage_evidence::ProblemKind;

use super::{integer, line};

/// Returns the schemas of `probe` and `plan`.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
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
