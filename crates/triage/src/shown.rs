//! Paths and records as the terminal shows them: escaped, one line each.

use std::path::Path;

use serde_json::{Value, json};
use triage_case::{Coverage, Record, Status};
use triage_hashset::{Certainty, Disposition};
pub(crate) use triage_scan::{coverage_json, exact};

use crate::measure;

/// Returns a path of this computer in display form.
pub(crate) fn path(path: &Path) -> String {
    triage_evidence::escape(path.as_os_str().as_encoded_bytes())
}

/// Returns the line of a hit: category, set, size, path.
pub(crate) fn hit_line(record: &Record) -> String {
    let alerts = record.matches.iter().filter(|found| found.disposition == Disposition::Alert);
    let mut lists: Vec<String> = alerts
        .map(|found| {
            let category = found.category.as_ref().map_or_else(
                || "no category".to_owned(),
                |category| {
                    let number = category.number.map(|n| format!(" {n}")).unwrap_or_default();
                    let label = category.label.as_deref().map(|l| format!(" {l}"));
                    format!("{}{number}{}", category.scheme, label.unwrap_or_default())
                },
            );
            let doubt = if found.inconsistent { ", INCONSISTENT" } else { "" };
            let chance = match found.certainty {
                Certainty::Exact => String::new(),
                probable @ Certainty::Probable { .. } => format!(", {probable}"),
            };
            let by = found.algorithm;
            triage_evidence::escape(
                format!("[{category}] {} ({by}{doubt}{chance})", found.set).as_bytes(),
            )
        })
        .collect();
    lists.sort_unstable();
    lists.dedup();
    let size = measure::bytes(record.entry.size_bytes.unwrap_or(0));
    let state = record
        .entry
        .recovery
        .map_or_else(String::new, |recovery| format!("  DELETED (recovered: {})", recovery.name()));
    let word = if record.is_only_probable_hit() { "PROBABLE HIT" } else { "HIT" };
    format!("{word}  {}  {size}  {}{state}", lists.join("; "), record.entry.location)
}

/// Returns the number of hits in words, and how many of them a bloom filter alone has found.
pub(crate) fn hits_words(coverage: &Coverage) -> String {
    let hits = match coverage.hits() {
        0 => "no hit".to_owned(),
        1 => "1 hit".to_owned(),
        hits => format!("{} hits", measure::count(hits)),
    };
    format!("{hits}{}", probable_words(coverage))
}

/// Says how many of the hits a bloom filter alone has found, if any.
pub(crate) fn probable_words(coverage: &Coverage) -> String {
    match coverage.probable_hits() {
        0 => String::new(),
        probable => format!(" ({} of them PROBABLE ONLY)", measure::count(probable)),
    }
}

/// Returns a record as a JSON value: its manifest line with a type of its own.
pub(crate) fn record_json(kind: &str, record: &Record, exhibit: &str) -> Value {
    let mut line = Vec::new();
    triage_case::write_line(record, exhibit, &mut line);
    let entry: Value = serde_json::from_slice(&line).unwrap_or(Value::Null);
    json!({ "v": 1, "type": kind, "entry": entry })
}

/// Returns the coverage as lines of a table.
pub(crate) fn coverage_lines(coverage: &Coverage) -> Vec<String> {
    let line = |entries: u64, bytes: u64, words: &str| {
        format!("  {:>14}  {:>12}  {words}", measure::count(entries), measure::bytes(bytes))
    };
    let mut lines = vec![format!("  {:>14}  {:>12}", "entries", "content")];
    for status in Status::ALL {
        let share = coverage.share(status);
        if share.entries > 0 {
            lines.push(line(share.entries, share.bytes, status.words()));
        }
    }
    let seen = coverage.seen();
    lines.push(line(seen.entries, seen.bytes, "in all"));
    let deleted = coverage.deleted();
    if deleted.entries > 0 {
        lines.push(line(deleted.entries, deleted.bytes, "of these deleted"));
    }
    if coverage.unlisted_directories() > 0 {
        lines.push(format!(
            "  {} not listed in full: what lies below is not in these sums",
            measure::counted(coverage.unlisted_directories(), "directory was", "directories were")
        ));
    }
    lines
}
