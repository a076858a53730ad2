//! `fuzz`: damaged lists and indexes against every importer and the reader of indexes, for a
//! given time, under limits of time and memory.
//!
//! Seeded mutation of the samples that the tests have: no coverage feedback, and therefore no
//! other compiler. Each round of cases runs in a process of its own with an address-space limit;
//! one that crashes, hangs or takes too much memory is named by its seed, with which it can be run
//! again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Resource, Rlimit, setrlimit};
use triage_hashset::{ImportOptions, Index, Sets, import};
use walkdir::WalkDir;

use crate::error::{Error, Outcome, at};
use crate::random::Random;
use crate::workspace::root;

/// Cases in one process.
const CASES: u64 = 200;
/// Address space of a process: SQLite, decoders and filters need some 100 MiB.
const MEMORY_BYTES: u64 = 1 << 30;
/// How long one process may take: a case takes milliseconds.
const LIMIT: Duration = Duration::from_secs(60);

/// What the task is asked.
#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// How long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The first seed; a failure names its own
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs the cases of the seed in this process
    #[arg(long, hide = true)]
    here: bool,
}

/// Runs rounds until the time is over.
///
/// # Errors
/// The seeds that failed.
pub(crate) fn run(args: &FuzzArgs) -> Outcome {
    if args.here {
        return cases(args.seed);
    }
    let begun = Instant::now();
    let mut seed = args.seed;
    let mut failed = Vec::new();
    while begun.elapsed() < Duration::from_secs(args.seconds) || seed == args.seed {
        if let Some(why) = round(seed)? {
            println!("seed {seed}: {why}; again with: cargo xtask fuzz --here --seed {seed}");
            failed.push(seed);
        }
        seed += 1;
    }
    println!("fuzz: {} cases, {} failures", (seed - args.seed) * CASES, failed.len());
    match failed.len() {
        0 => Ok(()),
        findings => Err(Error::Findings { check: "fuzz", findings }),
    }
}

/// Runs the cases of a seed in a process of their own; returns what went wrong.
fn round(seed: u64) -> Outcome<Option<String>> {
    let program = std::env::current_exe().map_err(at("find", Path::new("xtask")))?;
    let mut child = Command::new(&program)
        .args(["fuzz", "--here", "--seed", &seed.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(at("start", &program))?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(at("wait for", &program))? {
            return Ok((!status.success()).then(|| status.to_string()));
        }
        if begun.elapsed() > LIMIT {
            // It may have ended in this moment: either way it was too slow.
            let _ended = child.kill();
            let _reaped = child.wait();
            return Ok(Some(format!("took longer than {} s", LIMIT.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Damages samples and reads them; a panic ends the process.
fn cases(seed: u64) -> Outcome {
    let limit = Rlimit { current: Some(MEMORY_BYTES), maximum: Some(MEMORY_BYTES) };
    setrlimit(Resource::As, limit)
        .map_err(|error| Error::Refused(format!("cannot limit the memory: {error}")))?;
    let samples = samples();
    let folder = tempfile::tempdir().map_err(at("create", Path::new("a scratch folder")))?;
    let mut random = Random::new(seed);
    for case in 0..CASES {
        let place = random.below(samples.len() as u64) as usize;
        let sample = fs::read(&samples[place]).map_err(at("read", &samples[place]))?;
        let path = folder.path().join(format!("case-{case}"));
        let options = ImportOptions { scheme: Some("fuzz".to_owned()), ..ImportOptions::default() };
        let index = folder.path().join(format!("index-{case}"));
        fs::write(&path, damaged(&sample, &mut random)).map_err(at("write", &path))?;
        if let Ok(compiled) = import(&path, &options) {
            let report = compiled.report();
            let kept = report.accepted + report.duplicates + report.merged;
            let all = kept + report.rejects() + report.exclusions();
            assert_eq!(report.rows, all, "seed {seed}, case {case}: rows do not add up");
            if compiled.write(&index).is_ok() {
                let bytes = fs::read(&index).map_err(at("read", &index))?;
                fs::write(&index, damaged(&bytes, &mut random)).map_err(at("write", &index))?;
                ask(&index);
            }
        }
        for done in [&path, &index] {
            // The index is there only if the list was accepted.
            let _gone = fs::remove_file(done);
        }
    }
    Ok(())
}

/// Opens an index and asks everything of it.
fn ask(path: &Path) {
    let Ok(index) = Index::open(path) else { return };
    let _sound = index.verify();
    let records: Vec<_> = index.records().take(100).filter_map(Result::ok).collect();
    let sets = Sets::from_indexes(vec![index]);
    for record in records {
        let _found = sets.lookup(&record.digests, record.size_bytes.unwrap_or(1));
    }
}

/// The samples that the tests of the crate have.
fn samples() -> Vec<PathBuf> {
    let folder = root().join("crates/triage-hashset/tests/fixtures");
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// Returns a sample with a few flips, a piece taken out or doubled, or its end cut off.
fn damaged(sample: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=random.below(6) {
        if bytes.is_empty() {
            break;
        }
        let place = random.below(bytes.len() as u64) as usize;
        let length = random.below(64.min((bytes.len() - place) as u64) + 1) as usize;
        match random.below(7) {
            0 | 1 => bytes[place] ^= 1 << random.below(8),
            2 => bytes[place] = [0, 0xff, b'"', b'\n', b'{', b'<', b','][random.below(7) as usize],
            3 => drop(bytes.drain(place..place + length)),
            4 => {
                let piece = bytes[place..place + length].to_vec();
                bytes.splice(place..place, piece);
            }
            5 => random.fill(&mut bytes[place..place + length]),
            _ => bytes.truncate(place),
        }
    }
    bytes
}
