//! `diff`: what differs between two manifests.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use triage_case::{DifferenceLine, DifferenceSums, Record, StoredManifest, diff};

use super::many::doubts;
use super::scan_since;
use crate::console::{Console, Results};
use crate::failure::Failure;
use crate::{exit, shown};

/// Compare two manifests, such as those of two visits: added, removed, changed, moved
///
/// A and B are packages or manifest files; a manifest in a package is compared with its seal. Reads
/// no evidence. Exits with 1 if anything differs, with 3 or 4 if for some entries it is not known:
/// one of the two examinations did not list the folder that they are in, neither read their
/// content, or they have no digest of the same algorithm.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The earlier package or manifest
    #[arg(value_name = "A")]
    before: PathBuf,
    /// The later package or manifest
    #[arg(value_name = "B")]
    after: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(args: &DiffArgs, console: Console) -> Result<u8, Failure> {
    let open = |path: &Path| {
        StoredManifest::open(path).map_err(|error| Failure::from(error).at(shown::path(path)))
    };
    let (before, after) = (open(&args.before)?, open(&args.after)?);
    for (name, stored) in [("A", &before), ("B", &after)] {
        tell_doubts(name, stored, console)?;
    }
    let mut sums = DifferenceSums {
        since_seal_sha256: before.seal_sha256().unwrap_or_default().to_owned(),
        ..DifferenceSums::default()
    };
    let mut results = Results::new();
    let compared = diff(before, &after, &mut |found| {
        sums.add(&found.change);
        let line = DifferenceLine::of(&found);
        if console.json {
            results.line(&serde_json::to_vec(&line).unwrap_or_default());
        } else {
            results.line(words(&line, &found.record).as_bytes());
        }
        Ok(())
    })?;
    drop(results);
    sums.end(compared);
    let differs = sums.added + sums.removed + sums.changed + sums.metadata + sums.moved > 0;
    let code = match (differs, sums.unknown > 0) {
        (true, false) => exit::HIT,
        (false, false) => exit::COMPLETE,
        (true, true) => exit::INCOMPLETE_HIT,
        (false, true) => exit::INCOMPLETE,
    };
    console.say(&scan_since::words(&sums));
    let mut summary = serde_json::to_value(&sums).unwrap_or(Value::Null);
    summary["exit"] = json!(code);
    console.record(&summary);
    Ok(code)
}

/// Says what stands against a comparison before it is made: the manifest may not be a sealed one,
/// or may not hold everything that is there.
fn tell_doubts(name: &str, stored: &StoredManifest, console: Console) -> Result<(), Failure> {
    let Some(seal) = stored.seal_sha256() else {
        console
            .say(&format!("warning: {name} is a manifest alone: nothing shows that it is sealed"));
        return Ok(());
    };
    console.say(&format!("{name} is compared with its seal {seal}; `verify` checks everything"));
    let run = stored.run()?;
    let plan = &run["plan"];
    if !(plan["after"].is_null() && plan["until"].is_null() && plan["files"].is_null()) {
        console.say(&format!("warning: {name} holds a PART of its exhibit only"));
    }
    if !doubts(stored)?.is_empty() {
        console.say(&format!(
            "warning: the scan of {name} ended early or noted a doubt: what seems to be new or gone \
             may only not have been met"
        ));
    }
    Ok(())
}

fn words(line: &DifferenceLine, record: &Record) -> String {
    let detail = match &line.from {
        Some(from) => format!(" (from {from})"),
        None if line.what.is_empty() => String::new(),
        None => format!(" ({})", line.what),
    };
    let hit = if line.hit { "  HIT" } else { "" };
    format!("{:<10} {}{detail}{hit}", line.difference, record.entry.location)
}
