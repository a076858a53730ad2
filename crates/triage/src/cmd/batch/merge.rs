//! `batch merge`: checked packages, the parts of an exhibit as one, and one answer for all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use triage_batch::{BatchPlan, ItemState, Parts, PlannedExhibit, State, merge_into, state_of};
use triage_case::{CaseDir, CaseState, Particulars};
use triage_scan::{Begun, Ended, Plan, create};

use super::results::{Overview, Results};
use super::whole::{self, Merged};
use crate::clock::now;
use crate::cmd::scan_args::SigningArgs;
use crate::cmd::verify::verified;
use crate::console::Console;
use crate::failure::Failure;
use crate::trust::{TrustArgs, Trusted};
use crate::{exit, facts, shown, write};

/// Check every package of a batch, put the parts of exhibits together, and give one answer
///
/// Refuses, with exit 5, what belongs to another plan, is not as it was sealed, or stands in two
/// folders with different bytes. What is missing makes the answer incomplete: 3 or 4. Writes
/// merged/ID for each exhibit that was split, and summary.json and summary.csv.
#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// The plan
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The folder of the results; others may be named for what was examined elsewhere
    #[arg(long, value_name = "DIR", required = true)]
    results: Vec<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &MergeArgs, console: Console) -> Result<u8, Failure> {
    let plan = super::read_plan(&args.plan)?;
    let signed_by = crate::signing::signed_by(&args.signing)?;
    let Some((first, others)) = args.results.split_first() else {
        return Err(Failure::usage("no folder of results was named"));
    };
    for folder in &args.results {
        Results::expect(folder)?;
    }
    let results = Results::open(first, &plan)?;
    let trusted = args.trust.resolve()?;
    let states = checked(&plan, &results, others, &trusted, console)?;
    for exhibit in plan.exhibits.iter().filter(|e| plan.items_of(&e.id).count() > 1) {
        let parts: Vec<&ItemState> =
            plan.items_of(&exhibit.id).filter_map(|item| states.get(&item.id)).collect();
        if parts.iter().all(|part| matches!(part.state, State::Done(_))) {
            let whole = results.path().join("merged").join(&exhibit.id);
            let whole = Whole { exhibit, folder: &whole, signed_by: signed_by.as_ref() };
            merge(&plan, &parts, &whole, &trusted, console)?;
        }
    }
    let overview = Overview::of(&plan, states);
    let code = overview.totals.code();
    put_summary(&results, &overview, code)?;
    overview.table().iter().for_each(|line| console.line(line));
    console.line(&overview.verdict(code));
    overview.lines().iter().for_each(|line| console.record(line));
    console.record(&overview.summary(code));
    Ok(code)
}

/// Returns every item with the package that was checked byte for byte.
fn checked(
    plan: &BatchPlan,
    results: &Results,
    others: &[PathBuf],
    trusted: &Trusted,
    console: Console,
) -> Result<BTreeMap<String, ItemState>, Failure> {
    let mut states = BTreeMap::new();
    for item in &plan.items {
        let mut found = results.state(plan, item)?;
        for other in others {
            let elsewhere = state_of(plan, item, &super::absolute(other)?)?;
            match (found.state, elsewhere.state) {
                (State::Done(_), State::Done(_)) => {
                    refuse_different(&item.id, &found.package, &elsewhere.package)?;
                }
                (_, State::Done(_)) => found = elsewhere,
                _ => {}
            }
        }
        if matches!(found.state, State::Done(_)) {
            console.say(&format!("checking {}", item.id));
            check(&found.package, trusted)?;
        }
        states.insert(item.id.clone(), found);
    }
    Ok(states)
}

/// Every byte of a package must be as it was sealed, by somebody who is trusted if that was asked,
/// and its reports must follow from its record.
fn check(package: &Path, trusted: &Trusted) -> Result<(), Failure> {
    let verification = verified(&CaseDir::open(package)?, trusted)?;
    match verification.findings.first() {
        None => Ok(()),
        Some(finding) => {
            Err(Failure::new(exit::VERIFY_FAILED, "a package is not as it was sealed")
                .at(shown::path(package))
                .because(format!("{}: {}", finding.what, finding.place))
                .hint("`triage verify` names every finding"))
        }
    }
}

/// Two packages of one item must have the same manifest.
fn refuse_different(item: &str, a: &Path, b: &Path) -> Result<(), Failure> {
    let digest = |package: &Path| -> Result<Value, Failure> {
        let case = CaseDir::open(package)?;
        Ok(case.document(&case.newest_seal())?["manifest"]["sha256"].clone())
    };
    let (first, second) = (digest(a)?, digest(b)?);
    if first == second {
        return Ok(());
    }
    Err(Failure::new(
        exit::VERIFY_FAILED,
        format!("item {item} was examined twice, with different results"),
    )
    .at(format!("{} and {}", shown::path(a), shown::path(b)))
    .because(format!("their manifests are {first} and {second}"))
    .hint("the evidence changed in between, or one of the computers is at fault"))
}

/// What the parts of an exhibit become.
struct Whole<'a> {
    exhibit: &'a PlannedExhibit,
    folder: &'a Path,
    signed_by: Option<&'a triage_case::SignedBy>,
}

/// Puts the parts of an exhibit together as one package.
fn merge(
    plan: &BatchPlan,
    parts: &[&ItemState],
    whole: &Whole<'_>,
    trusted: &Trusted,
    console: Console,
) -> Result<(), Failure> {
    let merged = Merged {
        plan_sha256: plan.sha256()?,
        parts: parts.iter().map(|part| part_of(part)).collect::<Result<_, _>>()?,
    };
    if CaseDir::state(whole.folder) == CaseState::Finished {
        check(whole.folder, trusted)?;
        return refuse_stale(whole.folder, &merged);
    }
    let (case, begun) = begin(whole.exhibit, parts, whole.folder)?;
    let ended = match Ended::kept(&case, &begun)? {
        Some(ended) => ended,
        None => {
            let outcome = outcome_of(parts);
            let packages: Result<Vec<_>, _> =
                parts.iter().map(|part| CaseDir::open(&part.package)).collect();
            let algorithms = begun.plan.algorithms.parse().map_err(|error| {
                Failure::usage("the plan of a part cannot be read").caused_by(&error)
            })?;
            let parts = Parts { exhibit: &begun.plan.exhibit, algorithms, packages: &packages? };
            let seed = begun.seed()?;
            let manifest = merge_into(&parts, &case, seed, outcome.to_string().as_bytes())?;
            Ended { manifest, outcome, gathered: None }
        }
    };
    whole::close(&case, &begun, &ended, &merged, whole.signed_by, console)
}

/// A whole that was made before must be of this plan, and of the parts that lie here now.
fn refuse_stale(whole: &Path, merged: &Merged) -> Result<(), Failure> {
    let run = CaseDir::open(whole)?.document("data/run.json")?;
    let manifests = |parts: &[Value]| -> Vec<Value> {
        parts.iter().map(|part| part["manifest_sha256"].clone()).collect()
    };
    let stated = run["merged"]["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let what = if run["merged"]["batch_plan_sha256"] != merged.plan_sha256 {
        "the plan"
    } else if manifests(stated) != manifests(&merged.parts) {
        "the manifests of the parts"
    } else {
        return Ok(());
    };
    Err(Failure::new(exit::VERIFY_FAILED, "the merged package is of other parts")
        .at(shown::path(whole))
        .because(format!("{what} that it names are not those that lie here"))
        .hint("keep it elsewhere and merge again"))
}

/// What a whole says of one of its parts.
fn part_of(part: &ItemState) -> Result<Value, Failure> {
    let case = CaseDir::open(&part.package)?;
    let newest = case.newest_seal();
    let seal = std::fs::read(case.path(&newest))?;
    let run = part.run.as_ref().unwrap_or(&Value::Null);
    Ok(json!({
        "seal_sha256": triage_custody::sha256_hex(&seal),
        "manifest_sha256": case.document(&newest)?["manifest"]["sha256"],
        "after": run["plan"]["after"], "until": run["plan"]["until"],
        "run_id": run["run_id"], "host": run["host"]["hostname"], "clock": run["clock"],
        "binary_sha256": run["tool"]["binary_sha256"],
    }))
}

/// How the whole ended: by what any part ended, with the doubts of all.
fn outcome_of(parts: &[&ItemState]) -> Value {
    let runs = || parts.iter().filter_map(|part| part.run.as_ref());
    let halted = runs().map(|run| &run["halted"]).find(|halted| !halted.is_null());
    let mut doubts: Vec<Value> =
        runs().flat_map(|run| run["doubts"].as_array().into_iter().flatten().cloned()).collect();
    let says = |part: &&&ItemState| part.run.as_ref().is_some_and(|run| run["doubts"].is_array());
    let silent = parts.len() - parts.iter().filter(says).count();
    if silent > 0 {
        doubts.push(json!(format!("{silent} of its parts do not say what they doubt")));
    }
    json!({ "halted": halted, "doubts": doubts })
}

/// Begins the package of the whole, or takes up one whose merging was killed.
fn begin(
    exhibit: &PlannedExhibit,
    parts: &[&ItemState],
    whole: &Path,
) -> Result<(CaseDir, Begun), Failure> {
    let damaged = |error: serde_json::Error| {
        Failure::new(exit::VERIFY_FAILED, "the plan of a part cannot be read").caused_by(&error)
    };
    if CaseDir::state(whole) == CaseState::Unfinished {
        let (case, document) = CaseDir::open_unfinished(whole)?;
        return Ok((case, Begun::from_document(&document)?));
    }
    let run = parts.first().and_then(|part| part.run.as_ref()).unwrap_or(&Value::Null);
    let mut plan: Plan = serde_json::from_value(run["plan"].clone()).map_err(damaged)?;
    (plan.after, plan.until) = (None, None);
    let job = &exhibit.job;
    let begun = Begun {
        plan,
        particulars: Particulars {
            exhibit: job.exhibit.clone(),
            case: job.case_number.clone(),
            examiner: job.examiner.clone(),
            organisation: job.organisation.clone(),
            authority: job.authority.clone(),
            ..Particulars::default()
        },
        run_id: facts::random_id()?,
        salt_seed: triage_evidence::hex(&facts::random::<32>()?),
        started: now(),
    };
    if let Some(above) = whole.parent() {
        write::folder(above)?;
    }
    Ok((create(whole, &begun)?, begun))
}

/// The answer as files: derived, made anew by each merging.
fn put_summary(results: &Results, overview: &Overview, code: u8) -> Result<(), Failure> {
    let mut document = overview.summary(code);
    document["type"] = json!("batch-summary");
    document["list"] = json!(overview.lines());
    let mut table = csv_line(&[
        "id",
        "exhibit",
        "state",
        "items_done",
        "items",
        "entries",
        "not_examined_in_full",
        "hits",
        "reason",
    ]);
    for exhibit in &overview.exhibits {
        let (done, all) = exhibit.items_done;
        let numbers = [done as u64, all as u64, exhibit.entries, exhibit.gaps, exhibit.hits];
        let numbers = numbers.map(|number| number.to_string());
        let mut fields = vec![exhibit.id.as_str(), &exhibit.exhibit, exhibit.state];
        fields.extend(numbers.iter().map(String::as_str));
        fields.push(exhibit.reason.as_deref().unwrap_or_default());
        table.push_str(&csv_line(&fields));
    }
    for (name, text) in [("summary.json", format!("{document:#}\n")), ("summary.csv", table)] {
        let path = results.path().join(name);
        write::whole_file(&path, text.as_bytes()).map_err(|error| {
            Failure::new(exit::INCOMPLETE, "cannot write the summary")
                .at(shown::path(&path))
                .caused_by(&error)
        })?;
    }
    Ok(())
}

/// RFC 4180; what a spreadsheet would take for a formula is not one.
fn csv_line(fields: &[&str]) -> String {
    let quoted: Vec<String> = fields
        .iter()
        .map(|field| {
            let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
            format!("\"{}{}\"", if formula { "'" } else { "" }, field.replace('"', "\"\""))
        })
        .collect();
    quoted.join(",") + "\r\n"
}
