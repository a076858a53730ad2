//! `custody log`: the events of a package, after checking their chain.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use triage_case::CaseDir;
use triage_custody::{Event, Person};

use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, measure};

/// Show the custody log of a package, after checking its chain
///
/// One event after the other: when, what, who, and all that was recorded. With --json the events
/// as they stand in the log.
#[derive(Args, Debug)]
pub(crate) struct LogArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(args: &LogArgs, console: Console) -> Result<u8, Failure> {
    let case = CaseDir::open(&args.package)?;
    let log = case.custody_log()?;
    for event in log.events() {
        lines(event).iter().for_each(|line| console.line(line));
        console.record(&json!({ "v": 1, "type": "event", "event": event }));
    }
    let events = measure::counted(log.len(), "event", "events");
    console.say(&format!("{events}, head {}", log.head()));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "events": log.len(), "head": log.head(),
    }));
    Ok(exit::COMPLETE)
}

fn safe(text: &str) -> String {
    triage_evidence::escape(text.as_bytes())
}

fn person(person: &Person) -> String {
    let more: Vec<String> = [&person.role, &person.org, &person.id, &person.contact]
        .into_iter()
        .flatten()
        .map(|text| safe(text))
        .collect();
    let name = safe(&person.name);
    if more.is_empty() { name } else { format!("{name} ({})", more.join(", ")) }
}

/// Returns an event as a person reads it: a first line, and one for each thing recorded.
pub(crate) fn lines(event: &Event) -> Vec<String> {
    let (time, action) = (safe(&event.time), safe(&event.action).to_uppercase());
    let mut lines = vec![format!("{}  {time}  {action}  {}", event.seq, person(&event.by))];
    let mut add = |label: &str, value: String| lines.push(format!("     {label:<14} {value}"));
    for (label, someone) in [("from", &event.from), ("to", &event.to)] {
        if let Some(someone) = someone {
            add(label, person(someone));
        }
    }
    for (label, text) in [
        ("where", &event.location),
        ("why", &event.reason),
        ("authority", &event.authority),
        ("bag seal no.", &event.seal_no),
        ("condition", &event.condition),
        ("justification", &event.justification),
        ("result", &event.result),
        ("note", &event.note),
        ("written down", &event.recorded),
        ("computer", &event.host),
    ] {
        if let Some(text) = text {
            add(label, safe(text));
        }
    }
    if let Some(number) = event.corrects {
        add("corrects", format!("event {number}"));
    }
    for (label, value) in [
        ("in", &event.input),
        ("out", &event.output),
        ("compared", &event.compared),
        ("write block", &event.write_protect),
        ("clock", &event.clock),
    ] {
        if let Some(value) = value {
            add(label, safe(&value.to_string()));
        }
    }
    for attachment in event.attachments.iter().flatten() {
        add("attachment", format!("{}  {}", safe(&attachment.sha256), safe(&attachment.name)));
    }
    lines
}
