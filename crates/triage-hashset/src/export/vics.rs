//! VICS 2.0 as a hash set: `{"@odata.context": ..., "value": [{MediaID, Category, MD5, ...}]}`, the
//! context first and MD5 in upper case, as public readers want it.

use serde_json::{Map, Value, json};
use triage_hash::Algorithm;

use super::{Exporting, Form, Writing};
use crate::{Error, Index, PerceptualKind, Record};

pub(super) static FORMAT: Form = Form {
    name: "vics",
    about: "VICS 2.0 JSON, hash set (MD5 and more)",
    writing: Writing::Stream(write),
};

/// The regions that schemes of categories belong to.
const REGIONS: [(&str, &str); 2] = [("vics-us", "US"), ("vics-uk", "UK")];

fn write(out: &mut Exporting<'_>) -> Result<(), Error> {
    let scheme = out.index.identity().scheme.clone().unwrap_or_default();
    let region = REGIONS.iter().find(|(known, _)| *known == scheme).map_or("Default", |(_, r)| r);
    out.put(
        format!(
            "{{\"@odata.context\":\"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/\
             {region}/$metadata#Media\",\"value\":["
        )
        .as_bytes(),
    )?;
    let index = out.index;
    for record in index.records() {
        let record = record?;
        out.report.rows += 1;
        let Some(md5) = record.digests.get(Algorithm::Md5) else {
            out.lose("rows without MD5");
            continue;
        };
        let mut medium = Map::new();
        medium.insert("MediaID".to_owned(), json!(u64::from(record.number) + 1));
        medium.insert("MD5".to_owned(), json!(format!("{md5:X}")));
        if let Some(sha1) = record.digests.get(Algorithm::Sha1) {
            medium.insert("SHA1".to_owned(), json!(format!("{sha1:X}")));
        }
        let others = [Algorithm::Sha256, Algorithm::Sha512].into_iter();
        let mut others: Vec<Value> = others
            .filter_map(|algorithm| record.digests.get(algorithm))
            .map(|digest| {
                let name = digest.algorithm().name().to_uppercase();
                json!({ "HashName": name, "HashValue": format!("{digest:X}") })
            })
            .collect();
        if out.options.perceptual {
            put_perceptual(index, &record, &mut medium, &mut others)?;
        }
        if !others.is_empty() {
            medium.insert("AlternativeHashes".to_owned(), Value::Array(others));
        }
        if let Some(size) = record.size_bytes {
            medium.insert("MediaSize".to_owned(), json!(size));
        }
        match record.category.map(|category| (category.number, category.label)) {
            Some((Some(number), _)) => {
                medium.insert("Category".to_owned(), json!(number));
            }
            Some((None, _)) => out.lose("categories without a number"),
            None => {}
        }
        let comma = if out.report.written == 0 { "\n" } else { ",\n" };
        out.put(format!("{comma}{}", Value::Object(medium)).as_bytes())?;
        out.report.written += 1;
    }
    out.put(b"\n]}\n")
}

/// Puts the perceptual digests of a record in: one PhotoDNA under its own name, as readers expect
/// it, everything else among the alternatives.
fn put_perceptual(
    index: &Index,
    record: &Record,
    medium: &mut Map<String, Value>,
    others: &mut Vec<Value>,
) -> Result<(), Error> {
    let Some(owner) = record.digests.iter().next() else { return Ok(()) };
    for digest in index.perceptual_of(owner)? {
        let name = digest.kind().vics_name();
        if digest.kind() == PerceptualKind::PhotoDna && !medium.contains_key(name) {
            medium.insert(name.to_owned(), json!(digest.to_text()));
        } else {
            others.push(json!({ "HashName": name, "HashValue": digest.to_text() }));
        }
    }
    Ok(())
}
