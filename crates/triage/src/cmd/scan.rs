//! `scan`: the verb that an examiner needs.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use triage_case::CaseDir;
use triage_hash::Algorithms;
use triage_hashset::Sets;
use triage_report::Format;
use triage_scan::{
    Begun, Clock, Ended, Execution, Halt, Halting, Means, Plan, Ready, RunFacts, Walked, create,
};
use triage_walk::{Evidence, OpenAs, output_lies_in};

pub(crate) use super::scan_args::ScanArgs;
use super::scan_close::close;
use super::scan_since;
use crate::clock::{RunClock, now, zone};
use crate::console::Console;
use crate::failure::Failure;
use crate::profile::{Asked, Profile};
use crate::progress::Progress;
use crate::set_args::{SetArgs, tell_partly};
use crate::{exit, facts, shown};

/// Runs the verb.
pub(crate) fn run(args: &ScanArgs, console: Console) -> Result<u8, Failure> {
    let self_test = facts::check_self()?;
    facts::raise_open_files();
    // The digest of this program is needed at the end only: it must not hold up the scan.
    let tool = std::thread::spawn(facts::tool);
    let signed_by = crate::signing::signed_by(&args.signing)?;
    let reports = super::report::formats(&args.report)?;
    if !args.resume {
        refuse_unsuitable(&reports, args.question.algorithms()?)?;
    }
    let mut ready = if args.resume { resume(args, console)? } else { begin(args, console)? };
    refuse_unsuitable(&reports, ready.algorithms)?;
    let execution = args.execution.resolve(&ready.evidence);
    let clock = Arc::new(RunClock::start());
    let halting = Arc::new(Halting::new());
    watch_signals(&halting)?;
    let ended = match Ended::kept(&ready.case, &ready.begun)? {
        Some(ended) => ended,
        None => match walk(&mut ready, &execution, &clock, halting, args.resume, console)? {
            Some(ended) => ended,
            None => return Ok(exit::INTERRUPTED),
        },
    };
    let mut further = facts::of_run();
    further.insert("self_test".to_owned(), self_test);
    further.insert("execution".to_owned(), execution.document(args.resume));
    let facts = RunFacts {
        tool: tool.join().unwrap_or_else(|_panic| facts::tool()),
        time: now(),
        zone: Some(zone()),
        elapsed: Some(clock.elapsed()),
        further,
    };
    let code = close(&ready, ended, &facts, &reports, signed_by.as_ref(), console)?;
    Ok(if args.exit_zero { exit::without_hits(code) } else { code })
}

/// Resolves a new scan and creates its package.
fn begin(args: &ScanArgs, console: Console) -> Result<Ready, Failure> {
    let Some(source) = &args.source else { return Err(Failure::usage("no evidence was named")) };
    let open = |error: triage_walk::Error| Failure::from(error).at(shown::path(source));
    let evidence = Arc::new(Evidence::open(source, args.question.open_as()).map_err(open)?);
    refuse_inside(evidence.path(), &args.case)?;
    let algorithms = args.question.algorithms()?;
    let walk = args.question.walk(evidence.path())?;
    let opened = args.sets.open(console)?;
    refuse_unmatchable(&opened.sets, algorithms, console)?;
    if args.question.size_filter {
        refuse_unsized(&opened.sets)?;
    }
    let particulars = args.particulars.resolve(evidence.path())?;
    let profile = args.profile.map(|profile| profile.to_string());
    check_profile(args, profile.as_deref(), algorithms, args.since.since.is_some())?;
    let since = match &args.since.since {
        None => None,
        Some(path) => {
            let trusted = args.since.trust.resolve()?;
            Some(scan_since::open(path, &trusted, algorithms, console)?)
        }
    };
    let (earlier, carry) = since.map(|since| (since.earlier, since.carry)).unzip();
    let plan = Plan {
        size_filter: args.question.size_filter,
        since: earlier,
        profile,
        ..Plan::new(&evidence, &walk, &particulars.exhibit, algorithms, opened.planned)
    };
    let begun = Begun {
        plan,
        particulars,
        run_id: facts::random_id()?,
        salt_seed: triage_evidence::hex(&facts::random::<32>()?),
        started: now(),
    };
    let case = create(&args.case, &begun)
        .map_err(|error| Failure::from(error).at(shown::path(&args.case)))?;
    Ok(Ready { case, begun, evidence, walk, algorithms, sets: opened.sets, carry })
}

/// Opens an interrupted scan and asks the same question again.
fn resume(args: &ScanArgs, console: Console) -> Result<Ready, Failure> {
    let (case, document) = CaseDir::open_unfinished(&args.case)
        .map_err(|error| Failure::from(error).at(shown::path(&args.case)))?;
    let stored = |error: triage_scan::Error| Failure::from(error).at(shown::path(&args.case));
    let begun = Begun::from_document(&document).map_err(stored)?;
    let (source, algorithms) =
        (begun.source().map_err(stored)?, begun.algorithms().map_err(stored)?);
    let open = |error: triage_walk::Error| {
        Failure::from(error)
            .at(shown::path(&source))
            .hint("attach the same exhibit at the same place")
    };
    let evidence = Arc::new(Evidence::open(&source, open_again(&begun.plan)).map_err(open)?);
    refuse_inside(evidence.path(), &args.case)?;
    let mut sets = SetArgs::of_plan(&begun.plan.sets)?;
    // Keys are never stored: whoever goes on gives them again.
    sets.reading.keys.clone_from(&args.sets.reading.keys);
    let opened = sets.open(console)?;
    // What the first part of the run used is not known any more: all of it has to be sound.
    opened.sets.verify()?;
    if opened.planned != begun.plan.sets {
        return Err(Failure::usage("a hash set is not the one that the scan began with")
            .because("its digest, name or size differs")
            .hint("put the same file back, or begin a new scan"));
    }
    let profile = begun.plan.profile.as_deref();
    check_profile(args, profile, algorithms, begun.plan.since.is_some())?;
    if args.profile.is_some_and(|typed| profile != Some(typed.to_string().as_str())) {
        return Err(Failure::usage("the scan began under another profile")
            .because(format!("it keeps to {}", profile.unwrap_or("none")))
            .hint("leave --profile out to go on, or begin a new scan"));
    }
    let carry = match &begun.plan.since {
        None => None,
        Some(earlier) => {
            let trusted = args.since.trust.resolve()?;
            let since = scan_since::open_again(earlier, &trusted, algorithms, console)?;
            Some(since.carry)
        }
    };
    let (walk, sets) = (begun.plan.walk()?, opened.sets);
    Ok(Ready { case, begun, evidence, walk, algorithms, sets, carry })
}

/// Refuses what the rules of the scan do not allow.
fn check_profile(
    args: &ScanArgs,
    profile: Option<&str>,
    algorithms: Algorithms,
    carries: bool,
) -> Result<(), Failure> {
    let Some(profile) = Profile::of_plan(profile)? else { return Ok(()) };
    profile.check(&Asked {
        algorithms,
        carries,
        size_filter: args.question.size_filter,
        max_size: args.question.max_size.is_some(),
        budget: args.execution.budget.is_some(),
        stop_after: args.execution.stop_after.is_some(),
        signed: args.signing.signs(),
    })
}

/// Returns what the evidence of a stored plan is taken for.
pub(crate) const fn open_again(plan: &Plan) -> OpenAs {
    if plan.container.is_some() { OpenAs::Disk } else { OpenAs::Files }
}

/// Output inside the evidence would change it.
pub(super) fn refuse_inside(evidence: &Path, case: &Path) -> Result<(), Failure> {
    let refused = |because: String| {
        Failure::new(exit::REFUSED, "refused to write into the evidence")
            .at(shown::path(case))
            .because(because)
            .hint("give a --case folder on another drive")
    };
    match output_lies_in(evidence, case) {
        Ok(false) => Ok(()),
        Ok(true) => Err(refused(format!("it lies in {}", shown::path(evidence)))),
        Err(problem) => Err(refused(problem.to_string())),
    }
}

/// A form that has no place for any computed digest would fail when everything else is done.
fn refuse_unsuitable(reports: &[Format], algorithms: Algorithms) -> Result<(), Failure> {
    let Some(format) = reports.iter().find(|format| !format.suits(algorithms)) else {
        return Ok(());
    };
    Err(Failure::usage(format!("a report in the form {format} could not be written"))
        .because(format!("it has no place for {algorithms}"))
        .hint("compute md5, sha1 or sha256 too, or leave that form out"))
}

/// A set that no computed digest can match would never hit.
pub(super) fn refuse_unmatchable(
    sets: &Sets,
    algorithms: Algorithms,
    console: Console,
) -> Result<(), Failure> {
    if let Some(index) = sets.unmatchable(algorithms).next() {
        let name = triage_evidence::escape(index.identity().name.as_bytes());
        return Err(Failure::usage(format!("the set {name} could never match"))
            .because(format!("it holds {}, the scan computes {algorithms}", index.algorithms()))
            .hint(format!("add --algorithms {algorithms},{}", index.algorithms())));
    }
    tell_partly(sets, algorithms, console);
    Ok(())
}

/// An entry without a size could be a file of any size: leaving files out by size could miss it.
fn refuse_unsized(sets: &Sets) -> Result<(), Failure> {
    let refused = Failure::usage("--size-filter cannot be used");
    if sets.is_empty() {
        return Err(refused.because("no hash set was named").hint("give --sets FILE"));
    }
    match sets.without_all_sizes().next() {
        None => Ok(()),
        Some(index) => Err(refused
            .at(triage_evidence::escape(index.identity().name.as_bytes()))
            .because("the set has entries without a size, which could be files of any size")
            .hint(
                "import a list that gives the size of every file, or scan without --size-filter",
            )),
    }
}

/// The first interrupt ends the run in order, the second one at once.
fn watch_signals(halting: &Arc<Halting>) -> Result<(), Failure> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    let halting = Arc::clone(halting);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if halting.is_interrupt() {
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
            halting.set(Halt::Interrupt);
        }
    });
    Ok(())
}

/// Walks into the journal. Returns `None` if the operator interrupted.
fn walk(
    ready: &mut Ready,
    execution: &Execution,
    clock: &Arc<RunClock>,
    halting: Arc<Halting>,
    resumed: bool,
    console: Console,
) -> Result<Option<Ended>, Failure> {
    let journal = ready.journal()?;
    if resumed {
        console.say(&format!(
            "going on behind {} entries with {} hits, which are not printed again",
            journal.next_seq(),
            journal.coverage().hits()
        ));
    }
    let exhibit = &ready.begun.plan.exhibit;
    let (progress, display) = Progress::start(console, exhibit, Arc::clone(clock), true);
    let means = Means {
        execution: *execution,
        watch: Arc::clone(&progress) as Arc<_>,
        clock: Arc::clone(clock) as Arc<_>,
        halting,
    };
    let walked = ready.record(journal, means);
    progress.finish(display);
    match walked? {
        Walked::Interrupted { entries } => {
            let case = shown::path(ready.case.folder());
            console.say(&format!(
                "interrupted: {entries} entries are kept; go on with: triage scan --resume --case {case}"
            ));
            console.record(&json!({
                "v": 1, "type": "summary", "exit": exit::INTERRUPTED, "entries_kept": entries,
            }));
            Ok(None)
        }
        Walked::Ended(ended) => Ok(Some(*ended)),
    }
}
