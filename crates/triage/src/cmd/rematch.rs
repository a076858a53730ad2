//! `match`: looks the digests of stored manifests up again; no disk is needed.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use triage_case::{Coverage, Error, Record, StoredManifest};
use triage_hash::Algorithms;
use triage_hashset::Sets;

use super::many::{doubts, each_in_order, packages, threads};
use super::rematch_changes;
use crate::console::{Console, out};
use crate::failure::Failure;
use crate::set_args::{SetArgs, damaged};
use crate::shown::{self, coverage_json, hit_line, probable_words, record_json};
use crate::{exit, measure};

/// Look the digests of stored manifests up in sets again; no disk needed
///
/// MANIFEST is a package or a manifest file. What was not read then is not matched now: the exit
/// code is 3 or 4 if a manifest has gaps. The manifest of a package is compared with its seal;
/// `verify` checks the rest.
///
/// With --changed-from, only what another release of a set changes is printed: new hits, hits that
/// are none any more, other categories. Only digests that differ between the two releases are
/// looked up, so that thousands of packages take minutes.
///
/// Examples:
///   triage match CASE-42 --sets known.txt
///   triage match CASE-*/ --sets 2026-12.thx --changed-from 2026-11.thx --json
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct MatchArgs {
    /// The packages or manifests
    #[arg(value_name = "MANIFEST", required_unless_present = "packages_from")]
    pub(super) manifests: Vec<PathBuf>,
    /// More of them, one a line (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    pub(super) packages_from: Option<PathBuf>,
    #[command(flatten)]
    pub(super) sets: SetArgs,
    /// Print only what changes against this earlier release of the one set that --sets names
    #[arg(long, value_name = "SET", conflicts_with_all = ["known_good", "informational", "known_from"])]
    pub(super) changed_from: Option<PathBuf>,
    /// Threads that read manifests; else one for each processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), env = "TRIAGE_THREADS")]
    pub(super) threads: Option<u16>,
}

/// What was found in one manifest.
pub(super) struct Matched {
    /// The sums of its records, with the hits of these sets.
    coverage: Coverage,
    /// The digests that it has.
    digests: Algorithms,
    /// The records with a hit, and the number of the exhibit.
    hits: Vec<(Record, String)>,
    /// Whether it was compared with a seal.
    sealed: bool,
    /// Whether its scan ended early or noted a doubt.
    doubts: bool,
}

/// Why a manifest could not be used.
pub(super) fn reason(error: Failure) -> String {
    error.because.unwrap_or(error.what)
}

/// Runs the verb.
pub(crate) fn run(args: &MatchArgs, console: Console) -> Result<u8, Failure> {
    let paths = packages(&args.manifests, args.packages_from.as_deref())?;
    let opened = args.sets.open(console)?;
    if opened.sets.is_empty() {
        return Err(Failure::usage("no hash set was named").hint("give --sets FILE"));
    }
    if let Some(before) = &args.changed_from {
        return rematch_changes::run(args, before, &paths, &opened, console);
    }
    let sets = &opened.sets;
    let mut sum = Sum { many: paths.len() > 1, ..Sum::default() };
    let work = |path: &PathBuf| matched(path, sets);
    each_in_order(&paths, threads(args.threads), &work, &mut |place, done| {
        if let Some(path) = paths.get(place) {
            sum.take(&shown::path(path), done, console);
        }
    });
    damaged(sets)?;
    sum.end(sets, console)
}

/// Looks all digests of a manifest up.
fn matched(path: &Path, sets: &Sets) -> Result<Matched, Failure> {
    let stored = StoredManifest::open(path)?;
    let mut matched = Matched {
        coverage: Coverage::default(),
        digests: Algorithms::NONE,
        hits: Vec::new(),
        sealed: stored.seal().is_some(),
        doubts: doubts(&stored)?,
    };
    stored.for_each_record(&mut |mut record, exhibit| {
        matched.digests = matched.digests.union(record.digests.algorithms());
        record.matches = lookup(sets, &record);
        matched.coverage.add(&record);
        if record.is_hit() {
            matched.hits.push((record, exhibit));
        }
        Ok::<(), Error>(())
    })?;
    Ok(matched)
}

/// Returns the matches of a record.
pub(super) fn lookup(sets: &Sets, record: &Record) -> Vec<triage_hashset::Match> {
    if record.digests.is_empty() {
        return Vec::new();
    }
    let size = record.entry.size_bytes.unwrap_or(record.bytes_read);
    sets.lookup(&record.digests, size).into_vec()
}

/// The sums over all manifests.
#[derive(Default)]
struct Sum {
    many: bool,
    coverage: Coverage,
    digests: Algorithms,
    manifests: u64,
    unsealed: u64,
    failed: u64,
    is_damaged: bool,
    doubts: bool,
}

impl Sum {
    fn take(&mut self, path: &str, done: Result<Matched, Failure>, console: Console) {
        self.manifests += 1;
        let matched = match done {
            Ok(matched) => matched,
            Err(error) => {
                self.failed += 1;
                self.is_damaged |= error.code == exit::VERIFY_FAILED;
                tell_failed(path, &reason(error), console);
                return;
            }
        };
        for (record, exhibit) in &matched.hits {
            if console.json {
                let mut line = record_json("hit", record, exhibit);
                line["package"] = json!(path);
                out(&line.to_string());
            } else if self.many {
                out(&format!("{path}: {}", hit_line(record)));
            } else {
                out(&hit_line(record));
            }
        }
        self.unsealed += u64::from(!matched.sealed);
        self.digests = self.digests.union(matched.digests);
        self.doubts |= matched.doubts;
        self.coverage.merge(&matched.coverage);
    }

    fn end(self, sets: &Sets, console: Console) -> Result<u8, Failure> {
        let digests = self.digests;
        if let Some(index) = sets.unmatchable(digests).next().filter(|_| !digests.is_empty()) {
            return Err(Failure::usage("a set could never match this manifest").because(format!(
                "it holds {}, the manifest holds {digests}",
                index.algorithms()
            )));
        }
        let coverage = &self.coverage;
        let open = self.failed > 0 || self.doubts;
        let code = match self.is_damaged {
            true => exit::VERIFY_FAILED,
            false => exit::of_coverage(coverage, open),
        };
        tell_unsealed(self.unsealed, console);
        let incomplete = match (coverage.is_complete() && !open, self.many) {
            (true, _) => "",
            (false, false) => "; the manifest is INCOMPLETE",
            (false, true) => "; the manifests are INCOMPLETE",
        };
        let of = match self.many {
            true => format!(" of {} manifests", measure::count(self.manifests - self.failed)),
            false => String::new(),
        };
        console.say(&format!(
            "{} hits{} among {} entries{of}{incomplete}",
            measure::count(coverage.hits()),
            probable_words(coverage),
            measure::count(coverage.seen().entries),
        ));
        let mut summary: Value = json!({
            "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
            "coverage": coverage_json(coverage),
            "manifests": self.manifests, "failed": self.failed, "unsealed": self.unsealed,
        });
        summary["doubts"] = json!(self.doubts);
        console.record(&summary);
        Ok(code)
    }
}

/// Says that a manifest could not be used.
pub(super) fn tell_failed(path: &str, because: &str, console: Console) {
    console.line(&format!("FAILED {path}: {because}"));
    console.record(&json!({ "v": 1, "type": "failed", "package": path, "because": because }));
}

/// Says that manifests were taken as they are.
pub(super) fn tell_unsealed(count: u64, console: Console) {
    if count > 0 {
        console.say(&format!(
            "warning: {} manifests lie in no package: nothing shows that they are as they were \
             written",
            measure::count(count)
        ));
    }
}
