//! An event of MISP: a `file` object a row, with its digests and size as attributes.
//!
//! `to_ids`, which lets MISP's exports alert, is set for sets that alert only. The event is not
//! published, is for the own organisation only, and has no time-stamps: MISP fills in its own.

use serde_json::{Value, json};
use triage_hash::Algorithm;

use super::{Exporting, Form, Writing, uuid};
use crate::{Disposition, Error};

pub(super) static FORMAT: Form = Form {
    name: "misp",
    about: "event of MISP (JSON) with file objects",
    writing: Writing::Stream(write),
};

/// The namespace of names that are addresses (RFC 9562, 6.6).
const NAMESPACE: [u8; 16] = [
    0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
];
/// The published template of `file` objects.
const TEMPLATE: &str = "688c46fb-5edb-40a3-8273-1af7923e2215";
/// The category of digests.
const DELIVERY: &str = "Payload delivery";
/// The types of attributes that are digests. BLAKE3 is none.
const TYPES: [(Algorithm, &str); 5] = [
    (Algorithm::Md5, "md5"),
    (Algorithm::Sha1, "sha1"),
    (Algorithm::Sha256, "sha256"),
    (Algorithm::Sha512, "sha512"),
    (Algorithm::Sha3_256, "sha3-256"),
];

fn write(out: &mut Exporting<'_>) -> Result<(), Error> {
    let index = out.index;
    let set: String = index.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = |what: &str| uuid::of_name(NAMESPACE, format!("urn:blake3:{set}#{what}").as_bytes());
    let identity = index.identity();
    let alerts = identity.disposition == Disposition::Alert;
    let mut info = identity.name.clone();
    if let Some(version) = &identity.version {
        info.push_str(&format!(" ({version})"));
    }
    // Threat level 4: undefined. Analysis 2: completed. Distribution 0: the own organisation.
    let mut head = json!({
        "uuid": name("event"), "info": info, "threat_level_id": "4", "analysis": "2",
        "distribution": "0", "published": false,
    });
    if let Some(date) = identity.date.as_deref().filter(|date| is_date(date)) {
        head["date"] = json!(date);
    }
    let handling = identity.handling.as_deref().unwrap_or_default().to_ascii_lowercase();
    if let Some(colour) = handling.strip_prefix("tlp:").filter(|rest| is_word(rest)) {
        head["Tag"] = json!([{ "name": format!("tlp:{colour}") }]);
    }
    let head = head.to_string();
    let open = head.strip_suffix('}').unwrap_or(&head);
    out.put(format!("{{\"Event\":{open},\"Attribute\":[],\"Object\":[").as_bytes())?;
    for record in index.records() {
        let record = record?;
        out.report.rows += 1;
        if record.category.is_some() {
            out.lose("categories");
        }
        if record.digests.get(Algorithm::Blake3).is_some() {
            out.lose("BLAKE3 digests");
        }
        let number = record.number;
        let attribute = |relation: &str, kind: &str, category: &str, value: Value| {
            json!({
                "uuid": name(&format!("{number}-{relation}")), "object_relation": relation,
                "type": kind, "category": category, "value": value,
                "to_ids": alerts && category == DELIVERY,
            })
        };
        let digests = TYPES.iter().filter_map(|(a, kind)| Some((record.digests.get(*a)?, *kind)));
        let mut attributes: Vec<Value> = digests
            .map(|(digest, kind)| attribute(kind, kind, DELIVERY, json!(digest.to_string())))
            .collect();
        if attributes.is_empty() {
            out.lose("rows without a digest that MISP has");
            continue;
        }
        if let Some(size) = record.size_bytes {
            let size = json!(size.to_string());
            attributes.push(attribute("size-in-bytes", "size-in-bytes", "Other", size));
        }
        let object = json!({
            "uuid": name(&number.to_string()), "name": "file", "meta-category": "file",
            "template_uuid": TEMPLATE, "template_version": "25", "Attribute": attributes,
        });
        let comma = if out.report.written == 0 { "\n" } else { ",\n" };
        out.put(format!("{comma}{object}").as_bytes())?;
        out.report.written += 1;
    }
    out.put(b"\n]}}\n")
}

/// Says whether a text is one word, such as `red` or `amber+strict`.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'+')
}

/// Says whether a text is a date as MISP writes it: `2026-11-25`.
fn is_date(text: &str) -> bool {
    let pattern = "dddd-dd-dd".bytes();
    text.len() == 10
        && text.bytes().zip(pattern).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        })
}
