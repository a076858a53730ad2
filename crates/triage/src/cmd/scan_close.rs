//! The end of a scan: what is put into the package, and the last words.

use serde_json::json;
use triage_case::{CaseDir, Coverage, SignedBy, Status};
use triage_report::Format;
use triage_scan::{
    Ended, Plan, Ready, RunFacts, coverage_json, examined_event, put_documents, put_reports, seal,
};

use super::scan_since;
use crate::console::Console;
use crate::failure::Failure;
use crate::shown::{coverage_lines, hits_words};
use crate::{exit, measure, shown};

/// Closes the package and says what came of the scan. Returns the exit code.
pub(crate) fn close(
    ready: &Ready,
    mut ended: Ended,
    facts: &RunFacts,
    reports: &[Format],
    signed_by: Option<&SignedBy>,
    console: Console,
) -> Result<u8, Failure> {
    let (case, begun) = (&ready.case, &ready.begun);
    let gathered = ended.gathered.take();
    let ended = &ended;
    let coverage = &ended.manifest.coverage;
    let doubts = ended.doubts();
    let code = exit::of_coverage(coverage, !doubts.is_empty());
    put_documents(case, begun, ended, facts)?;
    let since = begun.plan.since.as_ref();
    let since = since.map(|earlier| scan_since::compare(case, earlier)).transpose()?;
    put_reports(case, gathered, reports)?;
    let event = examined_event("hashed", begun, ended, facts);
    seal(case, begun, ended, (event, facts), signed_by)?;
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
            "size filter: {} NOT READ because no set lists a file of that size",
            measure::counted(unread, "file was", "files were")
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
        let were = measure::noun(coverage.gaps(), "was", "were");
        let unlisted = match coverage.unlisted_directories() {
            0 => String::new(),
            1 => ", and what lies below 1 directory is not known".to_owned(),
            many => {
                format!(", and what lies below {} directories is not known", measure::count(many))
            }
        };
        format!(
            "INCOMPLETE: {hits}; {gaps} of {entries} entries{part} {were} not examined in full\
             {unlisted}{carried} (exit {code})"
        )
    } else {
        let noun = measure::noun(coverage.seen().entries, "entry", "entries");
        format!("complete: {hits} among {entries} {noun} in scope{part}{carried} (exit {code})")
    };
    console.line(&verdict);
}
