//! `bench labs`: another release of a set matched with many stored manifests, and the files that
//! these share: time, memory, and the same answers from DuckDB over a Parquet table of the same
//! manifests.
//!
//! The packages are made up: their manifests and seals are those of scans, their other documents
//! are not there. Times are those of whole processes.

mod packages;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;

use self::packages::{Made, make};
use super::Scratch;
use crate::error::{Error, Outcome, at};
use crate::process;

/// What DuckDB is asked.
const SQL: &str = include_str!("labs/check.py");

/// What the task is asked.
#[derive(Args)]
pub(crate) struct LabsArgs {
    /// How many packages
    #[arg(long, default_value_t = 1_000)]
    packages: u32,
    /// How many files each of them has
    #[arg(long, default_value_t = 10_000)]
    files: u32,
    /// Where everything is made, outside the tree; removed at the end
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// A binary to measure instead of a fresh release build
    #[arg(long)]
    binary: Option<PathBuf>,
    /// A Python with DuckDB; without one the answers are not checked
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

/// How long a process took, and the most memory that it had.
struct Cost {
    seconds: f64,
    kibibytes: u64,
    stdout: Vec<u8>,
}

/// Makes packages, measures, and compares the answers.
///
/// # Errors
/// Something cannot be made or run, or an answer differs from DuckDB's.
pub(super) fn run(args: &LabsArgs) -> Outcome {
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize().map_err(at("find", binary))?,
        None => super::release()?,
    };
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let made = make(&scratch.0, args.packages, args.files)?;
    println!(
        "{} packages of {} files, {} MB of manifests; {} digests in the old set, {} in the new one",
        args.packages,
        args.files,
        made.bytes / 1_000_000,
        made.old_rows,
        made.new_rows
    );
    let triage = |words: &[&str]| measured(&binary, words, &scratch.0);
    let list = ["--packages-from", "packages"];
    for (name, out) in [("old.txt", "old.thx"), ("new.txt", "new.thx")] {
        triage(&["sets", "import", name, "-o", out, "-q"])?;
    }
    let whole = [&["match", "--sets", "new.thx", "--json", "-q"][..], &list].concat();
    tell("match, all of a set", &triage(&whole)?);
    let changes =
        [&["match", "--sets", "new.thx", "--changed-from", "old.thx", "--json", "-q"][..], &list];
    let changes = triage(&changes.concat())?;
    tell("match --changed-from", &changes);
    let correlate = ["correlate", "--json", "-q", "--memory", "512M", "--cases-from", "packages"];
    let correlated = triage(&correlate)?;
    tell("correlate", &correlated);
    for (name, cost) in [("changes.ndjson", &changes), ("shared.ndjson", &correlated)] {
        let path = scratch.0.join(name);
        std::fs::write(&path, &cost.stdout).map_err(at("write", &path))?;
    }
    check(args, &scratch.0, &made)
}

/// Lets DuckDB answer the same questions, and compares.
fn check(args: &LabsArgs, folder: &Path, made: &Made) -> Outcome {
    let known = Command::new(&args.python).args(["-c", "import duckdb"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        println!("skipped: the answers were not compared, there is no Python with duckdb");
        return Ok(());
    }
    let mut command = Command::new(&args.python);
    command.args(["-c", SQL, &made.rare.to_string()]).current_dir(folder).stdin(Stdio::null());
    process::show(&mut command)
}

fn tell(what: &str, cost: &Cost) {
    println!("{what}: {:.1} s, {} MiB", cost.seconds, cost.kibibytes / 1024);
}

/// Runs the program and measures it.
fn measured(binary: &Path, words: &[&str], folder: &Path) -> Outcome<Cost> {
    let begun = Instant::now();
    let figures = folder.join("time.txt");
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%M", "-o"]).arg(&figures).arg(binary).args(words).current_dir(folder);
    let output = command.stderr(Stdio::inherit()).output().map_err(at("start", binary))?;
    let seconds = begun.elapsed().as_secs_f64();
    // Hits and changes end with 1, which `time` passes on.
    if output.status.code().is_none_or(|code| code >= 2) {
        let program = process::line(&command);
        return Err(Error::Failed { program, status: output.status.to_string() });
    }
    let text = std::fs::read_to_string(&figures).map_err(at("read", &figures))?;
    // A line before it says that the code was not 0.
    let kibibytes = text.lines().last().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    Ok(Cost { seconds, kibibytes, stdout: output.stdout })
}
