//! Tables for spreadsheets: RFC 4180, every entry a row, streamed.
//!
//! A cell never begins with a character that a spreadsheet takes for a formula: paths begin with
//! `./`, other free texts with `t:` where they would.

use std::io::{self, Write};

use triage_case::{CaseDir, Error, Record, Status};
use triage_hash::Algorithm;

use crate::Report;
use crate::redact::Redaction;
use crate::report::{category, listed};

/// Renders every entry.
pub(crate) fn entries(case: &CaseDir, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    table(case, redact, out, &|_| true)
}

/// Renders every entry with an alerting match.
pub(crate) fn hits(
    report: &Report,
    case: &CaseDir,
    redact: &Redaction,
    out: &mut dyn Write,
) -> io::Result<()> {
    // A pass over the manifest costs a third of a scan of small files: it is made only for rows
    // that the report does not hold already.
    if report.coverage.hits() == report.hits.len() as u64 {
        return held(&report.hits, redact, out);
    }
    table(case, redact, out, &Record::is_hit)
}

/// Renders every entry that was not read although it may have content, and why.
pub(crate) fn not_read(
    report: &Report,
    case: &CaseDir,
    redact: &Redaction,
    out: &mut dyn Write,
) -> io::Result<()> {
    let excluded = report.coverage.share(Status::Excluded).entries;
    if excluded == 0 && report.coverage.gaps() == report.gaps.len() as u64 {
        return held(&report.gaps, redact, out);
    }
    table(case, redact, out, &|record| record.status.is_gap() || record.status == Status::Excluded)
}

/// Renders rows that are in memory.
fn held(records: &[Record], redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    rows.write_record(header(redact))?;
    for record in records {
        rows.write_record(row(record, redact))?;
    }
    rows.flush()
}

fn header(redact: &Redaction) -> Vec<&'static str> {
    let mut header = vec![
        "seq",
        "path",
        "type",
        "status",
        "recovered",
        "size",
        "modified",
        "born",
        "links",
        "target",
    ];
    header.extend(Algorithm::ALL.map(Algorithm::name));
    header.extend(["matches", "inconsistent", "rule", "problem"]);
    if redact.hides_names() {
        header.push("leaf_sha256");
    }
    header
}

fn table(
    case: &CaseDir,
    redact: &Redaction,
    out: &mut dyn Write,
    wanted: &dyn Fn(&Record) -> bool,
) -> io::Result<()> {
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    rows.write_record(header(redact))?;
    case.for_each_record(&mut |record| {
        if !wanted(&record) {
            return Ok(());
        }
        rows.write_record(row(&record, redact)).map_err(|error| Error::Damaged {
            document: "the table".to_owned(),
            reason: error.to_string(),
        })
    })
    .map_err(io::Error::other)?;
    rows.flush()
}

fn row(record: &Record, redact: &Redaction) -> Vec<String> {
    let entry = &record.entry;
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let time =
        |time: Option<triage_evidence::Time>| time.map(|time| time.to_string()).unwrap_or_default();
    let mut cells = vec![
        record.seq.to_string(),
        format!("./{}", redact.path(record)),
        entry.kind.name().to_owned(),
        record.status.name().to_owned(),
        entry.recovery.map_or("", triage_evidence::Recovery::name).to_owned(),
        number(redact.size(record)),
        time(redact.times(record).modified),
        time(redact.times(record).born),
        number(entry.links.filter(|_| !redact.hides_all())),
        text(&redact.target(record)),
    ];
    let digests = redact.digests(record);
    cells.extend(Algorithm::ALL.map(|algorithm| {
        digests.get(algorithm).map(|digest| digest.to_string()).unwrap_or_default()
    }));
    let matches: Vec<String> = record
        .matches
        .iter()
        .map(|found| {
            format!(
                "{}: {} [{}] by {}",
                found.disposition,
                listed(found).set,
                category(found),
                found.algorithm
            )
        })
        .collect();
    cells.push(text(&matches.join("; ")));
    let inconsistent = record.matches.iter().any(|found| found.inconsistent);
    cells.push(if inconsistent { "yes" } else { "" }.to_owned());
    let rule = record.rule.as_deref().unwrap_or_default();
    let hidden = redact.hides_names() && !rule.is_empty();
    cells.push(if hidden { "left out".to_owned() } else { text(rule) });
    cells.push(text(&record.problem.as_ref().map(ToString::to_string).unwrap_or_default()));
    cells.extend(redact.leaf(record));
    cells
}

/// Returns a text that no spreadsheet takes for a formula.
fn text(text: &str) -> String {
    let text = triage_evidence::escape(text.as_bytes()).replace("\\\\", "\\");
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']) {
        format!("t:{text}")
    } else {
        text
    }
}
