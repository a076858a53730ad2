//! Hits as a case of VICS 2.0: `{"@odata.context": ..., "value": [{case, "Media": [...]}]}`, the
//! shape and the spelling that public readers accept. No content goes along.
//!
//! `Category` is given where every match of the entry that has a VICS category gives the same
//! number; where sets disagree it is left to a person, and `Comments` names every one.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use triage_case::{CaseDir, Error, Record};
use triage_evidence::Time;
use triage_hash::Algorithm;

use crate::Report;
use crate::redact::Redaction;
use crate::report::{category, listed};
use crate::summary::text;

/// The schemes of VICS, and the regions of its contexts.
const REGIONS: [(&str, &str); 2] = [("vics-us", "US"), ("vics-uk", "UK")];

/// Renders the case.
pub(crate) fn render(
    report: &Report,
    case: &CaseDir,
    redact: &Redaction,
    out: &mut dyn Write,
) -> io::Result<()> {
    if redact.hides_all() {
        let text = "a VICS case is a list of digests: nothing would be left";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    head(report, redact, out)?;
    let mut first = true;
    let mut put = |record: &Record, out: &mut dyn Write| -> io::Result<()> {
        let comma = if first { "\n" } else { ",\n" };
        first = false;
        write!(out, "{comma}{}", medium(record, redact))
    };
    if report.coverage.hits() == report.hits.len() as u64 {
        report.hits.iter().try_for_each(|record| put(record, out))?;
    } else {
        case.for_each_record(&mut |record| {
            if !record.is_hit() {
                return Ok(());
            }
            put(&record, out).map_err(|error| Error::Damaged {
                document: "the VICS case".to_owned(),
                reason: error.to_string(),
            })
        })
        .map_err(io::Error::other)?;
    }
    writeln!(out, "\n]}}]}}")
}

fn head(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let mut regions = report.listed.keys().filter_map(|place| {
        REGIONS.iter().find(|(scheme, _)| place.category.starts_with(scheme)).map(|(_, r)| *r)
    });
    let region = regions.next().unwrap_or("Default");
    let region = if regions.all(|other| other == region) { region } else { "Default" };
    let id = report.run["run_id"].as_str().unwrap_or_default();
    let id = id.strip_prefix("urn:uuid:").unwrap_or(id).to_uppercase();
    let particulars = redact.particulars(&report.particulars);
    let mut about = Map::new();
    about.insert("CaseID".to_owned(), json!(format!("{{{id}}}")));
    for (key, value) in [
        ("CaseNumber", &particulars["case"]),
        ("ContactName", &particulars["examiner"]),
        ("ContactOrganization", &particulars["organisation"]),
    ] {
        if !text(value).is_empty() {
            about.insert(key.to_owned(), json!(text(value)));
        }
    }
    about.insert("SourceApplicationName".to_owned(), json!("triage"));
    about.insert("SourceApplicationVersion".to_owned(), report.run["tool"]["version"].clone());
    about.insert("TotalMediaFiles".to_owned(), json!(report.coverage.hits()));
    let about = Value::Object(about).to_string();
    write!(
        out,
        "{{\"@odata.context\":\"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/\
         {region}/$metadata#Cases\",\"value\":[{},\"Media\":[",
        about.strip_suffix('}').unwrap_or(&about)
    )
}

fn medium(record: &Record, redact: &Redaction) -> Value {
    let entry = &record.entry;
    let path = redact.path(record);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let md5 = record.digests.get(Algorithm::Md5).map(|digest| format!("{digest:X}"));
    let mut file = Map::new();
    let mut medium = Map::new();
    medium.insert("MediaID".to_owned(), json!(record.seq));
    if let Some(md5) = &md5 {
        medium.insert("MD5".to_owned(), json!(md5));
        file.insert("MD5".to_owned(), json!(md5));
    }
    if let Some(sha1) = record.digests.get(Algorithm::Sha1) {
        medium.insert("SHA1".to_owned(), json!(format!("{sha1:X}")));
    }
    if let Some(sha256) = record.digests.get(Algorithm::Sha256) {
        let other = json!([{ "HashName": "SHA256", "HashValue": format!("{sha256:X}") }]);
        medium.insert("AlternativeHashes".to_owned(), other);
    }
    if let Some(size) = entry.size_bytes {
        medium.insert("MediaSize".to_owned(), json!(size));
    }
    medium.insert("Category".to_owned(), agreed(record));
    medium.insert("Comments".to_owned(), json!(comments(record)));
    file.insert("FileName".to_owned(), json!(name));
    file.insert("FilePath".to_owned(), json!(folder.replace('/', "\\")));
    let time = |time: Option<Time>| time.map(|time| time.to_string());
    for (key, value) in [
        ("Created", time(entry.times.born)),
        ("Written", time(entry.times.modified)),
        ("Accessed", time(entry.times.accessed)),
    ] {
        if let Some(value) = value.filter(|text| !text.starts_with('@')) {
            file.insert(key.to_owned(), json!(value));
        }
    }
    let deleted = if entry.recovery.is_some() { "true" } else { "false" };
    file.insert("Deleted".to_owned(), json!(deleted));
    medium.insert("MediaFiles".to_owned(), json!([file]));
    Value::Object(medium)
}

/// The number that all VICS categories of the entry agree on, else null.
fn agreed(record: &Record) -> Value {
    let of_vics = record.matches.iter().filter_map(|found| found.category.as_ref());
    let of_vics = of_vics.filter(|category| category.scheme.starts_with("vics"));
    let mut numbers = of_vics.map(|category| (category.scheme.as_str(), category.number));
    match numbers.next() {
        Some(first) if numbers.all(|other| other == first) => json!(first.1),
        _ => Value::Null,
    }
}

fn comments(record: &Record) -> String {
    let matches: Vec<String> = record
        .matches
        .iter()
        .map(|found| {
            format!(
                "{}: {} [{}] by {}{}",
                found.disposition,
                listed(found).set,
                category(found),
                found.algorithm,
                if found.inconsistent { ", inconsistent" } else { "" }
            )
        })
        .collect();
    matches.join("; ")
}
