//! `sets export`, `sets diff`, `sets merge`: sets in other programs' formats, two releases
//! compared, several sets as one.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use triage_hash::{Algorithm, Digests};
use triage_hashset::{
    Category, Description, Difference, Disposition, ExportFormat, ExportOptions, UnknownFormat,
    diff, export, merge,
};

use super::sets::{LEAST_MEMORY_BYTES, describe, finish, open};
use crate::console::Console;
use crate::failure::Failure;
use crate::measure::counted;
use crate::set_args::ReadingArgs;
use crate::{exit, measure, shown};

/// Write a set in a format that other programs read
///
/// What the format cannot hold is counted: categories, further digests, rows without the digest.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// A compiled set, or a list
    #[arg(value_name = "SET")]
    set: PathBuf,
    /// plain, csv, gnu, bsd, hashdeep, xways, encase, vics, tsk, iped, stix, misp or bloom
    #[arg(long, value_name = "NAME", value_parser = format)]
    format: ExportFormat,
    /// The digest, for formats that hold one a row
    #[arg(long, value_name = "NAME")]
    algorithm: Option<Algorithm>,
    /// Write perceptual digests too, where the format has them (vics): pictures can be guessed from
    /// them
    #[arg(long)]
    perceptual: bool,
    /// The file to write; must not exist
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Compare two releases of a set: exit 1 if they differ
///
/// Each difference is one line: added, removed, recategorised, or of another size.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The earlier release
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The later release
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// Only the counts
    #[arg(long)]
    summary: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Make one set of several of the same disposition and scheme
#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// Compiled sets, or lists
    #[arg(value_name = "SET", required = true, num_args = 2..)]
    sets: Vec<PathBuf>,
    /// The index to write; must not exist
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The name of the set; else the names of all
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its version or release
    #[arg(long = "set-version", value_name = "TEXT")]
    version: Option<String>,
    /// What a match means: alert, known-good or informational
    #[arg(long, value_name = "NAME", default_value = "alert")]
    disposition: Disposition,
    /// How much memory to sort in: 512M, 2G
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = measure::size)]
    memory: u64,
    #[command(flatten)]
    reading: ReadingArgs,
}

fn format(text: &str) -> Result<ExportFormat, UnknownFormat> {
    text.parse()
}

/// Runs `sets export`.
pub(crate) fn run_export(args: &ExportArgs, console: Console) -> Result<u8, Failure> {
    let index = open(&args.set, &args.reading)?;
    let failed = |error: triage_hashset::Error| Failure::from(error).at(shown::path(&args.output));
    let options = ExportOptions { algorithm: args.algorithm, perceptual: args.perceptual };
    let report = export(&index, args.format, options, &args.output).map_err(failed)?;
    let (written, rows) = (measure::count(report.written), measure::count(report.rows));
    console.line(&format!("written      {written} of {rows} rows"));
    for (what, count) in &report.lost {
        console.line(&format!("  not held   {} {what}", measure::count(*count)));
    }
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "format": args.format.name(),
        "rows": report.rows, "written": report.written, "lost": report.lost,
    }));
    Ok(exit::COMPLETE)
}

/// Runs `sets diff`.
pub(crate) fn run_diff(args: &DiffArgs, console: Console) -> Result<u8, Failure> {
    let before = open(&args.before, &args.reading)?;
    let after = open(&args.after, &args.reading)?;
    let [mut added, mut removed, mut recategorised, mut resized] = [0_u64; 4];
    let same = diff(&before, &after, &mut |difference| {
        let (word, sign, digests, detail) = match &difference {
            Difference::Added(record) => {
                added += 1;
                ("added", '+', &record.digests, words(std::slice::from_ref(&record.category)))
            }
            Difference::Removed(record) => {
                removed += 1;
                ("removed", '-', &record.digests, words(std::slice::from_ref(&record.category)))
            }
            Difference::Recategorised { digests, before, after } => {
                recategorised += 1;
                ("recategorised", '~', digests, format!("{} -> {}", words(before), words(after)))
            }
            Difference::Resized { digests, before, after } => {
                resized += 1;
                ("resized", '~', digests, format!("{} -> {}", sizes(before), sizes(after)))
            }
        };
        if !args.summary {
            console.line(&format!("{sign} {}  {detail}", all_digests(digests)));
            console.record(&json!({
                "v": 1, "type": "set_difference", "what": word,
                "digests": digests_json(digests), "detail": detail,
            }));
        }
        Ok(())
    })?;
    let dispositions = [&before, &after].map(|set| set.identity().disposition);
    let turned = dispositions[0] != dispositions[1];
    if turned {
        let [then, now] = dispositions;
        console.line(&format!("~ the set was {then} and is {now}"));
    }
    let code = if turned || added + removed + recategorised + resized > 0 {
        exit::HIT
    } else {
        exit::COMPLETE
    };
    console.say(&format!(
        "{} added, {} removed, {} recategorised, {} of another size, {} the same",
        measure::count(added),
        measure::count(removed),
        measure::count(recategorised),
        measure::count(resized),
        measure::count(same)
    ));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "added": added, "removed": removed,
        "recategorised": recategorised, "resized": resized, "same": same,
        "disposition": dispositions.map(Disposition::name),
    }));
    Ok(code)
}

/// Runs `sets merge`.
pub(crate) fn run_merge(args: &MergeArgs, console: Console) -> Result<u8, Failure> {
    let sets: Result<Vec<_>, Failure> =
        args.sets.iter().map(|set| open(set, &args.reading)).collect();
    let description = Description {
        name: args.name.clone(),
        version: args.version.clone(),
        disposition: Some(args.disposition),
        ..Description::default()
    };
    let memory = usize::try_from(args.memory).unwrap_or(usize::MAX).max(LEAST_MEMORY_BYTES);
    let merged = merge(&sets?, description, &args.output, memory)
        .map_err(|error| Failure::from(error).at(shown::path(&args.output)))?;
    describe(&merged, console);
    finish(&merged, exit::COMPLETE, console)
}

fn all_digests(digests: &Digests) -> String {
    let all: Vec<String> =
        digests.iter().map(|digest| format!("{}:{digest}", digest.algorithm())).collect();
    all.join(" ")
}

fn digests_json(digests: &Digests) -> Value {
    digests.iter().map(|d| (d.algorithm().name().to_owned(), json!(d.to_string()))).collect()
}

/// Returns sizes in words.
fn sizes(sizes: &[Option<u64>]) -> String {
    let word = |size: &Option<u64>| {
        size.map_or_else(|| "no size".to_owned(), |size| counted(size, "byte", "bytes"))
    };
    sizes.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Returns categories in words.
fn words(categories: &[Option<Category>]) -> String {
    let words: Vec<String> = categories
        .iter()
        .map(|category| match category {
            None => "no category".to_owned(),
            Some(category) => {
                let number = category.number.map(|number| format!(" {number}")).unwrap_or_default();
                let label =
                    category.label.as_deref().map(|l| format!(" ({l})")).unwrap_or_default();
                triage_evidence::escape(format!("{}{number}{label}", category.scheme).as_bytes())
            }
        })
        .collect();
    words.join(", ")
}
