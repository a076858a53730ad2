//! What `plan` found, in words and as JSON lines.

use serde_json::json;
use triage_case::Status;
use triage_evidence::escape;
use triage_scan::{IoMode, Survey};

use super::plan::Question;
use super::plan_cost::Cost;
use crate::console::Console;
use crate::{exit, measure, shown};

/// Reasons that are told in words; `--json` has them all.
const SHOWN_REASONS: usize = 30;

/// Tells what would be asked of what, and in which order.
pub(super) fn question(question: &Question, console: Console) {
    let path = shown::path(question.evidence.path());
    let what = match question.evidence.image() {
        Some(image) => format!(" ({}, {})", image.format, {
            let size = image.source.size_bytes();
            measure::bytes(size)
        }),
        None => String::new(),
    };
    console.line(&format!("plan for {path}{what}"));
    console.line(&format!("  digests: {}", question.algorithms));
    for set in &question.sets.planned {
        console.line(&format!(
            "  set: {} ({} entries, {})",
            escape(set.name.as_bytes()),
            measure::count(set.entries),
            set.disposition
        ));
    }
    if question.sets.planned.is_empty() {
        console.line("  set: none, so that nothing can hit");
    }
    console.line(
        "  order: by the bytes of the locations, because the manifest is written in that order and \
         an interrupted scan goes on behind its last line",
    );
    console.line(&match question.execution.io {
        IoMode::OneReader => {
            "  readers: one at a time, in the order of the medium, because the storage spins or may \
             spin"
                .to_owned()
        },
        IoMode::Parallel => format!(
            "  readers: {} at once, because the storage does not spin as far as is known",
            question.execution.threads
        ),
    });
}

/// Tells what would be read and what would be left out.
pub(super) fn survey(survey: &Survey, console: Console) {
    let row = |entries, bytes, words: &str| {
        format!("  {:>14}  {:>12}  {words}", measure::count(entries), measure::bytes(bytes))
    };
    console.line(&format!("  {:>14}  {:>12}", "entries", "content"));
    for status in Status::ALL {
        let share = survey.coverage.share(status);
        if share.entries == 0 {
            continue;
        }
        let words = match status {
            Status::Read => "to be read, hashed and looked up",
            status => status.words(),
        };
        console.line(&row(share.entries, share.bytes, words));
    }
    let seen = survey.coverage.seen();
    console.line(&row(seen.entries, seen.bytes, "in all"));
    let deleted = survey.coverage.deleted();
    if deleted.entries > 0 {
        console.line(&row(deleted.entries, deleted.bytes, "of these deleted"));
    }
    if survey.read_bytes < survey.coverage.share(Status::Read).bytes {
        let bytes = measure::bytes(survey.read_bytes);
        console.line(&format!("  {bytes} are read: a file with several names is read once"));
    }
    parts(survey, console);
    reasons(survey, console);
}

fn parts(survey: &Survey, console: Console) {
    for (name, share) in &survey.parts {
        let name = escape(name);
        console.record(&json!({
            "v": 1, "type": "part", "name": name, "entries": share.entries,
            "bytes": shown::exact(share.bytes),
        }));
    }
}

fn reasons(survey: &Survey, console: Console) {
    if survey.reasons.is_empty() {
        return;
    }
    console.line("left out, and why:");
    for (place, (reason, share)) in survey.reasons.iter().enumerate() {
        let text = escape(reason.text.as_bytes());
        if place < SHOWN_REASONS {
            let (entries, bytes) = (entries(share.entries), measure::bytes(share.bytes));
            console.line(&format!("  {entries}, {bytes}: {}: {text}", reason.status));
        }
        console.record(&json!({
            "v": 1, "type": "left_out", "status": reason.status.name(), "reason": text,
            "entries": share.entries, "bytes": shown::exact(share.bytes),
        }));
    }
    if survey.reasons.len() > SHOWN_REASONS {
        let more = survey.reasons.len() - SHOWN_REASONS;
        console.line(&format!("  and {more} more reasons: see --json"));
    }
}

/// Tells how long it would take.
pub(super) fn cost(cost: Option<&Cost>, survey: &Survey, console: Console) {
    let Some(cost) = cost else { return };
    let seconds = cost.whole.as_secs();
    let time = match seconds {
        0 => "less than a second".to_owned(),
        1..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    };
    console.line(&format!("estimated time: {time}"));
    console.line(&format!(
        "  measured now over {} of {} files, which memory may have given: storage {}/s and {} us a \
         file, digests {}/s, names {:.1} s",
        measure::bytes(cost.sampled.bytes),
        measure::count(survey.coverage.share(Status::Read).entries),
        measure::bytes(cost.read_bytes_per_s),
        cost.file_us,
        measure::bytes(cost.hash_bytes_per_s),
        cost.walked.as_secs_f64(),
    ));
}

/// Returns the last line.
pub(super) fn verdict(survey: &Survey, code: u8) -> String {
    let share = survey.coverage.share(Status::Read);
    let (files, bytes) = (measure::count(share.entries), measure::bytes(survey.read_bytes));
    if code == exit::COMPLETE {
        return format!("a scan would read {files} files, {bytes}, and be complete");
    }
    format!(
        "a scan would read {files} files, {bytes}, and be INCOMPLETE: {} cannot be examined in full \
         (exit {code})",
        entries(survey.coverage.gaps())
    )
}

/// Writes a number of entries.
pub(super) fn entries(number: u64) -> String {
    match number {
        1 => "1 entry".to_owned(),
        many => format!("{} entries", measure::count(many)),
    }
}
