//! `profile`: a flame graph of a scan, from samples of perf.

mod flame;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::error::{Error, Outcome, at};
use crate::process;
use crate::workspace::root;

/// Samples a second: no divisor of what else happens regularly.
const SAMPLES: &str = "499";
/// How the release is built, but with symbols, and linked in minutes less.
const CONFIG: [&str; 3] = [
    "profile.release.debug=\"line-tables-only\"",
    "profile.release.strip=\"none\"",
    "profile.release.lto=\"thin\"",
];

/// What the task is asked.
#[derive(Args)]
pub(crate) struct ProfileArgs {
    /// What is scanned: a folder or an image
    #[arg(value_name = "SRC")]
    source: PathBuf,
    /// The digests
    #[arg(long, default_value = "md5,sha1,sha256")]
    algorithms: String,
    /// A binary with symbols instead of a fresh build
    #[arg(long)]
    binary: Option<PathBuf>,
    /// The drawing; else target/profile/scan.svg
    #[arg(short, long)]
    output: Option<PathBuf>,
}

/// Builds the binary with symbols, samples a scan, and draws where its time went.
///
/// # Errors
/// perf is not installed or may not sample, or the scan fails.
pub(crate) fn run(args: &ProfileArgs) -> Outcome {
    if process::find("perf").is_none() {
        let hint = "perf is not installed (Debian: apt-get install linux-perf)";
        return Err(Error::Refused(hint.to_owned()));
    }
    let folder = root().join("target/profile");
    fs::create_dir_all(&folder).map_err(at("make", &folder))?;
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => build(&folder)?,
    };
    let samples = folder.join("samples");
    let case = tempfile::tempdir().map_err(at("make", Path::new("a folder")))?;
    let mut record = Command::new("perf");
    record.args(["record", "--quiet", "-F", SAMPLES, "--call-graph", "dwarf,16384", "-o"]);
    record.arg(&samples).arg("--").arg(&binary).args(["scan", "-q", "--io", "ssd"]);
    record.args(["--algorithms", &args.algorithms]).arg(&args.source);
    process::show(record.arg("--case").arg(case.path().join("case")))?;
    let mut script = Command::new("perf");
    script.args(["script", "-F", "comm,tid,ip,sym", "-i"]).arg(&samples);
    let output = process::keep(&mut script)?;
    let stacks = flame::fold(&String::from_utf8_lossy(&output.stdout));
    fs::remove_file(&samples).map_err(at("remove", &samples))?;
    let drawing = args.output.clone().unwrap_or_else(|| folder.join("scan.svg"));
    fs::write(&drawing, flame::draw(&stacks)).map_err(at("write", &drawing))?;
    println!("{} samples of {} stacks: {drawing:?}", stacks.values().sum::<u64>(), stacks.len());
    Ok(())
}

/// Builds the release with symbols, apart from the release that is shipped.
fn build(folder: &Path) -> Outcome<PathBuf> {
    let mut cargo = process::cargo();
    cargo.args(["build", "--release", "--package", "triage", "--target-dir"]).arg(folder);
    CONFIG.iter().for_each(|setting| {
        cargo.args(["--config", setting]);
    });
    process::show(&mut cargo)?;
    Ok(folder.join("release/triage"))
}
