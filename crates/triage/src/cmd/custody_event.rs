//! An event as it is typed in: options, or a TOML file with the same words.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use triage_custody::{Attachment, Event, Person};

use crate::clock::now;
use crate::failure::Failure;
use crate::{facts, shown};

/// The longest file of an event: it is typed by a person.
const LIMIT_FILE_BYTES: u64 = 1024 * 1024;

/// Who acts, and when.
#[derive(Args, Debug, Default)]
pub(crate) struct ByArgs {
    /// Who did it: the full name
    #[arg(long, value_name = "NAME", env = "TRIAGE_EXAMINER")]
    pub(crate) by: Option<String>,
    /// The role of that person, such as examiner, witness, store keeper
    #[arg(long, value_name = "TEXT")]
    pub(crate) role: Option<String>,
    /// The organisation of that person
    #[arg(long, value_name = "TEXT", env = "TRIAGE_ORGANISATION")]
    pub(crate) org: Option<String>,
    /// The badge or staff number of that person
    #[arg(long, value_name = "TEXT")]
    pub(crate) id: Option<String>,
    /// A telephone number or address of that person
    #[arg(long, value_name = "TEXT")]
    pub(crate) contact: Option<String>,
    /// When it happened, if not now: RFC 3339 with an offset
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<String>,
}

/// What is done to the record of a package and makes an event of its own.
#[derive(Args, Debug)]
pub(crate) struct ActArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    pub(crate) package: PathBuf,
    #[command(flatten)]
    by: ByArgs,
    /// Why it is done, as far as known
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl ActArgs {
    /// Returns the event.
    pub(crate) fn event(&self, action: &str, exhibit: &str) -> Result<Event, Failure> {
        let mut event = begin(action, exhibit, &self.by, None, self.by.time.clone())?;
        event.reason.clone_from(&self.reason);
        Ok(event)
    }
}

/// What is said of an event.
#[derive(Args, Debug, Default)]
pub(crate) struct SaidArgs {
    /// Who gave the exhibit
    #[arg(long, value_name = "NAME")]
    giver: Option<String>,
    /// The organisation of the giver
    #[arg(long, value_name = "TEXT", requires = "giver")]
    giver_org: Option<String>,
    /// Who took the exhibit
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// The organisation of the taker
    #[arg(long, value_name = "TEXT", requires = "to")]
    to_org: Option<String>,
    /// Where
    #[arg(long, value_name = "TEXT")]
    location: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The warrant, order or consent
    #[arg(long, value_name = "TEXT")]
    authority: Option<String>,
    /// The number of the bag's seal
    #[arg(long, value_name = "TEXT")]
    seal_no: Option<String>,
    /// In which condition the exhibit and its bag were
    #[arg(long, value_name = "TEXT")]
    condition: Option<String>,
    /// Why the original had to be changed
    #[arg(long, value_name = "TEXT")]
    justification: Option<String>,
    /// The number of the event that this one corrects; that one stays
    #[arg(long, value_name = "N")]
    corrects: Option<u64>,
    /// What came of it
    #[arg(long, value_name = "TEXT")]
    result: Option<String>,
    /// Anything else
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// A document that belongs to it; its name, size and SHA-256 are recorded, not its content
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
}

/// A person in a TOML file: a name, or a table.
#[derive(Deserialize, Debug)]
#[serde(untagged)]
enum Someone {
    Name(String),
    Person(Person),
}

impl From<Someone> for Person {
    fn from(someone: Someone) -> Self {
        match someone {
            Someone::Name(name) => Self { name, ..Self::default() },
            Someone::Person(person) => person,
        }
    }
}

/// An event in a TOML file; the words are those of the log.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventFile {
    action: Option<String>,
    time: Option<String>,
    by: Option<Someone>,
    from: Option<Someone>,
    to: Option<Someone>,
    location: Option<String>,
    reason: Option<String>,
    authority: Option<String>,
    seal_no: Option<String>,
    condition: Option<String>,
    justification: Option<String>,
    corrects: Option<u64>,
    result: Option<String>,
    note: Option<String>,
    #[serde(default)]
    attach: Vec<PathBuf>,
    compared: Option<Value>,
    write_protect: Option<Value>,
    clock: Option<Value>,
    input: Option<Value>,
    output: Option<Value>,
}

impl EventFile {
    /// Reads a file; paths of attachments are relative to it.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = || Failure::usage("cannot read the event").at(shown::path(path));
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(LIMIT_FILE_BYTES + 1).read_to_string(&mut text))
            .map_err(|error| failed().caused_by(&error))?;
        if text.len() as u64 > LIMIT_FILE_BYTES {
            return Err(failed().because(format!("it is longer than {LIMIT_FILE_BYTES} bytes")));
        }
        let mut file: Self = toml::from_str(&text).map_err(|error| failed().caused_by(&error))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for attached in &mut file.attach {
            *attached = folder.join(&attached);
        }
        Ok(file)
    }
}

/// Joins what was typed and what stands in a file; what was typed wins.
pub(crate) fn event(
    action: Option<&str>,
    exhibit: &str,
    by: &ByArgs,
    said: &SaidArgs,
    file: EventFile,
) -> Result<Event, Failure> {
    let hint = "name one, or give it in the file: `triage custody add --help` lists them";
    let action = action.map(str::to_owned).or(file.action);
    let action = action.ok_or_else(|| Failure::usage("which action?").hint(hint))?;
    let time = by.time.clone().or(file.time);
    let mut event = begin(&action, exhibit, by, file.by.map(Person::from), time)?;
    let someone = |name: &Option<String>, org: &Option<String>| {
        let name = name.clone()?;
        Some(Person { name, org: org.clone(), ..Person::default() })
    };
    event.from = someone(&said.giver, &said.giver_org).or(file.from.map(Person::from));
    event.to = someone(&said.to, &said.to_org).or(file.to.map(Person::from));
    let either = |typed: &Option<String>, filed: Option<String>| typed.clone().or(filed);
    event.location = either(&said.location, file.location);
    event.reason = either(&said.reason, file.reason);
    event.authority = either(&said.authority, file.authority);
    event.seal_no = either(&said.seal_no, file.seal_no);
    event.condition = either(&said.condition, file.condition);
    event.justification = either(&said.justification, file.justification);
    event.result = either(&said.result, file.result);
    event.note = either(&said.note, file.note);
    event.corrects = said.corrects.or(file.corrects);
    event.compared = file.compared;
    event.write_protect = file.write_protect;
    event.clock = file.clock;
    event.input = file.input;
    event.output = file.output;
    let attached: Result<Vec<Attachment>, Failure> =
        said.attach.iter().chain(&file.attach).map(|path| attachment(path)).collect();
    event.attachments = Some(attached?).filter(|attached| !attached.is_empty());
    Ok(event)
}

/// Returns an event with who, when, on which computer and with which program.
fn begin(
    action: &str,
    exhibit: &str,
    by: &ByArgs,
    filed: Option<Person>,
    time: Option<String>,
) -> Result<Event, Failure> {
    let mut person = filed.unwrap_or_default();
    if let Some(name) = &by.by {
        person.name.clone_from(name);
    }
    for (typed, kept) in [
        (&by.role, &mut person.role),
        (&by.org, &mut person.org),
        (&by.id, &mut person.id),
        (&by.contact, &mut person.contact),
    ] {
        if typed.is_some() {
            kept.clone_from(typed);
        }
    }
    if person.name.trim().is_empty() {
        return Err(Failure::usage("who did it?").hint("give --by, the full name of a person"));
    }
    let clock = now();
    if let Some(time) = &time {
        check_time(time, &clock)?;
    }
    let mut event = Event::new(time.as_deref().unwrap_or(&clock), action, exhibit, person);
    event.recorded = time.map(|_| clock);
    event.host = facts::host()["hostname"].as_str().map(str::to_owned);
    event.tool = Some(facts::tool());
    Ok(event)
}

/// An event has happened, and its time has a zone.
fn check_time(time: &str, clock: &str) -> Result<(), Failure> {
    let refused = |reason: String| {
        Failure::usage(format!("cannot use the time {time:?}"))
            .because(reason)
            .hint("write it as 2026-11-24T05:02:11+01:00")
    };
    let at: jiff::Timestamp =
        time.parse().map_err(|error: jiff::Error| refused(error.to_string()))?;
    let here: jiff::Timestamp =
        clock.parse().map_err(|error: jiff::Error| refused(error.to_string()))?;
    // The clock has whole seconds.
    if at.as_second() > here.as_second() {
        return Err(refused(format!("it lies ahead of this computer's clock, {clock}")));
    }
    Ok(())
}

fn attachment(path: &Path) -> Result<Attachment, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage("cannot read the attachment").at(shown::path(path)).caused_by(&error)
    };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0_u64;
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            length => {
                hash.update(&buffer[..length]);
                size += length as u64;
            }
        }
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok(Attachment {
        name: triage_evidence::escape(name.as_encoded_bytes()),
        sha256: triage_evidence::hex(&hash.finalize()),
        size: shown::exact(size),
    })
}
