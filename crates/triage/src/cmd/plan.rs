//! `plan`: what a scan would do, in which order and why, what it leaves out and what it costs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use triage_hash::Algorithms;
use triage_scan::{Clock as _, Execution, Survey, survey};
use triage_walk::{Evidence, Flow, WalkPlan};

use super::plan_cost::{Cost, measure_cost};
use super::plan_shards::{self, ShardArgs};
use super::plan_tell as tell;
use super::scan::refuse_unmatchable;
use super::scan_args::{ExecutionArgs, QuestionArgs};
use crate::clock::RunClock;
use crate::console::Console;
use crate::failure::Failure;
use crate::set_args::{OpenSets, SetArgs};
use crate::{exit, facts, shown};

/// Say what a scan would do, without reading any content: order, gaps, cost, shards
///
/// Walks all names and metadata as a scan does, and tells what would be read, what would be left
/// out and why, and how long it would take at the speed measured on this computer now. Nothing is
/// hashed. Exits with 3 if the scan could not be complete.
///
/// Examples:
///   triage plan exhibit.E01 --sets known.txt
///   triage plan /mnt/exhibit --shards 8 --shards-to shards
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct PlanArgs {
    /// The evidence: a disk image (the first file of it), a block device, a folder, or a file
    #[arg(value_name = "SRC")]
    source: PathBuf,
    #[command(flatten)]
    sets: SetArgs,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    shards: ShardArgs,
    /// Do not measure the speed of this computer and storage, and name no time
    #[arg(long)]
    no_estimate: bool,
    #[command(flatten)]
    execution: ExecutionArgs,
}

/// Everything that a scan would be asked.
pub(super) struct Question {
    pub(super) evidence: Arc<Evidence>,
    pub(super) walk: WalkPlan,
    pub(super) algorithms: Algorithms,
    pub(super) sets: OpenSets,
    pub(super) execution: Execution,
}

/// Runs the verb.
pub(crate) fn run(args: &PlanArgs, console: Console) -> Result<u8, Failure> {
    facts::raise_open_files();
    let open = |error: triage_walk::Error| Failure::from(error).at(shown::path(&args.source));
    let evidence = Evidence::open(&args.source, args.question.open_as()).map_err(open)?;
    plan_shards::refuse(&args.shards, &evidence)?;
    let algorithms = args.question.algorithms()?;
    let walk = args.question.walk(evidence.path())?;
    let sets = args.sets.open(console)?;
    refuse_unmatchable(&sets.sets, algorithms, console)?;
    let execution = args.execution.resolve(&evidence);
    let question = Question { evidence: Arc::new(evidence), walk, algorithms, sets, execution };
    let interrupted = watch_interrupt()?;
    let clock = RunClock::start();
    let survey = survey(&question.evidence, &question.walk, &mut |_, _| flow(&interrupted));
    let walked = clock.elapsed();
    if interrupted.load(Ordering::SeqCst) {
        return Ok(stopped(console));
    }
    let cost = (!args.no_estimate).then(|| measure_cost(&question, &survey, walked));
    tell::question(&question, console);
    tell::survey(&survey, console);
    tell::cost(cost.as_ref(), &survey, console);
    plan_shards::write(&args.shards, &question, &survey, &args.source, console)?;
    Ok(finish(&question, &survey, cost.as_ref(), walked, console))
}

fn flow(interrupted: &AtomicBool) -> Flow {
    if interrupted.load(Ordering::Relaxed) { Flow::Abort } else { Flow::Continue }
}

fn watch_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(exit::INTERRUPTED),
            Arc::clone(&interrupted),
        )?;
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    Ok(interrupted)
}

fn stopped(console: Console) -> u8 {
    console.say("interrupted: there is no plan of a part");
    console.record(&json!({ "v": 1, "type": "summary", "exit": exit::INTERRUPTED }));
    exit::INTERRUPTED
}

fn finish(
    question: &Question,
    survey: &Survey,
    cost: Option<&Cost>,
    walked: Duration,
    console: Console,
) -> u8 {
    let is_whole = survey.coverage.is_complete() && survey.tally.lost_directories == 0;
    let code = if is_whole { exit::COMPLETE } else { exit::INCOMPLETE };
    console.line(&tell::verdict(survey, code));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
        "source": shown::path(question.evidence.path()),
        "algorithms": question.algorithms.to_string(),
        "sets": question.sets.planned,
        "threads": question.execution.threads,
        "coverage": shown::coverage_json(&survey.coverage),
        "read_bytes": shown::exact(survey.read_bytes),
        "walk_ms": u64::try_from(walked.as_millis()).unwrap_or(u64::MAX),
        "estimate": cost.map(Cost::json),
    }));
    code
}
