//! `match`: looks the digests of a manifest up again; no disk is needed.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use triage_case::{CaseDir, Coverage};

use super::diff::manifest_of;
use crate::console::{Console, out};
use crate::failure::Failure;
use crate::set_args::{SetArgs, damaged};
use crate::shown::{coverage_json, hit_line, record_json};
use crate::{exit, measure};

/// Look the digests of a manifest up in sets again; no disk needed
///
/// MANIFEST is a package or a manifest file. What was not read then is not matched now: the exit
/// code is 3 or 4 if the manifest has gaps.
#[derive(Args, Debug)]
pub(crate) struct MatchArgs {
    /// The package or manifest
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    #[command(flatten)]
    sets: SetArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &MatchArgs, console: Console) -> Result<u8, Failure> {
    let opened = args.sets.open(console)?;
    if opened.sets.is_empty() {
        return Err(Failure::usage("no hash set was named").hint("give --sets FILE"));
    }
    let mut coverage = Coverage::default();
    let mut digests = triage_hash::Algorithms::NONE;
    CaseDir::read_records(&manifest_of(&args.manifest), &mut |mut record| {
        digests = digests.union(record.digests.algorithms());
        record.matches = if record.digests.is_empty() {
            Vec::new()
        } else {
            let size = record.entry.size_bytes.unwrap_or(record.bytes_read);
            opened.sets.lookup(&record.digests, size).into_vec()
        };
        if record.is_hit() {
            if console.json {
                out(&record_json("hit", &record, "").to_string());
            } else {
                out(&hit_line(&record));
            }
        }
        coverage.add(&record);
        Ok(())
    })?;
    damaged(&opened.sets)?;
    if let Some(index) = opened.sets.unmatchable(digests).next().filter(|_| !digests.is_empty()) {
        return Err(Failure::usage("a set could never match this manifest")
            .because(format!("it holds {}, the manifest holds {digests}", index.algorithms())));
    }
    let code = exit::of_coverage(&coverage, false);
    console.say(&format!(
        "{} hits among {} entries{}",
        measure::count(coverage.hits()),
        measure::count(coverage.seen().entries),
        if coverage.is_complete() { "" } else { "; the manifest is INCOMPLETE" }
    ));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
        "coverage": coverage_json(&coverage),
    }));
    Ok(code)
}
