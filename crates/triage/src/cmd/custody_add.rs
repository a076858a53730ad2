//! `custody add`: one more event of the chain of custody.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;
use triage_case::{CaseDir, Custody};
use triage_custody::{Action, Event};

use super::custody_event::{ByArgs, EventFile, SaidArgs, event};
use super::custody_log::lines;
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, measure};

/// The actions that a person records; the others are recorded by the verbs that do them.
const TYPED: [Action; 19] = [
    Action::Received,
    Action::Released,
    Action::Transferred,
    Action::Returned,
    Action::Moved,
    Action::Stored,
    Action::Opened,
    Action::Resealed,
    Action::Imaged,
    Action::Hashed,
    Action::Verified,
    Action::Examined,
    Action::Exported,
    Action::Disclosed,
    Action::Reviewed,
    Action::Altered,
    Action::Corrected,
    Action::Destroyed,
    Action::Noted,
];

/// Add an event to the custody log of a package: a transfer, an examination, a storage, a return
///
/// The event is appended in one piece and holds the digest of the line before. Nothing is ever
/// asked: give the options, or a TOML file whose keys are the words of the log. A log whose chain
/// is broken, or that is not what the seals pin, is refused with exit code 5. Seal the package
/// afterwards (`triage custody seal`): until then the event is chained, but not signed.
///
/// What an action must say: received (--giver), released, returned, disclosed (--to), transferred
/// (--giver, --to), moved, stored (--location), opened, examined (--reason), resealed (--seal-no),
/// verified, reviewed (--result), altered (--justification), corrected (--corrects, --note),
/// destroyed (--reason, --authority), noted (--note).
#[derive(Args, Debug)]
pub(crate) struct AddArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// What was done
    #[arg(value_name = "ACTION", value_parser = PossibleValuesParser::new(TYPED.map(Action::name)))]
    action: Option<String>,
    /// Take the event from this TOML file; options that are given win
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    by: ByArgs,
    #[command(flatten)]
    said: SaidArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &AddArgs, console: Console) -> Result<u8, Failure> {
    let case = CaseDir::open(&args.package)?;
    let mut custody = case.hold_custody()?;
    let file = match &args.from {
        Some(path) => EventFile::read(path)?,
        None => EventFile::default(),
    };
    let exhibit = exhibit(&case)?;
    let event = event(args.action.as_deref(), &exhibit, &args.by, &args.said, file)?;
    if !TYPED.iter().any(|action| action.name() == event.action) {
        let known = TYPED.map(Action::name).join(", ");
        return Err(Failure::usage(format!("{:?} is no action", event.action))
            .hint(format!("one of {known}")));
    }
    warn_of_order(&custody, &event, console);
    let event = custody.append(event)?;
    lines(&event).iter().for_each(|line| console.line(line));
    console.record(&json!({ "v": 1, "type": "event", "event": event }));
    let events = measure::counted(custody.log().len(), "event", "events");
    console.say(&format!("{events}, head {}", custody.log().head()));
    console.say("not sealed yet: `triage custody seal` pins and signs it");
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "events": custody.log().len(),
        "head": custody.log().head(),
    }));
    Ok(exit::COMPLETE)
}

/// Returns the exhibit's number as it was typed in when the package was made.
pub(crate) fn exhibit(case: &CaseDir) -> Result<String, Failure> {
    let particulars = case.document("data/case.json")?;
    Ok(particulars["exhibit"].as_str().unwrap_or_default().to_owned())
}

/// A late entry is no mistake, but a reader must see that somebody noticed.
fn warn_of_order(custody: &Custody<'_>, event: &Event, console: Console) {
    let time = |event: &Event| event.time.parse::<jiff::Timestamp>().ok();
    let before = custody.log().events().iter().filter_map(time).max();
    if let (Some(before), Some(this)) = (before, time(event))
        && this < before
    {
        console.say("warning: it happened before an event that stands in the log already");
    }
}
