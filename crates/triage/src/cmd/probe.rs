//! `probe`: a look of seconds, before anything is pulled, switched off or scanned.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use triage_evidence::{Kind, escape};
use triage_scan::Clock as _;
use triage_walk::{Error, KernelFolders, Look, OpenAs, Part, Relation, Storage, look_at, resolved};

use super::probe_tell as tell;
use super::scan_args::TakenFor;
use crate::clock::RunClock;
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, shown};

/// A storage that does not answer in this time is told of as such.
const DEADLINE: Duration = Duration::from_millis(4500);

/// Look at evidence for a few seconds: what it is, what it holds, may it be switched off
///
/// Tells the container, partitions, file systems, sizes and encryption of an image or a device, and
/// what this computer does with it: mounted, swapped to, opened with its key. Nothing is hashed and
/// nothing is written; at most 64 MiB are read, and it ends within 5 seconds whatever the size.
/// Exits with 3 if a scan could not read all of it.
///
/// Examples:
///   triage probe /dev/sdb
///   triage probe exhibit.E01
///   triage probe /mnt/exhibit --json
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ProbeArgs {
    /// The evidence: a disk image (the first file of it), a block device, a folder, or a file
    #[arg(value_name = "SRC")]
    source: PathBuf,
    /// What SRC is taken for
    #[arg(long = "as", value_name = "WHAT", default_value = "auto")]
    taken_for: TakenFor,
}

/// What the looking thread sends, in this order.
enum Found {
    Storage(Box<Storage>, PathBuf),
    Look(Box<Result<Look, Error>>),
}

/// Runs the verb.
pub(crate) fn run(args: &ProbeArgs, console: Console) -> Result<u8, Failure> {
    let clock = RunClock::start();
    let found = look(args.source.clone(), args.taken_for.open_as());
    let failed = |error: Error| Failure::from(error).at(shown::path(&args.source));
    let (storage, path) = match receive(&found, &clock) {
        Some(Found::Storage(storage, path)) => (*storage, path),
        Some(Found::Look(look)) => {
            return Err(look.err().map_or_else(not_found, failed));
        }
        None => return Ok(silent(args, &Storage::default(), console)),
    };
    let look = match receive(&found, &clock) {
        Some(Found::Look(look)) => look.map_err(failed)?,
        _ => return Ok(silent(args, &storage, console)),
    };
    tell::look(&path, &look, console);
    tell::storage(&look, &storage, console);
    let closed = unread(&look);
    let damaged = is_cut(&look);
    let code = if closed > 0 || damaged { exit::INCOMPLETE } else { exit::COMPLETE };
    verdict(&look, closed, damaged, console);
    summary(code, &storage, closed, console);
    Ok(code)
}

fn not_found() -> Failure {
    Failure::new(exit::INTERNAL, "the look ended without a result")
}

/// Looks in a thread of its own: a storage that hangs in the kernel cannot be woken, and is left
/// behind.
fn look(source: PathBuf, open_as: OpenAs) -> Receiver<Found> {
    let (to_here, found) = channel();
    std::thread::spawn(move || {
        let path = match resolved(&source) {
            Ok(path) => path,
            Err(error) => {
                let _gone = to_here.send(Found::Look(Box::new(Err(error))));
                return;
            }
        };
        let storage = Storage::of(&path, &KernelFolders::default());
        let _gone = to_here.send(Found::Storage(Box::new(storage), path));
        // The path as it was typed: the names of further segments go by it.
        let _gone = to_here.send(Found::Look(Box::new(look_at(&source, open_as))));
    });
    found
}

fn receive(found: &Receiver<Found>, clock: &RunClock) -> Option<Found> {
    found.recv_timeout(DEADLINE.saturating_sub(clock.elapsed())).ok()
}

/// Tells that the storage did not answer.
fn silent(args: &ProbeArgs, storage: &Storage, console: Console) -> u8 {
    let path = shown::path(&args.source);
    console.line(&format!("{path}: the storage did not answer within {} s", DEADLINE.as_secs()));
    console.record(&json!({
        "v": 1, "type": "probe", "path": path, "kind": "silent",
    }));
    let nothing = Look::File { size_bytes: 0 };
    tell::storage(&nothing, storage, console);
    console.line("NOT LOOKED AT: the storage hangs; check cables and the kernel's log");
    summary(exit::INCOMPLETE, storage, 0, console);
    exit::INCOMPLETE
}

/// What is wrong with a part as a whole.
pub(super) fn notes(part: &Part) -> &[triage_evidence::Problem] {
    part.entry.facts.as_deref().map_or(&[], |facts| &facts.notes)
}

/// Returns how many volumes a scan cannot list.
fn unread(look: &Look) -> usize {
    match look {
        Look::Disk { parts, .. } => parts.iter().filter(|part| part.closed.is_some()).count(),
        Look::Folder { .. } | Look::File { .. } => 0,
    }
}

/// Says whether a part of the medium is known to be missing.
fn is_cut(look: &Look) -> bool {
    let Look::Disk { facts, parts, .. } = look else { return false };
    let mut all = facts.notes.iter().chain(parts.iter().flat_map(notes));
    all.any(|note| note.lost_bytes.is_some_and(|bytes| bytes > 0))
}

fn verdict(look: &Look, closed: usize, damaged: bool, console: Console) {
    let Look::Disk { parts, .. } = look else { return };
    let volumes = parts.iter().filter(|part| part.entry.kind != Kind::Space).count();
    console.line(&match (closed, damaged) {
        (0, false) if volumes == 1 => "a scan can list the files of its volume".to_owned(),
        (0, false) => format!("a scan can list the files of all {volumes} volumes"),
        (0, true) => "a part of the medium is MISSING: a scan will be INCOMPLETE".to_owned(),
        _ if volumes == 1 => {
            "a scan will be INCOMPLETE: the files of its volume cannot be listed".to_owned()
        }
        _ => format!(
            "a scan will be INCOMPLETE: the files of {closed} of {volumes} volumes cannot be listed"
        ),
    });
}

fn summary(code: u8, storage: &Storage, closed: usize, console: Console) {
    if storage.must_stay_on() {
        let of_evidence =
            storage.open_encrypted.iter().filter(|open| open.relation == Relation::Evidence);
        let names: Vec<String> = of_evidence
            .map(|open| format!("{} ({})", escape(open.name.as_bytes()), open.scheme))
            .collect();
        console.line(&format!(
            "DO NOT POWER OFF: an encrypted volume is open: {}. Its content can be read now, and \
             not without its key once the power is off.",
            names.join(", ")
        ));
    }
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
        "do_not_power_off": storage.must_stay_on(),
        "unread_volumes": closed,
    }));
}
