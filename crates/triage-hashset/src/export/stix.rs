//! STIX 2.1 (OASIS, "STIX Version 2.1", 6.7): a bundle of `file` objects with their hashes.
//!
//! Files, not indicators: an indicator has to say when it was made, and a set does not know. The
//! identifiers are those that the specification derives from the hashes (2.9), so that the same
//! file is the same object in every bundle.

use serde_json::{Map, Value, json};
use triage_hash::Algorithm;

use super::{Exporting, Form, Writing, uuid};
use crate::{Error, Record};

pub(super) static FORMAT: Form = Form {
    name: "stix",
    about: "STIX 2.1 bundle of file objects",
    writing: Writing::Stream(write),
};

/// The namespace of identifiers of objects (2.9).
const NAMESPACE: [u8; 16] = [
    0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7,
];
/// The vocabulary of hashes (10.7) in the order in which one is chosen for the identifier. BLAKE3
/// is not in it.
const HASHES: [(Algorithm, &str); 5] = [
    (Algorithm::Md5, "MD5"),
    (Algorithm::Sha1, "SHA-1"),
    (Algorithm::Sha256, "SHA-256"),
    (Algorithm::Sha512, "SHA-512"),
    (Algorithm::Sha3_256, "SHA3-256"),
];

fn write(out: &mut Exporting<'_>) -> Result<(), Error> {
    let index = out.index;
    let digest: String = index.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    let bundle = uuid::of_name(NAMESPACE, digest.as_bytes());
    out.put(format!("{{\"type\":\"bundle\",\"id\":\"bundle--{bundle}\",\"objects\":[").as_bytes())?;
    let mut last = String::new();
    for record in index.records() {
        let record = record?;
        out.report.rows += 1;
        let Some((identifier, object)) = file_of(out, &record) else { continue };
        // Rows that share the hash of the identifier follow each other.
        if identifier == last {
            out.lose("further rows of a digest");
            continue;
        }
        let comma = if out.report.written == 0 { "\n" } else { ",\n" };
        out.put(format!("{comma}{object}").as_bytes())?;
        out.report.written += 1;
        last = identifier;
    }
    out.put(b"\n]}\n")
}

fn file_of(out: &mut Exporting<'_>, record: &Record) -> Option<(String, Value)> {
    if record.category.is_some() {
        out.lose("categories");
    }
    let mut hashes = Map::new();
    let mut chosen = None;
    for (algorithm, name) in HASHES {
        let Some(digest) = record.digests.get(algorithm) else { continue };
        hashes.insert(name.to_owned(), json!(digest.to_string()));
        chosen = chosen.or_else(|| Some(format!("{{\"hashes\":{{\"{name}\":\"{digest}\"}}}}")));
    }
    if record.digests.get(Algorithm::Blake3).is_some() {
        out.lose("BLAKE3 digests");
    }
    let Some(chosen) = chosen else {
        out.lose("rows without a hash of the vocabulary");
        return None;
    };
    let identifier = format!("file--{}", uuid::of_name(NAMESPACE, chosen.as_bytes()));
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("file"));
    object.insert("spec_version".to_owned(), json!("2.1"));
    object.insert("id".to_owned(), json!(identifier));
    object.insert("hashes".to_owned(), Value::Object(hashes));
    if let Some(size) = record.size_bytes {
        object.insert("size".to_owned(), json!(size));
    }
    Some((identifier, Value::Object(object)))
}
