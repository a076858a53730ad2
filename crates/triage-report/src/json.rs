//! The report for programs: one JSON object, sums first, then the rows of the page.

use std::io::{self, Write};

use serde_json::{Value, json};
use triage_case::{Record, Status};
use triage_evidence::Recovery;

use crate::redact::Redaction;
use crate::report::{LIMIT_GAPS, LIMIT_HITS, Report, category, listed};

/// Writes the object and a line end.
pub(crate) fn render(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let rows = |records: &[Record]| -> Vec<Value> {
        records.iter().map(|record| row(record, redact)).collect()
    };
    let coverage: serde_json::Map<String, Value> = Status::ALL
        .into_iter()
        .map(|status| {
            let share = report.coverage.share(status);
            let value = json!({ "entries": share.entries, "bytes": share.bytes.to_string() });
            (status.name().to_owned(), value)
        })
        .collect();
    let listed: Vec<Value> = report
        .listed
        .iter()
        .map(|(place, entries)| {
            json!({
                "disposition": place.disposition.name(), "set": place.set,
                "category": place.category, "entries": entries,
            })
        })
        .collect();
    let reasons: Vec<Value> = report
        .reasons
        .iter()
        .map(|((status, reason), (entries, bytes))| {
            json!({
                "status": status.name(), "reason": reason, "entries": entries,
                "bytes": bytes.to_string(),
            })
        })
        .collect();
    // A rule of the scope can hold names: it goes by its place then.
    let rules: serde_json::Map<String, Value> = report
        .rules
        .iter()
        .enumerate()
        .map(|(place, (rule, entries))| (redact.rule(place, rule), json!(entries)))
        .collect();
    let document = json!({
        "v": 1,
        "type": "triage-report",
        "answer": report.answer(),
        "complete": report.is_complete(),
        "entries": report.manifest_entries,
        "hits": report.coverage.hits(),
        "probable_hits": report.coverage.probable_hits(),
        "coverage": coverage,
        "not_read": reasons,
        "excluded": rules,
        "matches": listed,
        "hit_rows": rows(&report.hits),
        "hit_rows_limit": LIMIT_HITS,
        "not_read_rows": rows(&report.gaps),
        "not_read_rows_limit": LIMIT_GAPS,
        "redacted": redact.notice(),
        "particulars": redact.particulars(&report.particulars),
        "sets": report.run["plan"]["sets"],
        "since": report.since.as_ref().map(crate::since::Since::sums),
        "limits": report.limits(),
        "run": redact.run(&report.run),
    });
    writeln!(out, "{document}")
}

fn row(record: &Record, redact: &Redaction) -> Value {
    let digests: serde_json::Map<String, Value> = redact
        .digests(record)
        .iter()
        .map(|digest| (digest.algorithm().name().to_owned(), json!(digest.to_string())))
        .collect();
    let matches: Vec<Value> = record
        .matches
        .iter()
        .map(|found| {
            json!({
                "disposition": found.disposition.name(), "set": listed(found).set,
                "category": category(found), "algorithm": found.algorithm.name(),
                "inconsistent": found.inconsistent,
                "false_positives_per_billion": found.certainty.false_positives_per_billion(),
            })
        })
        .collect();
    json!({
        "seq": record.seq,
        "path": redact.path(record),
        "status": record.status.name(),
        "deleted": record.entry.recovery.is_some(),
        "recovered": record.entry.recovery.map(Recovery::name),
        "size": redact.size(record).map(|size| size.to_string()),
        "modified": redact.times(record).modified.map(|time| time.to_string()),
        "hashes": digests,
        "matches": matches,
        "problem": record.problem.as_ref().map(ToString::to_string),
        "leaf_sha256": redact.leaf(record),
    })
}
