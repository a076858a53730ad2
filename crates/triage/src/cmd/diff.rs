//! `diff`: what differs between two manifests.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use triage_case::{Change, diff};

use super::verify::difference;
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, measure};

/// Compare two manifests: added, removed, changed, moved
///
/// A and B are packages or manifest files. Reads no evidence. Exits with 1 if anything differs.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The earlier package or manifest
    #[arg(value_name = "A")]
    before: PathBuf,
    /// The later package or manifest
    #[arg(value_name = "B")]
    after: PathBuf,
}

/// Returns the manifest of a package, or the path itself.
pub(crate) fn manifest_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("data/manifest.ndjson") } else { path.to_path_buf() }
}

/// Runs the verb.
pub(crate) fn run(args: &DiffArgs, console: Console) -> Result<u8, Failure> {
    let [mut added, mut removed, mut changed, mut metadata, mut moved] = [0_u64; 5];
    let same = diff(&manifest_of(&args.before), &manifest_of(&args.after), &mut |found| {
        let record = &found.record;
        match &found.change {
            Change::Added => {
                added += 1;
                difference("added", "", record, console);
            }
            Change::Removed => {
                removed += 1;
                difference("removed", "", record, console);
            }
            Change::Changed(what) => {
                changed += 1;
                difference("changed", what, record, console);
            }
            Change::Metadata(what) => {
                metadata += 1;
                difference("metadata", what, record, console);
            }
            Change::Moved(from) => {
                moved += 1;
                difference("moved", &format!("from {}", from.entry.location), record, console);
            }
        }
        Ok(())
    })?;
    let differs = added + removed + changed + metadata + moved > 0;
    let code = if differs { exit::HIT } else { exit::COMPLETE };
    console.say(&format!(
        "{} same, {added} added, {removed} removed, {changed} changed, {moved} moved, {metadata} metadata only",
        measure::count(same)
    ));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "same": same, "added": added,
        "removed": removed, "changed": changed, "moved": moved, "metadata": metadata,
    }));
    Ok(code)
}
