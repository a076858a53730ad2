//! `match`: looks the digests of stored manifests up again; no disk is needed.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use triage_case::{Coverage, Error, Record, StoredManifest};
use triage_hash::Algorithms;
use triage_hashset::{Asked, Sets};

use super::many::{Packages, doubts, each_in_order, packages, threads};
use super::rematch_changes;
use crate::console::{Console, out};
use crate::exit;
use crate::failure::Failure;
use crate::measure::counted;
use crate::set_args::{SetArgs, damaged, tell_partly};
use crate::shown::{self, coverage_json, hit_line, probable_words, record_json};

/// Look the digests of stored manifests up in sets again; no disk needed
///
/// MANIFEST is a package or a manifest file. What was not read then is not matched now: the exit
/// code is 3 or 4 if a manifest has gaps, or files without any digest that a set could match. The
/// manifest of a package is compared with its seal; `verify` checks the rest.
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
    /// More packages, one a line (`-`: standard input)
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
struct Matched {
    /// The sums of its records, with the hits of these sets.
    coverage: Coverage,
    /// The digests that it has.
    digests: Algorithms,
    /// The records with a hit, and the number of the exhibit.
    hits: Vec<(Record, String)>,
    /// Which set could not match it, in words.
    unanswered: Option<String>,
    /// Whether it was compared with a seal.
    sealed: bool,
    /// What its scan noted against itself.
    doubts: Vec<String>,
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
    Ok(sum.end(sets, console))
}

/// Looks all digests of a manifest up.
fn matched(path: &Path, sets: &Sets) -> Result<Matched, Failure> {
    let stored = StoredManifest::open(path)?;
    let mut asked = Asked::default();
    let mut matched = Matched {
        coverage: Coverage::default(),
        digests: Algorithms::NONE,
        hits: Vec::new(),
        unanswered: None,
        sealed: stored.seal().is_some(),
        doubts: doubts(&stored)?,
    };
    stored.for_each_record(&mut |mut record, exhibit| {
        let algorithms = record.digests.algorithms();
        matched.digests = matched.digests.union(algorithms);
        asked.add(algorithms);
        record.matches = lookup(sets, &record);
        matched.coverage.add(&record);
        if record.is_hit() {
            matched.hits.push((record, exhibit));
        }
        Ok::<(), Error>(())
    })?;
    matched.unanswered = asked.unanswered(sets).map(|unanswered| unanswered.to_string());
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
    packages: Packages,
}

impl Sum {
    fn take(&mut self, path: &str, done: Result<Matched, Failure>, console: Console) {
        let matched = match done {
            Ok(matched) => matched,
            Err(error) => return self.packages.unusable(path, error, console),
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
        self.packages.used(path, matched.sealed, &matched.doubts);
        if let Some(because) = matched.unanswered {
            self.packages.failed(path, because, console);
        }
        self.digests = self.digests.union(matched.digests);
        self.coverage.merge(&matched.coverage);
    }

    fn end(self, sets: &Sets, console: Console) -> u8 {
        let Self { many, coverage, digests, packages } = self;
        tell_partly(sets, digests, console);
        packages.tell_unsealed(console);
        let code = packages.code(coverage.is_complete(), coverage.hits() > 0);
        let incomplete = match (coverage.is_complete() && packages.are_complete(), many) {
            (true, _) => "",
            (false, false) => "; the manifest is INCOMPLETE",
            (false, true) => "; the manifests are INCOMPLETE",
        };
        let of = match many {
            true => format!(" of {}", counted(packages.complete(), "manifest", "manifests")),
            false => String::new(),
        };
        console.say(&format!(
            "{}{} among {}{of}{incomplete}",
            counted(coverage.hits(), "hit", "hits"),
            probable_words(&coverage),
            counted(coverage.seen().entries, "entry", "entries"),
        ));
        let mut summary: Value = json!({
            "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
            "coverage": coverage_json(&coverage),
        });
        packages.sum_up(&mut summary);
        console.record(&summary);
        code
    }
}
