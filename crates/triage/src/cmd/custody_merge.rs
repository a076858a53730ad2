//! `custody merge`: two copies of one chain of custody side by side.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use triage_case::CaseDir;
use triage_custody::{CustodyLog, Event, Relation};

use super::custody_log::lines;
use crate::console::Console;
use crate::failure::Failure;
use crate::trust::read_small;
use crate::{exit, shown};

/// Compare two copies of one chain of custody: which one goes on, or where they part
///
/// A package that is copied can be added to in two places. Then no chain holds the events of both,
/// and nothing joins them again without changing one: go on with one copy, and write down in it
/// what the other one has (`custody add`). Exit code 0: both are the same, or one goes on where the
/// other ends. 5: they part; the event at which they do is named, and what each has from there on.
#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// Compare only: events are never moved from one chain to another
    #[arg(long, required = true)]
    check: bool,
    /// A package, or a custody.ndjson
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another copy of it
    #[arg(value_name = "B")]
    second: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(args: &MergeArgs, console: Console) -> Result<u8, Failure> {
    let (first, second) = (log(&args.first)?, log(&args.second)?);
    let relation = Relation::of(&first, &second);
    let (a, b) = (shown::path(&args.first), shown::path(&args.second));
    let newer = match relation {
        Relation::Same => None,
        Relation::SecondHasMore(_) => Some(&b),
        Relation::FirstHasMore(_) => Some(&a),
        Relation::Diverged(_) => None,
    };
    let shared = match relation {
        Relation::Diverged(event) => event,
        _ => first.len().min(second.len()),
    };
    let sides = [("A", &a, &first), ("B", &b, &second)];
    for (side, name, log) in sides {
        tell(side, name, from(log, shared), console);
    }
    let (code, words) = match relation {
        Relation::Same => (exit::COMPLETE, format!("both hold the same {shared} events")),
        Relation::Diverged(0) => (
            exit::VERIFY_FAILED,
            "THEY PART at event 0, the first one: these are not copies of one chain".to_owned(),
        ),
        Relation::Diverged(event) => (
            exit::VERIFY_FAILED,
            format!("THEY PART at event {event}: up to there both hold the same {event} events"),
        ),
        Relation::SecondHasMore(more) | Relation::FirstHasMore(more) => (
            exit::COMPLETE,
            format!(
                "{} goes on where the other ends, with {more} more events: go on with that one",
                newer.map_or("", String::as_str)
            ),
        ),
    };
    console.line(&words);
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
        "relation": name(relation), "shared": shared, "newer": newer,
        "events": [first.len(), second.len()], "heads": [first.head(), second.head()],
    }));
    Ok(code)
}

const fn name(relation: Relation) -> &'static str {
    match relation {
        Relation::Same => "same",
        Relation::SecondHasMore(_) => "second-has-more",
        Relation::FirstHasMore(_) => "first-has-more",
        Relation::Diverged(_) => "diverged",
    }
}

fn from(log: &CustodyLog, event: u64) -> &[Event] {
    log.events().get(usize::try_from(event).unwrap_or(usize::MAX)..).unwrap_or_default()
}

/// Shows what one side has that the other has not.
fn tell(side: &str, name: &str, events: &[Event], console: Console) {
    if events.is_empty() {
        return;
    }
    console.line(&format!("only in {side}, {name}:"));
    for event in events {
        lines(event).iter().for_each(|line| console.line(&format!("  {line}")));
        console.record(&json!({ "v": 1, "type": "event", "only_in": side, "event": event }));
    }
}

/// Reads the log of a package, or one that stands alone.
fn log(path: &Path) -> Result<CustodyLog, Failure> {
    let read = if path.is_dir() {
        CaseDir::open(path)?.custody_log().map_err(Failure::from)
    } else {
        let bytes = read_small(path, "the custody log")?;
        CustodyLog::parse(&bytes).map_err(|error| {
            Failure::new(exit::VERIFY_FAILED, "the custody log is broken").caused_by(&error)
        })
    };
    read.map_err(|failure| failure.at(shown::path(path)))
}
