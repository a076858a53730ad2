//! `sets`: hash sets compiled, listed, described, asked and checked.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use triage_hashset::{
    Certainty, Description, Disposition, Index, ProbableReport, SetKeys, SetSource, Sets, import_to,
};

use super::sets_encrypt::{EncryptArgs, run as run_encrypt};
use super::sets_lookup::{LookupArgs, run as run_lookup};
use super::sets_more::{DiffArgs, ExportArgs, MergeArgs, run_diff, run_export, run_merge};
use crate::console::Console;
use crate::failure::Failure;
use crate::measure::{self, counted};
use crate::set_args::{KeyArgs, ReadingArgs, index_json};
use crate::{exit, shown};

/// With less, a large set would be sorted in thousands of runs.
pub(crate) const LEAST_MEMORY_BYTES: usize = 16 << 20;

/// What the guides call index files by: `nsrl.thx`.
const INDEX_EXTENSION: &str = "thx";

/// Hash sets: import, list, describe, look up, verify, export, encrypt, compare, merge
#[derive(Subcommand, Debug)]
pub(crate) enum SetsVerb {
    Import(ImportArgs),
    List(ListArgs),
    Info(InfoArgs),
    Lookup(LookupArgs),
    Verify(InfoArgs),
    Export(ExportArgs),
    Encrypt(EncryptArgs),
    Diff(DiffArgs),
    Merge(MergeArgs),
}

/// Compile a list into an index that opens at once
///
/// The format is told by content. Every row that cannot be used is counted with its reason; a list
/// without a single usable row is an error and leaves nothing behind.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The list
    #[arg(value_name = "LIST")]
    list: PathBuf,
    /// The index to write; must not exist
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Read the list as this format instead of telling it by content, as --set-format does
    #[arg(long, value_name = "FORMAT", conflicts_with = "set_format")]
    format: Option<String>,
    /// Leave perceptual digests (PhotoDNA, PDQ) out of the set instead of keeping them beside it
    #[arg(long)]
    no_perceptual: bool,
    /// The name of the set; else the list's file name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its version or release
    #[arg(long = "set-version", value_name = "TEXT")]
    version: Option<String>,
    /// Who publishes it
    #[arg(long, value_name = "NAME")]
    publisher: Option<String>,
    /// The date of the release
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// Its licence
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
    /// A handling note, such as TLP:RED
    #[arg(long, value_name = "TEXT")]
    handling: Option<String>,
    /// What a match means: alert, known-good or informational; without it alert, for a bloom
    /// filter informational
    #[arg(long, value_name = "NAME")]
    disposition: Option<Disposition>,
    /// How much memory to sort in: 512M, 2G; what does not fit is sorted beside the index
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = measure::size)]
    memory: u64,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// List the compiled sets in a folder: exit 3 if one of them is damaged
///
/// A file that is encrypted and for which no key was given is named and not opened. `sets verify`
/// checks large sets whole.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// The folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Describe a set: who made it, what is in it, what of its list was not used
#[derive(Args, Debug)]
pub(crate) struct InfoArgs {
    /// A compiled set, or a list
    #[arg(value_name = "SET")]
    set: PathBuf,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Runs the verb.
pub(crate) fn run(verb: &SetsVerb, console: Console) -> Result<u8, Failure> {
    match verb {
        SetsVerb::Import(args) => import_list(args, console),
        SetsVerb::List(args) => list(args, console),
        SetsVerb::Info(args) => info(args, false, console),
        SetsVerb::Lookup(args) => run_lookup(args, console),
        SetsVerb::Verify(args) => info(args, true, console),
        SetsVerb::Export(args) => run_export(args, console),
        SetsVerb::Encrypt(args) => run_encrypt(args, console),
        SetsVerb::Diff(args) => run_diff(args, console),
        SetsVerb::Merge(args) => run_merge(args, console),
    }
}

fn import_list(args: &ImportArgs, console: Console) -> Result<u8, Failure> {
    let description = Description {
        name: args.name.clone(),
        version: args.version.clone(),
        publisher: args.publisher.clone(),
        date: args.date.clone(),
        licence: args.licence.clone(),
        handling: args.handling.clone(),
        disposition: args.disposition,
    };
    let mut reading = args.reading.clone();
    reading.set_format = reading.set_format.or_else(|| args.format.clone());
    let mut options = reading.options(description)?;
    options.drop_perceptual = args.no_perceptual;
    let failed = |error: triage_hashset::Error| Failure::from(error).at(shown::path(&args.list));
    let memory = usize::try_from(args.memory).unwrap_or(usize::MAX).max(LEAST_MEMORY_BYTES);
    let index = import_to(&args.list, &options, &args.output, memory).map_err(failed)?;
    describe(&index, console);
    finish(&index, exit::COMPLETE, console)
}

pub(crate) fn finish(index: &Index, code: u8, console: Console) -> Result<u8, Failure> {
    console.record(&index_json("set", index));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "records": index.record_count(),
        "rejected": index.report().rejects(),
    }));
    Ok(code)
}

pub(crate) fn describe(index: &Index, console: Console) {
    let (identity, report) = (index.identity(), index.report());
    let escaped = |text: &str| triage_evidence::escape(text.as_bytes());
    let mut lines = vec![
        format!("name         {}", escaped(&identity.name)),
        format!("disposition  {}", identity.disposition),
    ];
    for (label, value) in [
        ("version", &identity.version),
        ("publisher", &identity.publisher),
        ("date", &identity.date),
        ("licence", &identity.licence),
        ("handling", &identity.handling),
        ("scheme", &identity.scheme),
    ] {
        if let Some(value) = value {
            lines.push(format!("{label:<12} {}", escaped(value)));
        }
    }
    lines.push(format!(
        "source       {} ({})",
        escaped(&identity.source.name),
        identity.source.format
    ));
    if let Some(key) = index.keyed_by() {
        lines.push(format!("keyed by     {} (a digest key)", escaped(key)));
    }
    lines.push(format!("sha256       {}", identity.source.sha256));
    match index.probable() {
        Some(probable) => lines.extend(filter_lines(index, &probable)),
        None => lines.extend(row_lines(index)),
    }
    for (kind, count) in &report.perceptual {
        lines.push(format!(
            "perceptual   {} {kind}, kept and never matched",
            measure::count(*count)
        ));
    }
    for (field, count) in &report.ignored_fields {
        let field = escaped(field);
        lines.push(format!("  not used   {} {field}", measure::count(*count)));
    }
    let named = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for (reason, count) in &report.rejected {
        lines.push(format!("  rejected   {count} {}", named(&json!(reason))));
    }
    for (reason, count) in &report.excluded {
        lines.push(format!("  left out   {count} {}", named(&json!(reason))));
    }
    for bad in &report.first_bad {
        let reason = named(&json!(bad.reason));
        lines.push(format!("  line {} column {}: {reason}", bad.line, bad.column));
    }
    lines.iter().for_each(|line| console.line(line));
}

/// What there is to say of a bloom filter.
fn filter_lines(index: &Index, probable: &ProbableReport) -> Vec<String> {
    let rate =
        Certainty::Probable { false_positives_per_billion: probable.false_positives_per_billion };
    vec![
        format!("bloom filter of {}: it holds no digests", index.algorithms()),
        format!("entries      {} (its head says so)", measure::count(probable.items)),
        format!(
            "bits         {}, {} of them set",
            measure::count(probable.bits),
            measure::count(probable.ones)
        ),
        format!("matches      {rate}"),
    ]
}

/// What there is in a set of digests, and what became of the rows of its list.
fn row_lines(index: &Index) -> Vec<String> {
    let report = index.report();
    let mut lines = vec![format!("records      {}", measure::count(index.record_count()))];
    for algorithm in index.algorithms().iter() {
        let count = measure::count(index.digest_count(algorithm));
        lines.push(format!("  {algorithm:<10} {count}"));
    }
    lines.push(format!(
        "rows         {}: {} accepted, {} duplicates, {} merged, {} rejected, {} left out",
        measure::count(report.rows),
        report.accepted,
        report.duplicates,
        report.merged,
        report.rejects(),
        report.exclusions()
    ));
    lines
}

pub(crate) fn open(path: &Path, reading: &ReadingArgs) -> Result<Index, Failure> {
    let options = reading.options(Description::default())?;
    let keys = reading.keys.read()?;
    let source = SetSource { path: path.to_path_buf(), options, keys };
    let sets = Sets::open(&[source]).map_err(|error| Failure::from(error).at(shown::path(path)))?;
    sets.into_indexes().pop().ok_or_else(|| Failure::usage("the set is empty"))
}

fn list(args: &ListArgs, console: Console) -> Result<u8, Failure> {
    let keys = args.keys.read()?;
    let failed = |error: &std::io::Error| {
        Failure::usage("cannot list the folder").at(shown::path(&args.folder)).caused_by(error)
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&args.folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| failed(&error))?;
    paths.sort();
    let (mut found, mut locked, mut unusable) = (0, 0, 0);
    for path in paths.iter().filter(|path| path.is_file()) {
        let index = match open_compiled(path, &keys) {
            Ok(None) => continue,
            Ok(Some(index)) => index,
            Err(error) => {
                let count = match error {
                    triage_hashset::Error::Locked { .. } => &mut locked,
                    _ => &mut unusable,
                };
                *count += 1;
                tell_unopened(path, &error, console);
                continue;
            }
        };
        found += 1;
        let identity = index.identity();
        console.line(&format!(
            "{:>14}  {:<13}  {}  {}{}",
            measure::count(index.entry_count()),
            identity.disposition.name(),
            triage_evidence::escape(identity.name.as_bytes()),
            shown::path(path),
            if index.probable().is_some() { "  (bloom filter: probable only)" } else { "" }
        ));
        console.record(&index_json("set", &index));
    }
    let code = exit::of_answer(unusable == 0, false);
    if unusable > 0 {
        let of = counted(unusable, "set", "sets");
        console.say(&format!("INCOMPLETE: {of} could not be used, see `not opened`"));
    }
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "sets": found, "locked": locked,
        "unusable": unusable,
    }));
    Ok(code)
}

/// Opens a file if it is a compiled set, or bears the name of one. What is in it is checked as far
/// as before a scan.
fn open_compiled(path: &Path, keys: &SetKeys) -> Result<Option<Index>, triage_hashset::Error> {
    let failed = |source| triage_hashset::Error::Io { action: "read", path: path.into(), source };
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, 32), &mut head).map_err(failed)?;
    if !triage_hashset::is_index(&head) && !triage_hashset::is_encrypted(&head) {
        if path.extension().is_none_or(|extension| extension != INDEX_EXTENSION) {
            return Ok(None);
        }
        return Err(triage_hashset::Error::BadIndex {
            path: path.into(),
            section: "head",
            expected: "that of an index".to_owned(),
            actual: "something else".to_owned(),
        });
    }
    let source = SetSource { path: path.to_path_buf(), keys: keys.clone(), ..SetSource::default() };
    let sets = Sets::open(&[source])?;
    sets.verify_now_or_in_use()?;
    Ok(sets.into_indexes().pop())
}

/// Names a set that could not be opened.
fn tell_unopened(path: &Path, error: &triage_hashset::Error, console: Console) {
    console.line(&format!("{:>14}  {}: {error}", "not opened", shown::path(path)));
    console.record(&json!({
        "v": 1, "type": "not_opened", "path": shown::path(path), "reason": error.to_string(),
    }));
}

fn info(args: &InfoArgs, verify: bool, console: Console) -> Result<u8, Failure> {
    let index = open(&args.set, &args.reading)?;
    if verify {
        index.verify().map_err(|error| {
            Failure::new(exit::VERIFY_FAILED, "the set is damaged")
                .at(shown::path(&args.set))
                .caused_by(&error)
        })?;
        let what = if index.probable().is_some() { "entries of a bloom filter" } else { "records" };
        console.line(&format!("sound: {} {what}", measure::count(index.entry_count())));
        console.line(&format!("index blake3 {}", triage_evidence::hex(&index.digest())));
    } else {
        describe(&index, console);
    }
    finish(&index, exit::COMPLETE, console)
}
