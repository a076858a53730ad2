//! `batch plan`: jobs become one plan that every machine works from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use triage_batch::{BatchPlan, Item, Job, Jobs, Nodes, PlannedExhibit, Simulation, Size, simulate};
use triage_evidence::Location;
use triage_walk::{Evidence, OpenAs, WalkPlan};

use super::cuts::Measured;
use crate::cmd::scan_args::{QuestionArgs, read_text};
use crate::console::{Console, out};
use crate::failure::Failure;
use crate::set_args::SetArgs;
use crate::{exit, measure, shown, write};

/// Make the plan of a batch: which exhibits, in which order, in which shards
///
/// JOBS is TOML or CSV (docs/formats/batch.md). The same jobs over the same evidence give the same
/// plan. Folders, and exhibits that may be split, are walked; nothing is read or hashed.
#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    /// The jobs: a file that ends in .toml or .csv
    #[arg(value_name = "JOBS")]
    jobs: PathBuf,
    /// The plan to write; must not exist. Else it goes to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    sets: SetArgs,
    /// The digests to compute
    #[arg(long, value_name = "LIST", env = "TRIAGE_ALGORITHMS")]
    algorithms: Option<String>,
    /// A TOML file that says what may be read
    #[arg(long, value_name = "FILE")]
    scope: Option<PathBuf>,
    /// Do not open files larger than this
    #[arg(long, value_name = "SIZE", value_parser = measure::size)]
    max_size: Option<u64>,
    /// Share out over at most so many shards; else each exhibit, or part, is a shard of its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    shards: Option<u32>,
    /// Say how long the plan would take on so many machines
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    simulate: Option<u32>,
    /// What a shard reads in a second, for --simulate
    #[arg(long, value_name = "SIZE", default_value = "150M", value_parser = measure::size)]
    rate: u64,
    /// The same for a storage, and how many shards it serves at once: `nas1=400M*4`
    #[arg(long, value_name = "NAME=SIZE*N", value_parser = storage)]
    storage_rate: Vec<(String, (u64, usize))>,
}

/// Reads `nas1=400M*4`.
fn storage(text: &str) -> Result<(String, (u64, usize)), String> {
    let wrong = || format!("{text:?} is no rate of a storage; write nas1=400M*4");
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (rate, at_once) = rest.split_once('*').ok_or_else(wrong)?;
    let at_once = at_once.parse().ok().filter(|at_once| *at_once > 0).ok_or_else(wrong)?;
    Ok((name.to_owned(), (measure::size(rate)?, at_once)))
}

/// Runs the verb.
pub(crate) fn run(args: &PlanArgs, console: Console) -> Result<u8, Failure> {
    let mut jobs = read_jobs(&args.jobs)?;
    put_typed(args, &mut jobs);
    let plan = make(args, &jobs, console)?;
    let simulation = args.simulate.map(|nodes| {
        let nodes = Nodes {
            count: usize::try_from(nodes).unwrap_or(usize::MAX),
            bytes_per_second: args.rate,
            storages: args.storage_rate.iter().cloned().collect::<BTreeMap<_, _>>(),
        };
        simulate(&plan, &nodes)
    });
    let bytes = plan.to_bytes()?;
    match &args.output {
        Some(path) => write::new_file(path, 0o644, &bytes).map_err(|error| {
            Failure::new(exit::REFUSED, "cannot write the plan")
                .at(shown::path(path))
                .caused_by(&error)
                .hint("name a file that does not exist yet")
        })?,
        None if !console.json => out(String::from_utf8_lossy(&bytes).trim_end()),
        None => {}
    }
    tell(args, &plan, simulation, console)?;
    Ok(exit::COMPLETE)
}

fn read_jobs(path: &Path) -> Result<Jobs, Failure> {
    let text = read_text(path, "the jobs")?;
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let jobs = if is_csv { Jobs::from_csv(&text) } else { Jobs::from_toml(&text) };
    jobs.map_err(|error| Failure::from(error).at(shown::path(path)))
}

/// What was typed goes over what the file says.
fn put_typed(args: &PlanArgs, jobs: &mut Jobs) {
    let question = &mut jobs.question;
    if args.algorithms.is_some() {
        question.algorithms.clone_from(&args.algorithms);
    }
    if let Some(scope) = &args.scope {
        question.scope = scope.to_str().map(str::to_owned);
    }
    if args.max_size.is_some() {
        question.max_size_bytes = args.max_size;
    }
    if jobs.name.is_empty() {
        let stem = args.jobs.file_stem().and_then(std::ffi::OsStr::to_str);
        stem.unwrap_or("batch").clone_into(&mut jobs.name);
    }
}

/// The same options that a single scan has.
fn question_of(jobs: &Jobs) -> Result<QuestionArgs, Failure> {
    let question = &jobs.question;
    let scope = question.scope.as_ref().map(|path| super::absolute(Path::new(path))).transpose()?;
    Ok(QuestionArgs {
        algorithms: question.algorithms.clone().unwrap_or_else(|| "md5,sha1,sha256".to_owned()),
        scope,
        max_size: question.max_size_bytes,
        ..QuestionArgs::default()
    })
}

fn make(args: &PlanArgs, jobs: &Jobs, console: Console) -> Result<BatchPlan, Failure> {
    let question = question_of(jobs)?;
    let walk = question.walk(Path::new("/"))?;
    let mut sets = args.sets.clone();
    let paths = |list: &[String]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
    sets.sets.extend(paths(&jobs.question.sets));
    sets.known_good.extend(paths(&jobs.question.known_good));
    sets.informational.extend(paths(&jobs.question.informational));
    let opened = sets.open(console)?;
    let mut asked = json!({
        "algorithms": question.algorithms()?.to_string(),
        "sets": opened.planned,
        "scope": walk.scope.text(),
    });
    if let Some(limit) = question.max_size {
        asked["max_size_bytes"] = shown::exact(limit);
    }
    let mut plan = BatchPlan {
        v: BatchPlan::VERSION,
        document: BatchPlan::TYPE.to_owned(),
        name: jobs.name.clone(),
        tool: concat!("triage ", env!("CARGO_PKG_VERSION")).to_owned(),
        question: asked,
        scope_file: question.scope.as_deref().map(shown::path),
        exhibits: Vec::new(),
        items: Vec::new(),
        shards: Vec::new(),
    };
    let width = jobs.exhibits.len().to_string().len().max(4);
    for (place, job) in jobs.exhibits.iter().enumerate() {
        let id = format!("{:0width$}", place + 1);
        add(&mut plan, id, job, &walk)?;
    }
    plan.share_out(args.shards.map(|shards| usize::try_from(shards).unwrap_or(usize::MAX)));
    Ok(plan)
}

/// Measures an exhibit and adds it with its items.
fn add(plan: &mut BatchPlan, id: String, job: &Job, walk: &WalkPlan) -> Result<(), Failure> {
    let path = super::absolute(Path::new(&job.source))?;
    let failed = |error: triage_walk::Error| {
        Failure::from(error)
            .at(format!("exhibit {}", triage_evidence::escape(job.exhibit.as_bytes())))
    };
    let evidence = Evidence::open(&path, OpenAs::Whatever).map_err(failed)?;
    let spins = job.spinning.or_else(|| evidence.is_rotational()) == Some(true);
    let parts = if spins { 1 } else { job.split };
    let mut measured = Measured::default();
    match evidence.image() {
        Some(image) if parts == 1 => measured.bytes = image.source.size_bytes(),
        _ => measured = Measured::walk(&evidence, walk),
    }
    let (ends, weights) = measured.cut(parts);
    let only = weights.len() == 1;
    let mut after: Option<String> = None;
    for (place, weight) in weights.iter().enumerate() {
        let until = ends.get(place).map(Location::to_text);
        plan.items.push(Item {
            id: if only { id.clone() } else { format!("{id}.{:04}", place + 1) },
            exhibit: id.clone(),
            after,
            until: until.clone(),
            bytes: if only { measured.bytes } else { *weight },
        });
        after = until;
    }
    let job = Job { source: shown::path(&path), ..job.clone() };
    plan.exhibits.push(PlannedExhibit {
        id,
        size: Size { bytes: measured.bytes, entries: measured.entries },
        one_reader: spins
            .then(|| job.storage.clone().or_else(|| evidence.storage()))
            .map(|name| name.unwrap_or_else(|| "spinning".to_owned())),
        job,
    });
    Ok(())
}

fn tell(
    args: &PlanArgs,
    plan: &BatchPlan,
    simulation: Option<Simulation>,
    console: Console,
) -> Result<(), Failure> {
    let bytes = plan.exhibits.iter().fold(0_u64, |sum, e| sum.saturating_add(e.size.bytes));
    let sha256 = plan.sha256()?;
    console.say(&format!(
        "batch {}: {} exhibits, {} items, {} shards, {}",
        triage_evidence::escape(plan.name.as_bytes()),
        plan.exhibits.len(),
        plan.items.len(),
        plan.shards.len(),
        measure::bytes(bytes)
    ));
    console.say(&format!("plan: SHA-256 {sha256}"));
    let mut summary = json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "exit_name": exit::name(exit::COMPLETE),
        "exhibits": plan.exhibits.len(), "items": plan.items.len(),
        "shards": plan.shards.len(), "bytes": shown::exact(bytes), "plan_sha256": sha256,
        "plan": args.output.as_deref().map(shown::path),
    });
    if let Some(simulation) = simulation {
        let per_mille = u128::from(simulation.makespan_ms) * 1000
            / u128::from(simulation.lower_bound_ms.max(1));
        console.line(&format!(
            "{} machines would take {} s; no order could take less than {} s ({}.{:03} times that)",
            args.simulate.unwrap_or(1),
            simulation.makespan_ms.div_ceil(1000),
            simulation.lower_bound_ms.div_ceil(1000),
            per_mille / 1000,
            per_mille % 1000
        ));
        summary["simulation"] = json!({
            "machines": args.simulate, "makespan_ms": simulation.makespan_ms,
            "lower_bound_ms": simulation.lower_bound_ms, "work_ms": simulation.work_ms,
        });
    }
    console.record(&summary);
    Ok(())
}
