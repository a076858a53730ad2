//! `fuzz`: damaged lists, packed lists and indexes against every importer and the reader of
//! indexes, and damaged disk images against every reader of evidence, under limits of time and
//! memory.
//!
//! Seeded mutation of the samples that the tests have: no coverage feedback, and therefore no
//! other compiler. First every sample is attacked once in every way; then samples and ways are
//! drawn until the time is over. The cases of one sample, and those of one drawing, run in a
//! process of their own with an address-space limit; one that crashes, hangs or takes too much
//! memory is named with the command that runs it again.

mod attack;
mod images;
mod packing;
mod samples;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Resource, Rlimit, setrlimit};

use self::attack::Attack;
use crate::error::{Error, Outcome, at};

/// Address space of a process: SQLite, decoders and filters need some 100 MiB.
const MEMORY_BYTES: u64 = 1 << 30;
/// How long one process may take: a case takes milliseconds.
const LIMIT: Duration = Duration::from_secs(60);

/// How many cases each target had, by its name.
type Counts = BTreeMap<String, u64>;

/// What the task is asked.
#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// How long; every sample is attacked once, however short that is
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The first seed; a failure names its own
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs the cases of the seed in this process
    #[arg(long, hide = true)]
    here: bool,
    /// Runs those of one sample only
    #[arg(long, hide = true, requires = "here")]
    sample: Option<String>,
}

/// Attacks every sample once, then drawn ones until the time is over.
///
/// # Errors
/// How many processes failed.
pub(crate) fn run(args: &FuzzArgs) -> Outcome {
    if args.here {
        return here(args);
    }
    let begun = Instant::now();
    let mut counts = Counts::new();
    let mut findings = 0;
    let samples = [samples::names(), images::names()].concat();
    for sample in &samples {
        findings += usize::from(!round(args.seed, Some(sample), &mut counts)?);
    }
    println!("fuzz: {} samples, each in every way", samples.len());
    let mut seed = args.seed;
    while begun.elapsed() < Duration::from_secs(args.seconds) || seed == args.seed {
        findings += usize::from(!round(seed, None, &mut counts)?);
        seed += 1;
    }
    for (target, cases) in &counts {
        println!("{target:<20}{cases:>8}");
    }
    let cases: u64 = counts.values().sum();
    let seconds = begun.elapsed().as_secs_f64();
    println!("fuzz: {cases} cases in {seconds:.1} s, {findings} failures");
    match findings {
        0 => Ok(()),
        findings => Err(Error::Findings { check: "fuzz", findings }),
    }
}

/// Runs the cases in this process and prints how many each target had.
fn here(args: &FuzzArgs) -> Outcome {
    let limit = Rlimit { current: Some(MEMORY_BYTES), maximum: Some(MEMORY_BYTES) };
    setrlimit(Resource::As, limit)
        .map_err(|error| Error::Refused(format!("cannot limit the memory: {error}")))?;
    let mut attack = Attack::new(args.seed)?;
    match &args.sample {
        Some(sample) => attack.every_way(sample)?,
        None => attack.drawn()?,
    }
    for (target, cases) in attack.counts() {
        println!("{target} {cases}");
    }
    Ok(())
}

/// Runs cases in a process of their own and adds up what it counted; says whether all went well.
fn round(seed: u64, sample: Option<&str>, counts: &mut Counts) -> Outcome<bool> {
    let program = std::env::current_exe().map_err(at("find", Path::new("xtask")))?;
    let mut command = Command::new(&program);
    command.args(["fuzz", "--here", "--seed", &seed.to_string()]);
    if let Some(sample) = sample {
        command.args(["--sample", sample]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(at("start", &program))?;
    if let Some(why) = wait(&mut child).map_err(at("wait for", &program))? {
        let sample = sample.map(|sample| format!(" --sample '{sample}'")).unwrap_or_default();
        println!("{why}; again with: cargo xtask fuzz --here --seed {seed}{sample}");
        return Ok(false);
    }
    let mut printed = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut printed).map_err(at("read", &program))?;
    }
    for (target, cases) in printed.lines().filter_map(|line| line.rsplit_once(' ')) {
        *counts.entry(target.to_owned()).or_default() += cases.parse::<u64>().unwrap_or(0);
    }
    Ok(true)
}

/// Waits for a process; returns what went wrong, if anything did. What it prints fits a pipe.
fn wait(child: &mut std::process::Child) -> std::io::Result<Option<String>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((!status.success()).then(|| status.to_string()));
        }
        if begun.elapsed() > LIMIT {
            // It may have ended in this moment: either way it was too slow.
            let _ended = child.kill();
            let _reaped = child.wait();
            return Ok(Some(format!("took longer than {} s", LIMIT.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
