//! Hits and problems as CASE 1.5.0 / UCO in JSON-LD, with the run, the tool, the person and the
//! exhibit. Selected items only: validators of the field take minutes for two thousand files.
//!
//! The context is inline, no remote one is named. Identifiers are UUIDs of version 5 (RFC 9562,
//! 5.5) in the namespace of the run, so that the same case gives the same bytes.

use std::io::{self, Write};

use serde_json::{Value, json};
use triage_case::{Record, Status};
use triage_evidence::{Kind, Time};
use triage_hash::{Algorithm, Algorithms, hash_bytes};

use crate::Report;
use crate::redact::Redaction;
use crate::report::{category, listed};
use crate::summary::{state, text};

/// How many entries are written: with 500, `case_validate` still takes less than a minute.
const LIMIT_ITEMS: usize = 500;

/// Makes the identifiers of one document.
struct Names<'a> {
    run_id: &'a str,
}

impl Names<'_> {
    /// Returns the identifier of a thing.
    fn id(&self, kind: &str, what: &str) -> String {
        let name = format!("{}/{kind}/{what}", self.run_id);
        let digests = hash_bytes(Algorithms::NONE.with(Algorithm::Sha1), name.as_bytes());
        let mut bytes = [0_u8; 16];
        if let Some(digest) = digests.get(Algorithm::Sha1) {
            bytes.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
        }
        bytes[6] = bytes[6] & 0x0f | 0x50;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = triage_evidence::hex(&bytes);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        format!("kb:{kind}-{}", parts.join("-"))
    }

    fn reference(&self, kind: &str, what: &str) -> Value {
        json!({ "@id": self.id(kind, what) })
    }
}

/// Renders the graph, a node a line.
pub(crate) fn render(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let names = Names { run_id: report.run["run_id"].as_str().unwrap_or_default() };
    let context = json!({
        "kb": "http://example.org/kb/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "case-investigation": "https://ontology.caseontology.org/case/investigation/",
        "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
        "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
        "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
        "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
        "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
        "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    });
    writeln!(out, "{{\"@context\":{context},\n\"@graph\":[")?;
    let items: Vec<&Record> = report.hits.iter().chain(&report.gaps).take(LIMIT_ITEMS).collect();
    for node in about(report, redact, &names, &items) {
        writeln!(out, "{node},")?;
    }
    for item in &items {
        writeln!(out, "{},", file(item, redact, &names))?;
    }
    writeln!(out, "{}\n]}}", investigation(report, &names))
}

fn about(report: &Report, redact: &Redaction, names: &Names<'_>, items: &[&Record]) -> Vec<Value> {
    let particulars = redact.particulars(&report.particulars);
    let exhibit = text(&particulars["exhibit"]);
    let mut nodes = vec![
        json!({
            "@id": names.id("tool", ""),
            "@type": "uco-tool:Tool",
            "uco-core:name": "triage",
            "uco-tool:version": text(&report.run["tool"]["version"]),
            "uco-tool:toolType": "forensic triage",
        }),
        json!({
            "@id": names.id("person", ""),
            "@type": "uco-identity:Person",
            "uco-core:name": stated(&particulars["examiner"]),
        }),
        device(&particulars["device"], names),
        json!({
            "@id": names.id("received", ""),
            "@type": "case-investigation:ProvenanceRecord",
            "uco-core:description": "The exhibit as received",
            "case-investigation:exhibitNumber": exhibit,
            "uco-core:object": [names.reference("device", "")],
        }),
    ];
    let files: Vec<Value> =
        items.iter().map(|item| names.reference("file", &item.seq.to_string())).collect();
    let mut objects = files;
    if objects.is_empty() {
        objects.push(names.reference("device", ""));
    }
    nodes.push(json!({
        "@id": names.id("result", ""),
        "@type": "case-investigation:ProvenanceRecord",
        "uco-core:description": selection(report, redact, items.len()),
        "case-investigation:exhibitNumber": format!("{exhibit}-triage"),
        "case-investigation:rootExhibitNumber": exhibit,
        "uco-core:object": objects,
    }));
    nodes.push(action(report, names));
    nodes
}

/// Says which entries stand here, and that there are more.
fn selection(report: &Report, redact: &Redaction, items: usize) -> String {
    let all = report.coverage.hits() + report.gaps_beside_hits;
    let rest = if all > items as u64 {
        format!(" Only the first {items} of {all} stand here.")
    } else {
        String::new()
    };
    format!(
        "Entries with an alerting match, and entries that were not examined in full, {items} in \
         all.{rest} Derived from data/manifest.ndjson, which lists every entry. {}",
        redact.notice()
    )
    .trim_end()
    .to_owned()
}

fn stated(value: &Value) -> String {
    Some(text(value)).filter(|text| !text.is_empty()).unwrap_or_else(|| "not stated".to_owned())
}

fn device(device: &Value, names: &Names<'_>) -> Value {
    let mut facet = json!({
        "@id": names.id("device-facet", ""),
        "@type": "uco-observable:DeviceFacet",
    });
    for (key, value) in [("model", &device["model"]), ("serialNumber", &device["serial"])] {
        if !text(value).is_empty() {
            facet[format!("uco-observable:{key}")] = json!(text(value));
        }
    }
    json!({
        "@id": names.id("device", ""),
        "@type": "uco-observable:ObservableObject",
        "uco-core:hasFacet": [facet],
    })
}

fn action(report: &Report, names: &Names<'_>) -> Value {
    let mut action = json!({
        "@id": names.id("action", ""),
        "@type": "case-investigation:InvestigativeAction",
        "uco-core:name": "hash triage",
        "uco-core:description": report.answer(),
        "uco-action:performer": names.reference("person", ""),
        "uco-action:instrument": [names.reference("tool", "")],
        "uco-action:object": [names.reference("device", "")],
        "uco-action:result": [names.reference("result", "")],
    });
    for (key, value) in [("startTime", "start"), ("endTime", "end")] {
        let time = text(&report.run["clock"][value]);
        if !time.is_empty() {
            action[format!("uco-action:{key}")] = typed("dateTime", &time);
        }
    }
    action
}

fn investigation(report: &Report, names: &Names<'_>) -> Value {
    json!({
        "@id": names.id("investigation", ""),
        "@type": "case-investigation:Investigation",
        "uco-core:name": stated(&report.particulars["case"]),
        "uco-core:object": [
            names.reference("received", ""),
            names.reference("result", ""),
            names.reference("action", ""),
        ],
    })
}

fn typed(kind: &str, value: &str) -> Value {
    json!({ "@type": format!("xsd:{kind}"), "@value": value })
}

fn file(record: &Record, redact: &Redaction, names: &Names<'_>) -> Value {
    let entry = &record.entry;
    let seq = record.seq.to_string();
    let path = redact.path(record);
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut facet = json!({
        "@id": names.id("file-facet", &seq),
        "@type": "uco-observable:FileFacet",
        "uco-observable:fileName": name,
        "uco-observable:filePath": path,
        "uco-observable:isDirectory": entry.kind == Kind::Directory,
    });
    if let Some(size) = redact.size(record) {
        facet["uco-observable:sizeInBytes"] = typed("integer", &size.to_string());
    }
    let times = redact.times(record);
    for (key, time) in [
        ("modifiedTime", times.modified),
        ("accessedTime", times.accessed),
        ("metadataChangeTime", times.changed),
        ("observableCreatedTime", times.born),
    ] {
        // XML Schema has no year 0, and no time beyond the year 9999.
        let time = time.map(|time: Time| time.to_string());
        let time = time.filter(|text| !text.starts_with(['@', '-']) && !text.starts_with("0000"));
        if let Some(time) = time {
            facet[format!("uco-observable:{key}")] = typed("dateTime", &time);
        }
    }
    let mut facets = vec![facet];
    facets.extend(content(record, redact, names, &seq));
    json!({
        "@id": names.id("file", &seq),
        "@type": "uco-observable:File",
        "uco-core:description": description(record, redact),
        "uco-core:hasFacet": facets,
    })
}

/// The digests, of a file that was read whole.
fn content(record: &Record, redact: &Redaction, names: &Names<'_>, seq: &str) -> Option<Value> {
    let known = |algorithm| match algorithm {
        Algorithm::Md5 => Some("MD5"),
        Algorithm::Sha1 => Some("SHA1"),
        Algorithm::Sha256 => Some("SHA256"),
        Algorithm::Sha512 => Some("SHA512"),
        Algorithm::Sha3_256 => Some("SHA3-256"),
        Algorithm::Blake3 => None,
    };
    let hashes: Vec<Value> = redact
        .digests(record)
        .iter()
        .filter_map(|digest| {
            let method = known(digest.algorithm())?;
            Some(json!({
                "@id": names.id("hash", &format!("{seq}/{method}")),
                "@type": "uco-types:Hash",
                "uco-types:hashMethod": method,
                "uco-types:hashValue": typed("hexBinary", &format!("{digest:X}")),
            }))
        })
        .collect();
    (!hashes.is_empty()).then(|| {
        json!({
            "@id": names.id("content", seq),
            "@type": "uco-observable:ContentDataFacet",
            "uco-observable:hash": hashes,
        })
    })
}

fn description(record: &Record, redact: &Redaction) -> String {
    let mut parts = vec![format!("entry {} of the manifest", record.seq)];
    let state = state(record);
    if !state.is_empty() {
        parts.push(state.trim_end().to_owned());
    }
    if record.status != Status::Read {
        parts.push(record.status.words().to_owned());
    }
    parts.extend(record.problem.as_ref().map(ToString::to_string));
    parts.extend(record.matches.iter().map(|found| {
        format!(
            "{} match: {} [{}] by {}",
            found.disposition,
            listed(found).set,
            category(found),
            found.algorithm
        )
    }));
    parts.extend(redact.leaf(record).map(|leaf| format!("leaf {leaf}")));
    parts.join("; ")
}
