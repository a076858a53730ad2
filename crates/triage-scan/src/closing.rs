//! The end of a scan: its documents, its reports, its custody, its seal.
//!
//! In this order: [`put_documents`], [`put_reports`], [`seal`]. Each can be done again after a run
//! that was killed in between.

use std::time::Duration;

use serde_json::{Map, Value, json};
use triage_case::{CaseDir, Closing, Coverage, SignedBy, Status};
use triage_custody::{Event, Person};
use triage_report::{Format, Gathered, Redact, Report};

use crate::{Begun, Ended, Error, Verdict};

/// What the run itself knows, beside plan and manifest.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The program: `name`, `version` and what else is known of it.
    pub tool: Value,
    /// When the run ended, RFC 3339 with an offset.
    pub time: String,
    /// The name of the time zone of this computer.
    pub zone: Option<String>,
    /// How long the run took.
    pub elapsed: Option<Duration>,
    /// Further members of the document: the self-test, the computer, how it was done.
    pub further: Map<String, Value>,
}

/// Writes `run.json` and what was typed in.
///
/// # Errors
/// [`Error`] if one of them cannot be written.
pub fn put_documents(
    case: &CaseDir,
    begun: &Begun,
    ended: &Ended,
    facts: &RunFacts,
) -> Result<(), Error> {
    case.put_document("data/run.json", &run_document(begun, ended, facts))?;
    let particulars = serde_json::to_value(&begun.particulars);
    let particulars = particulars.map_err(|error| Error::Stored { reason: error.to_string() })?;
    Ok(case.put_document("data/case.json", &particulars)?)
}

/// Puts the reports that every package holds, and those that were asked for. Without what was
/// gathered on the way the manifest is read again.
///
/// # Errors
/// [`Error::Case`] if the package cannot be read or written.
pub fn put_reports(
    case: &CaseDir,
    gathered: Option<Gathered>,
    further: &[Format],
) -> Result<(), Error> {
    let report = match gathered {
        Some(gathered) => Report::from_gathered(case, gathered)?,
        None => Report::of(case)?,
    };
    let further = further.iter().filter(|format| !Format::ALWAYS.contains(format));
    for format in Format::ALWAYS.iter().chain(further) {
        case.put(format.path(), &mut |out| report.render(case, *format, Redact::Nothing, out))?;
    }
    Ok(())
}

/// Closes the package: custody, seal, signature.
///
/// # Errors
/// [`Error::Case`] if the package cannot be written or the key does not sign.
pub fn seal(
    case: &CaseDir,
    begun: &Begun,
    ended: &Ended,
    (event, facts): (Event, &RunFacts),
    signed_by: Option<&SignedBy>,
) -> Result<(), Error> {
    Ok(case.close(&Closing {
        particulars: &begun.particulars,
        events: vec![event],
        manifest: &ended.manifest,
        algorithms: &begun.plan.algorithms,
        run_id: &begun.run_id,
        time: &facts.time,
        tool: facts.tool.clone(),
        signed_by,
    })?)
}

/// Returns the document of a run.
fn run_document(begun: &Begun, ended: &Ended, facts: &RunFacts) -> Value {
    let coverage = &ended.manifest.coverage;
    let verdict = Verdict::of(coverage, !ended.doubts().is_empty());
    let mut clock = json!({ "start": begun.started, "end": facts.time });
    if let Some(zone) = &facts.zone {
        clock["zone"] = json!(zone);
    }
    if let Some(elapsed) = facts.elapsed {
        clock["elapsed_s"] = json!(format!("{}.{:03}", elapsed.as_secs(), elapsed.subsec_millis()));
    }
    let mut document = json!({
        "v": 1,
        "run_id": begun.run_id,
        "tool": facts.tool,
        "plan": begun.plan,
        "clock": clock,
        "counts": counts(coverage),
        "coverage": coverage_json(coverage),
        "halted": ended.outcome["halted"],
        "doubts": ended.outcome["doubts"],
        "salt_seed": begun.salt_seed,
        "exit": { "code": verdict.code(), "reason": verdict.name() },
    });
    for (name, value) in &facts.further {
        // What further facts say never takes the place of what the run found.
        if document.get(name).is_none() {
            document[name] = value.clone();
        }
    }
    document
}

/// The entries by status, as `run.json` states them.
fn counts(coverage: &Coverage) -> Value {
    let mut counts = json!({ "seen": coverage.seen().entries, "hits": coverage.hits() });
    for status in Status::ALL {
        counts[status.name()] = json!(coverage.share(status).entries);
    }
    counts
}

/// Returns a coverage as `run.json` and the program's answers state it.
#[must_use]
pub fn coverage_json(coverage: &Coverage) -> Value {
    let mut classes = Map::new();
    for status in Status::ALL {
        let share = coverage.share(status);
        let value = json!({ "entries": share.entries, "bytes": exact(share.bytes) });
        classes.insert(status.name().to_owned(), value);
    }
    let seen = coverage.seen();
    json!({
        "seen": { "entries": seen.entries, "bytes": exact(seen.bytes) },
        "classes": classes,
        "bytes_read": exact(coverage.bytes_read()),
        "partial_bytes_read": exact(coverage.partial_bytes_read()),
        "unsized_entries": coverage.unsized_entries(),
        "unlisted_directories": coverage.unlisted_directories(),
        "deleted": {
            "entries": coverage.deleted().entries, "bytes": exact(coverage.deleted().bytes),
        },
        "hits": coverage.hits(),
        "probable_hits": coverage.probable_hits(),
        "complete": coverage.is_complete(),
    })
}

/// Returns an integer as JSON: a string beyond 2^53-1.
#[must_use]
pub fn exact(number: u64) -> Value {
    if number > triage_custody::jcs::GREATEST_INTEGER {
        Value::String(number.to_string())
    } else {
        json!(number)
    }
}

/// What the examination laid open: names that were written down, contents that the program read,
/// and contents that it never opened. No content is ever shown.
fn exposure(coverage: &Coverage) -> Value {
    let of = |statuses: &[Status]| -> u64 {
        statuses.iter().map(|&status| coverage.share(status).entries).sum()
    };
    let closed = [
        Status::Excluded,
        Status::SizeNotListed,
        Status::TooLarge,
        Status::NotReached,
        Status::Carried,
    ];
    json!({
        "names_recorded": coverage.seen().entries,
        "contents_read": of(&[Status::Read, Status::Partial, Status::Changed]),
        "bytes_read": exact(coverage.share(Status::Read).bytes),
        "contents_never_opened": of(&closed),
        "contents_shown": 0,
    })
}

/// Returns the event of an examination, as the custody log keeps it.
#[must_use]
pub fn examined_event(action: &str, begun: &Begun, ended: &Ended, facts: &RunFacts) -> Event {
    let particulars = &begun.particulars;
    let name = if particulars.examiner.is_empty() { "not stated" } else { &particulars.examiner };
    let by = Person {
        name: name.to_owned(),
        role: Some("examiner".to_owned()),
        org: particulars.organisation.clone(),
        ..Person::default()
    };
    let coverage = &ended.manifest.coverage;
    let mut event = Event::new(&facts.time, action, &particulars.exhibit, by);
    event.authority.clone_from(&particulars.authority);
    event.seal_no.clone_from(&particulars.device.seal_no);
    event.tool = Some(facts.tool.clone());
    event.result = Some(format!(
        "{} entries met, {} not examined in full, {} with an alerting match",
        coverage.seen().entries,
        coverage.gaps(),
        coverage.hits()
    ));
    if let Some(earlier) = &begun.plan.since {
        event.input = Some(json!({
            "since_seal_sha256": earlier.seal_sha256,
            "since_manifest_sha256": earlier.manifest_sha256,
            "carried": coverage.share(Status::Carried).entries,
        }));
    }
    event.output = Some(json!({
        "manifest_sha256": ended.manifest.sha256,
        "merkle_root": ended.manifest.merkle_root,
        "exposure": exposure(coverage),
    }));
    event
}
