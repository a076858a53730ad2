//! `verify`: is the package as it was sealed, and the evidence as the package says?

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use triage_case::{
    CaseDir, Change, Coverage, Difference, Record, Verification, pair_moved, verify_and_read,
};
use triage_hash::Algorithms;
use triage_report::Gathered;
use triage_scan::{AuditFinding, Halting, Plan, Scanned, Verdict, audit};
use triage_walk::Evidence;

use super::many::noted;
use super::scan_args::ExecutionArgs;
use super::verify_derived::check_derived;
use super::verify_image::{self, check_stored};
use crate::clock::RunClock;
use crate::console::Console;
use crate::failure::Failure;
use crate::measure::counted;
use crate::progress::Progress;
use crate::trust::{TrustArgs, Trusted};
use crate::{exit, measure, shown};

/// Check a package, and with SRC the evidence against it; or an image against its own digests
///
/// Without SRC: lists, seals, signatures, time-stamps, custody log, manifest, sums, every byte;
/// reports and exports in the package are rendered again and compared.
/// With SRC: reads the evidence again and lists what is missing, extra, changed or unreadable. If
/// PACKAGE is an image, such as exhibit.E01, all of its medium is read and compared with the
/// digests that the image stores.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The package, or an image that stores digests of its medium (the first file of it)
    #[arg(value_name = "PACKAGE")]
    pub(super) package: PathBuf,
    /// The evidence to read again
    #[arg(value_name = "SRC")]
    pub(super) source: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    execution: ExecutionArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &VerifyArgs, console: Console) -> Result<u8, Failure> {
    if args.package.is_file() {
        return verify_image::run(args, console);
    }
    let case = CaseDir::open(&args.package).map_err(|error| {
        let failure = Failure::from(error);
        Failure { code: exit::VERIFY_FAILED, ..failure }
    })?;
    let verification = verified(&case, &args.trust.resolve()?)?;
    tell(&verification, console);
    if !verification.findings.is_empty() {
        let count = verification.findings.len();
        console.line(&format!("FAILED: {count} findings; this package is not as it was sealed"));
        return Ok(summary(exit::VERIFY_FAILED, &verification, None, None, console));
    }
    console.line("the package is as it was sealed");
    let recorded = tell_recorded(&case, &verification.coverage, console);
    let Some(source) = &args.source else {
        return Ok(summary(exit::COMPLETE, &verification, Some(recorded), None, console));
    };
    let (code, audited) = compare(&case, source, args, console)?;
    Ok(summary(code, &verification, Some(recorded), Some(&audited), console))
}

/// Says that the examination in a sound package is not complete: sound, it is still no negative.
fn tell_recorded(case: &CaseDir, coverage: &Coverage, console: Console) -> Verdict {
    let doubts = noted(&case.document("data/run.json").unwrap_or_default());
    if !coverage.is_complete() {
        let (gaps, of) = (coverage.gaps(), measure::count(coverage.seen().entries));
        let gaps = counted(gaps, "entry was", "entries were");
        console.line(&format!(
            "INCOMPLETE: of the {of} entries that it records, {gaps} not examined in full"
        ));
    }
    for doubt in &doubts {
        console.line(&format!("INCOMPLETE: {}", safe(doubt)));
    }
    Verdict::of(coverage, !doubts.is_empty())
}

/// Checks a package, and that its reports and exports follow from its record.
pub(super) fn verified(case: &CaseDir, trusted: &Trusted) -> Result<Verification, Failure> {
    let mut gathered = Gathered::default();
    let mut take = |record: &Record| gathered.add(record);
    let mut verification = verify_and_read(case, trusted.trust(), &mut take).map_err(|error| {
        let failure = Failure::from(error);
        Failure { code: exit::VERIFY_FAILED, ..failure }
    })?;
    check_derived(case, gathered, &mut verification);
    Ok(verification)
}

fn tell(verification: &Verification, console: Console) {
    for checked in &verification.checked {
        console.say(&format!("checked: {}", safe(checked)));
    }
    if let Some((principal, fingerprint)) = &verification.signed_by {
        console.say(&format!("signed by {} with key {fingerprint}", safe(principal)));
    }
    for warning in &verification.warnings {
        console.say(&format!("warning: {}", safe(warning)));
    }
    for finding in &verification.findings {
        let place = safe(&finding.place);
        console.line(&format!(
            "FINDING {}\n  at:       {place}\n  expected: {}\n  actual:   {}",
            finding.what,
            safe(&finding.expected),
            safe(&finding.actual)
        ));
        console.record(&json!({
            "v": 1, "type": "finding", "code": finding.code(), "what": finding.what, "place": place,
            "expected": finding.expected, "actual": finding.actual,
        }));
    }
}

/// Words that may hold those of a package by a stranger.
pub(super) fn safe(text: &str) -> String {
    triage_evidence::escape(text.as_bytes())
}

fn summary(
    code: u8,
    verification: &Verification,
    recorded: Option<Verdict>,
    audited: Option<&serde_json::Value>,
    console: Console,
) -> u8 {
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
        "findings": verification.findings.len(),
        "warnings": verification.warnings,
        "signed_by": verification.signed_by.as_ref().map(|(principal, _)| principal),
        "key": verification.signed_by.as_ref().map(|(_, key)| key),
        "trusted": verification.is_certified,
        "stamps": stamps(verification),
        "seal_sha256": verification.seal_sha256,
        "coverage": shown::coverage_json(&verification.coverage),
        "examination": recorded.map(Verdict::name), "evidence": audited,
    }));
    code
}

fn stamps(verification: &Verification) -> Vec<serde_json::Value> {
    let stamps = verification.stamps.iter();
    let json = stamps.map(|stamp| {
        json!({
            "stamps": stamp.path, "time": stamp.time, "authority": stamp.authority,
            "trusted": stamp.is_trusted,
        })
    });
    json.collect()
}

/// Reads the evidence again.
fn compare(
    case: &CaseDir,
    source: &Path,
    args: &VerifyArgs,
    console: Console,
) -> Result<(u8, serde_json::Value), Failure> {
    let plan: Plan = serde_json::from_value(case.document("data/run.json")?["plan"].clone())
        .map_err(|error| Failure::usage("cannot read the plan of the package").caused_by(&error))?;
    let evidence = Arc::new(Evidence::open(source, super::scan::open_again(&plan))?);
    let algorithms: Algorithms = plan
        .algorithms
        .parse()
        .map_err(|error| Failure::usage("cannot read the plan of the package").caused_by(&error))?;
    let walk = plan.walk()?;
    let medium = check_stored(&evidence, &plan.exhibit, console);
    let clock = Arc::new(RunClock::start());
    let (progress, display) = Progress::start(console, &plan.exhibit, Arc::clone(&clock), false);
    let scanned = Scanned {
        execution: args.execution.resolve(&evidence),
        evidence,
        walk,
        algorithms,
        sets: None,
        size_filter: false,
        carry: None,
        watch: Arc::clone(&progress) as Arc<_>,
        clock: clock as Arc<_>,
        halting: Arc::new(Halting::new()),
    };
    let mut moves = Moves::default();
    let result = audit(&case.path("data/manifest.ndjson"), scanned, &mut |finding| {
        moves.take(finding, console);
        Ok(())
    });
    progress.finish(display);
    let (audited, outcome) = result?;
    moves.tell(console)?;
    let counts = moves.counts;
    let unread = Coverage::gaps(&audited.coverage);
    let different =
        audited.different > 0 || outcome.tally.is_none() || medium["agrees"] == json!(false);
    console.line(&format!(
        "evidence: {} same, {} missing, {} extra, {} moved, {} changed, {} metadata only, {} unreadable now",
        measure::count(audited.same),
        counts.missing,
        counts.extra,
        counts.moved,
        counts.changed,
        counts.metadata,
        counts.unreadable,
    ));
    let code = match (different, unread > 0) {
        (true, _) => exit::VERIFY_FAILED,
        (false, true) => exit::INCOMPLETE,
        (false, false) => exit::COMPLETE,
    };
    let value = json!({
        "same": audited.same, "missing": counts.missing, "extra": counts.extra,
        "moved": counts.moved, "changed": counts.changed, "metadata": counts.metadata,
        "unreadable": counts.unreadable, "not_read_now": unread,
        "medium": medium,
    });
    Ok((code, value))
}

#[derive(Clone, Copy, Default)]
struct Counts {
    missing: u64,
    extra: u64,
    moved: u64,
    changed: u64,
    metadata: u64,
    unreadable: u64,
}

/// Holds missing and extra files back until it is known which of them only moved.
#[derive(Default)]
struct Moves {
    missing: Vec<Record>,
    extra: Vec<Record>,
    counts: Counts,
}

/// How many missing or extra files are held back; beyond it each is told as it comes.
const LIMIT_HELD: usize = 100_000;

impl Moves {
    fn take(&mut self, finding: AuditFinding, console: Console) {
        match finding {
            AuditFinding::Missing(record) if self.missing.len() < LIMIT_HELD => {
                self.missing.push(record);
            }
            AuditFinding::Extra(record) if self.extra.len() < LIMIT_HELD => self.extra.push(record),
            AuditFinding::Missing(record) => {
                self.counts.missing += 1;
                difference("missing", "", &record, console);
            }
            AuditFinding::Extra(record) => {
                self.counts.extra += 1;
                difference("extra", "", &record, console);
            }
            AuditFinding::Unreadable(record) => {
                self.counts.unreadable += 1;
                difference("unreadable", "", &record, console);
            }
            AuditFinding::Changed(Change::Metadata(what), record) => {
                self.counts.metadata += 1;
                difference("metadata", what, &record, console);
            }
            AuditFinding::Changed(change, record) => {
                self.counts.changed += 1;
                let what = if let Change::Changed(what) = change { what } else { "" };
                difference("changed", what, &record, console);
            }
        }
    }

    fn tell(&mut self, console: Console) -> Result<(), triage_case::Error> {
        let (missing, extra) = (std::mem::take(&mut self.missing), std::mem::take(&mut self.extra));
        let counts = &mut self.counts;
        pair_moved(missing, extra, &mut |Difference { change, record }| {
            let (count, kind, what) = match change {
                Change::Moved(from) => {
                    (&mut counts.moved, "moved", format!("from {}", from.entry.location))
                }
                Change::Removed => (&mut counts.missing, "missing", String::new()),
                _ => (&mut counts.extra, "extra", String::new()),
            };
            *count += 1;
            difference(kind, &what, &record, console);
            Ok(())
        })
    }
}

/// Tells one difference.
pub(crate) fn difference(kind: &str, what: &str, record: &Record, console: Console) {
    let words = if what.is_empty() { String::new() } else { format!(" ({what})") };
    console.line(&format!("{kind:<10} {}{words}", record.entry.location));
    console.record(&json!({
        "v": 1, "type": "difference", "difference": kind, "what": what,
        "path": record.entry.location.to_text(),
    }));
}
