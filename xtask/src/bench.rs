//! `bench`: the release binary beside its peers, in one run, interleaved, page cache warm, minimum
//! of five.
//!
//! Every figure of ours includes writing the package. A ratio is refused when either side is noisy.
//! Absolute times belong to the machine; the ratios are the bars, and `xtask/bench-floors.toml`
//! holds them.

mod contender;
mod corpus;
mod floors;
mod group;
mod growth;
mod image;
mod labs;
mod limits;
mod machine;
mod measure;
mod page;
mod sets;
mod workers;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use clap::Args;

use crate::error::{Error, Outcome, at};
use crate::process;
use crate::workspace::root;
use contender::Algorithms;
use measure::Table;

/// What the task is asked.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// Smaller corpora; the count of passes stays
    #[arg(long)]
    quick: bool,
    /// Only this corpus: small, medium, large, one, disk
    #[arg(long)]
    corpus: Option<String>,
    /// Only these digests: md5,sha1,sha256 or sha256 or blake3
    #[arg(long)]
    digests: Option<String>,
    /// Let ours hash in these vector lanes and no wider ones, as on a processor that has no others:
    /// avx2 or none
    #[arg(long)]
    lanes: Option<String>,
    /// Where corpora and packages are made, outside the tree; removed at the end
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// A binary to measure instead of a fresh release build
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// What else than scans is measured.
#[derive(clap::Subcommand)]
enum What {
    /// Imports of hash sets and lookups in them, beside hfind, hashdeep and sqlite3
    Sets(sets::SetsArgs),
    /// Walks and digests of disk images, beside fls, fiwalk, rhash and ewfverify
    Image(image::ImageArgs),
    /// Scans of ten thousand to a million files: time for each, and memory
    Growth(growth::GrowthArgs),
    /// A release of a set matched with many packages, and what these share, checked by DuckDB
    Labs(labs::LabsArgs),
    /// A batch done by one worker and by two
    Workers(workers::WorkersArgs),
}

/// Measures, prints, writes docs/performance.md (whole runs only) and judges the floors.
///
/// # Errors
/// A corpus cannot be made, our binary fails, or a floor is not reached.
pub(crate) fn run(args: &BenchArgs) -> Outcome {
    match &args.what {
        Some(What::Sets(args)) => return sets::run(args),
        Some(What::Image(args)) => return image::run(args),
        Some(What::Growth(args)) => return growth::run(args),
        Some(What::Labs(args)) => return labs::run(args),
        Some(What::Workers(args)) => return workers::run(args),
        None => {}
    }
    let floors = floors::read(&root().join("xtask/bench-floors.toml"))?;
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => release()?,
    };
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let threads = available_parallelism().map_or(1, usize::from);
    let (mut tables, mut readings) = (Vec::new(), Vec::new());
    for recipe in corpus::recipes(args.quick) {
        if args.corpus.as_deref().is_some_and(|only| only != recipe.name) {
            continue;
        }
        println!("== making corpus {}: {}", recipe.name, recipe.words);
        let corpus = recipe.make(&scratch.0)?;
        for algorithms in Algorithms::ALL {
            if args.digests.as_deref().is_some_and(|only| only != algorithms.name()) {
                continue;
            }
            let ours = contender::Ours { binary: &binary, lanes: args.lanes.as_deref() };
            let contenders = contender::all(algorithms, &corpus, ours, threads);
            let table = measure::interleaved(&corpus, algorithms, &contenders, &scratch.0)?;
            println!("{}", page::table(&table));
            tables.push(table);
        }
        readings.push(limits::reading(&corpus, threads)?);
        corpus.remove()?;
    }
    let limits = limits::chapter(&tables, &readings, &limits::Rates::measure()?, threads);
    println!("{limits}");
    let skipped = contender::missing();
    for peer in &skipped {
        println!("skipped: {peer} is not installed");
    }
    if args.corpus.is_none() && args.digests.is_none() && args.lanes.is_none() {
        let path = root().join("docs/performance.md");
        let page = page::render(&tables, &machine::words(&machine::HASHERS), &skipped, args.quick);
        fs::write(&path, page + &limits).map_err(at("write", &path))?;
        println!("wrote {path:?}");
    }
    judge(&floors, &tables, args.lanes.as_deref())
}

/// Prints a line for each floor that was measured.
fn judge(floors: &[floors::Floor], tables: &[Table], lanes: Option<&str>) -> Outcome {
    let verdicts: Vec<_> = floors.iter().filter_map(|floor| floor.judge(tables, lanes)).collect();
    for verdict in &verdicts {
        println!("{}: {}", if verdict.reached { "floor" } else { "UNDER" }, verdict.words);
    }
    match verdicts.iter().filter(|verdict| !verdict.reached).count() {
        0 => Ok(()),
        findings => Err(Error::Findings { check: "bench", findings }),
    }
}

/// Builds the release binary; the folder of cargo is asked, because it may be elsewhere.
fn release() -> Outcome<PathBuf> {
    process::show(process::cargo().args(["build", "--release", "--package", "triage"]))?;
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    Ok(metadata.target_directory.as_std_path().join("release/triage"))
}

/// The scratch folder, removed when the task ends, however it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn make(given: Option<&Path>) -> Outcome<Self> {
        let path = match given {
            Some(path) => path.to_path_buf(),
            None => std::env::temp_dir().join("triage-bench"),
        };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let parent = parent.canonicalize().map_err(at("find", parent))?;
        if parent.starts_with(root()) {
            return Err(Error::Refused(format!(
                "{path:?} lies in the tree: choose another --scratch"
            )));
        }
        // Made by create_dir, so that nothing that was there is ever removed at the end.
        fs::create_dir(&path).map_err(at("make", &path))?;
        Ok(Self(path.canonicalize().map_err(at("find", &path))?))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {:?}: {error}", self.0);
        }
    }
}
