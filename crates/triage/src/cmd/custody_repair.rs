//! `custody repair`: ends a custody log that was torn while an event was written.

use clap::Args;
use serde_json::json;
use triage_case::CaseDir;

use super::custody_add::exhibit;
use super::custody_event::ActArgs;
use super::custody_log::lines;
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;

/// End the torn last line of a custody log, and record that
///
/// A kill or a loss of power can leave the last event without its end. Every other verb refuses
/// such a log. This one completes an event that lacks only its line end, removes any other rest,
/// and appends an event that says what was removed, with its SHA-256. Whole lines are never
/// changed: a log whose chain is broken is refused with exit code 5.
#[derive(Args, Debug)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    act: ActArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &RepairArgs, console: Console) -> Result<u8, Failure> {
    let case = CaseDir::open(&args.act.package)?;
    let repaired = case.repair_custody(args.act.event("repaired", &exhibit(&case)?)?)?;
    match &repaired {
        Some(event) => {
            lines(event).iter().for_each(|line| console.line(line));
            console.record(&json!({ "v": 1, "type": "event", "event": event }));
        }
        None => console.line("the custody log is not torn: nothing was changed"),
    }
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "repaired": repaired.is_some(),
    }));
    Ok(exit::COMPLETE)
}
