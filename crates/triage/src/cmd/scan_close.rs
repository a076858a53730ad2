//! The end of a scan: documents, reports, custody, seal, and the last words.

use std::time::Duration;

use serde_json::{Value, json};
use triage_case::{CaseDir, Closing, Coverage, Finished, SignedBy, Status};
use triage_custody::{Event, Person};
use triage_report::{Format, Gathered, Redact, Report};
use triage_scan::{Execution, IoMode, Plan};

use super::scan::Begun;
use super::scan_since;
use crate::clock::{now, zone};
use crate::console::Console;
use crate::failure::Failure;
use crate::shown::{coverage_json, coverage_lines, hits_words};
use crate::{exit, facts, measure, shown};

/// A walk that ended.
pub(crate) struct Ended {
    /// What the manifest is.
    pub(crate) manifest: Finished,
    /// How it ended: `halted`, `doubts`.
    pub(crate) outcome: Value,
    /// What the report says, if every record of the manifest came by in this run.
    pub(crate) gathered: Option<Gathered>,
}

/// What only the run itself knows.
pub(crate) struct RunFacts {
    /// The program.
    pub(crate) tool: Value,
    /// The result of the self-test.
    pub(crate) self_test: Value,
    /// How this computer did it.
    pub(crate) execution: Execution,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// Whether an interrupted run was taken up.
    pub(crate) resumed: bool,
    /// The forms of the report that are put besides the usual ones.
    pub(crate) reports: Vec<Format>,
}

/// Closes the package and says what came of the scan. Returns the exit code.
pub(crate) fn close(
    case: &CaseDir,
    begun: &Begun,
    mut ended: Ended,
    facts: &RunFacts,
    signed_by: Option<&SignedBy>,
    console: Console,
) -> Result<u8, Failure> {
    let gathered = ended.gathered.take();
    let ended = &ended;
    let coverage = &ended.manifest.coverage;
    let doubts = doubts_of(&ended.outcome);
    let code = exit::of_coverage(coverage, !doubts.is_empty());
    let time = now();
    let run = run_json(begun, ended, facts, code, &time);
    case.put_document("data/run.json", &run)?;
    put_particulars(case, begun)?;
    let since = begun.plan.since.as_ref();
    let since = since.map(|earlier| scan_since::compare(case, earlier)).transpose()?;
    put_reports(case, gathered, &facts.reports)?;
    case.close(&Closing {
        particulars: &begun.particulars,
        events: vec![examined_event("hashed", begun, ended, &facts.tool, &time)],
        manifest: &ended.manifest,
        algorithms: &begun.plan.algorithms,
        run_id: &begun.run_id,
        time: &time,
        tool: facts.tool.clone(),
        signed_by,
    })?;
    if let (Some(earlier), Some(sums)) = (&begun.plan.since, &since) {
        scan_since::tell(earlier, sums, console);
    }
    last_words(case, &begun.plan, coverage, &doubts, code, signed_by, console);
    let seal = std::fs::read(case.path("seals/0001.json"))?;
    let seal_sha256 = triage_custody::sha256_hex(&seal);
    console.say(&format!("seal 1 of {}: SHA-256 {seal_sha256}", shown::path(case.folder())));
    console.record(&json!({
        "v": 1,
        "type": "summary",
        "exit": code,
        "exit_name": exit::name(code),
        "coverage": coverage_json(coverage),
        "halted": ended.outcome["halted"],
        "doubts": doubts,
        "case": shown::path(case.folder()),
        "manifest_sha256": ended.manifest.sha256,
        "merkle_root": ended.manifest.merkle_root,
        "seal_sha256": seal_sha256,
        "signed": signed_by.is_some(),
        "since": since,
    }));
    Ok(code)
}

/// Returns the doubts of an outcome.
pub(crate) fn doubts_of(outcome: &Value) -> Vec<String> {
    let doubts = outcome["doubts"].as_array().into_iter().flatten();
    doubts.filter_map(|doubt| doubt.as_str().map(str::to_owned)).collect()
}

/// The entries by status, as `run.json` and the seal state them.
pub(crate) fn counts(coverage: &Coverage) -> Value {
    let mut counts = json!({ "seen": coverage.seen().entries, "hits": coverage.hits() });
    for status in Status::ALL {
        counts[status.name()] = json!(coverage.share(status).entries);
    }
    counts
}

fn run_json(begun: &Begun, ended: &Ended, facts: &RunFacts, code: u8, time: &str) -> Value {
    let coverage = &ended.manifest.coverage;
    let seconds = format!("{}.{:03}", facts.elapsed.as_secs(), facts.elapsed.subsec_millis());
    let execution = &facts.execution;
    json!({
        "v": 1,
        "run_id": begun.run_id,
        "tool": facts.tool,
        "self_test": facts.self_test,
        "argv": facts::argv(),
        "host": facts::host(),
        "plan": begun.plan,
        "execution": {
            "threads": execution.threads,
            "one_reader": execution.io == IoMode::OneReader,
            "read_timeout_s": execution.read_timeout.map(|limit| limit.as_secs()),
            "budget_s": execution.budget.map(|limit| limit.as_secs()),
            "stop_after": execution.stop_after,
            "resumed": facts.resumed,
        },
        "clock": {
            "start": begun.started,
            "end": time,
            "zone": zone(),
            "elapsed_s": seconds,
        },
        "counts": counts(coverage),
        "coverage": coverage_json(coverage),
        "halted": ended.outcome["halted"],
        "doubts": ended.outcome["doubts"],
        "salt_seed": begun.salt_seed,
        "exit": { "code": code, "reason": exit::name(code) },
    })
}

/// Writes what was typed in.
pub(crate) fn put_particulars(case: &CaseDir, begun: &Begun) -> Result<(), Failure> {
    let document = serde_json::to_value(&begun.particulars)
        .map_err(|error| Failure::usage("cannot write the particulars").caused_by(&error))?;
    Ok(case.put_document("data/case.json", &document)?)
}

/// Puts the reports that every package holds, and those that were asked for.
pub(crate) fn put_reports(
    case: &CaseDir,
    gathered: Option<Gathered>,
    further: &[Format],
) -> Result<(), Failure> {
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
        "bytes_read": shown::exact(coverage.share(Status::Read).bytes),
        "contents_never_opened": of(&closed),
        "contents_shown": 0,
    })
}

/// The event of an examination, as the custody log keeps it.
pub(crate) fn examined_event(
    action: &str,
    begun: &Begun,
    ended: &Ended,
    tool: &Value,
    time: &str,
) -> Event {
    let particulars = &begun.particulars;
    let name = if particulars.examiner.is_empty() { "not stated" } else { &particulars.examiner };
    let by = Person {
        name: name.to_owned(),
        role: Some("examiner".to_owned()),
        org: particulars.organisation.clone(),
        ..Person::default()
    };
    let coverage = &ended.manifest.coverage;
    let mut event = Event::new(time, action, &particulars.exhibit, by);
    event.authority.clone_from(&particulars.authority);
    event.seal_no.clone_from(&particulars.device.seal_no);
    event.tool = Some(tool.clone());
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

/// What a tired examiner must read: what was found, what was not read, in this order, last line
/// the verdict.
fn last_words(
    case: &CaseDir,
    plan: &Plan,
    coverage: &Coverage,
    doubts: &[String],
    code: u8,
    signed_by: Option<&SignedBy>,
    console: Console,
) {
    coverage_lines(coverage).iter().for_each(|line| console.say(line));
    for doubt in doubts {
        console.say(&format!("DOUBT: {doubt}"));
    }
    if signed_by.is_none() {
        console
            .say("warning: the seal is NOT SIGNED; give --sign-key (see `triage custody keygen`)");
    }
    console.say(&format!("report: {}", shown::path(&case.path("data/report/report.html"))));
    let hits = hits_words(coverage);
    let entries = measure::count(coverage.seen().entries);
    let part = match (&plan.after, &plan.until) {
        (None, None) => "",
        _ => ", a PART of the exhibit",
    };
    let unread = coverage.share(Status::SizeNotListed).entries;
    if plan.size_filter {
        console.say(&format!(
            "size filter: {} files were NOT READ because no set lists a file of their size",
            measure::count(unread)
        ));
    }
    let carried = match coverage.share(Status::Carried).entries {
        0 => String::new(),
        1 => "; 1 file was NOT READ now, its digests are CARRIED".to_owned(),
        many => {
            format!("; {} files were NOT READ now, their digests are CARRIED", measure::count(many))
        }
    };
    let verdict = if matches!(code, exit::INCOMPLETE | exit::INCOMPLETE_HIT) {
        let gaps = measure::count(coverage.gaps());
        let unlisted = match coverage.unlisted_directories() {
            0 => String::new(),
            1 => ", and what lies below 1 directory is not known".to_owned(),
            many => {
                format!(", and what lies below {} directories is not known", measure::count(many))
            }
        };
        format!(
            "INCOMPLETE: {hits}; {gaps} of {entries} entries{part} were not examined in full{unlisted}\
             {carried} (exit {code})"
        )
    } else {
        format!("complete: {hits} among {entries} entries in scope{part}{carried} (exit {code})")
    };
    console.line(&verdict);
}
