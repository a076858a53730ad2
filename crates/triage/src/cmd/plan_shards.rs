//! The shards of a plan: lists of locations that `scan --files-from` takes.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use triage_case::{Share, Status};
use triage_scan::{Shards, Survey, survey};
use triage_walk::{Evidence, Flow};

use super::plan::Question;
use super::plan_tell::entries;
use super::scan::refuse_inside;
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, measure, shown, write};

/// How a scan is divided.
#[derive(Args, Debug)]
pub(super) struct ShardArgs {
    /// Divide the scan into so many shards that weigh about the same, for as many computers
    #[arg(long, value_name = "N", requires = "shards_to", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    shards: Option<u16>,
    /// The folder for the lists of the shards: does not exist yet, lies outside the evidence
    #[arg(long, value_name = "DIR", requires = "shards")]
    shards_to: Option<PathBuf>,
}

/// Refuses a folder inside the evidence, or one that exists.
pub(super) fn refuse(args: &ShardArgs, evidence: &Evidence) -> Result<(), Failure> {
    let Some(folder) = &args.shards_to else { return Ok(()) };
    refuse_inside(evidence.path(), folder)?;
    if folder.symlink_metadata().is_ok() {
        return Err(Failure::new(exit::REFUSED, "refused to write over existing output")
            .at(shown::path(folder))
            .hint("give a folder that does not exist yet"));
    }
    Ok(())
}

/// A list that is being written.
struct List {
    number: usize,
    out: write::NewFile,
}

/// Writes the list of every shard. The evidence is walked again, so that no list is ever held in
/// memory.
pub(super) fn write(
    args: &ShardArgs,
    question: &Question,
    whole: &Survey,
    source: &Path,
    console: Console,
) -> Result<(), Failure> {
    let (Some(count), Some(folder)) = (args.shards, &args.shards_to) else { return Ok(()) };
    let failed = |error: std::io::Error| {
        let full = error.kind() == std::io::ErrorKind::StorageFull;
        let code = if full { exit::INCOMPLETE } else { exit::USAGE };
        Failure::new(code, "cannot write the shards").at(shown::path(folder)).caused_by(&error)
    };
    write::new_folder(folder).map_err(failed)?;
    let bytes = whole.coverage.share(Status::Read).bytes;
    let whole = Share { entries: whole.coverage.seen().entries, bytes };
    let mut shards = Shards::new(count, whole);
    let mut lists = Lists { folder, open: None, next: 0 };
    let mut result = Ok(());
    let _again = survey(&question.evidence, &question.walk, &mut |entry, status| {
        let place = shards.place(entry, status == Status::Read);
        result = lists.line(place, &entry.location.to_text());
        if result.is_ok() { Flow::Continue } else { Flow::Abort }
    });
    result.and_then(|()| lists.finish(usize::from(count))).map_err(failed)?;
    for (number, share) in shards.parts().iter().enumerate() {
        let list = shown::path(&folder.join(name(number)));
        console.line(&format!(
            "shard {}: {}, {} to read: triage scan {} --files-from {list} --case ...",
            number + 1,
            entries(share.entries),
            measure::bytes(share.bytes),
            shown::path(source),
        ));
        console.record(&json!({
            "v": 1, "type": "shard", "number": number + 1, "list": list,
            "entries": share.entries, "bytes": shown::exact(share.bytes),
        }));
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("shard-{:04}.txt", number + 1)
}

/// The lists, of which one is open at a time: shards are ranges.
struct Lists<'a> {
    folder: &'a Path,
    open: Option<List>,
    next: usize,
}

impl Lists<'_> {
    fn line(&mut self, number: usize, location: &str) -> std::io::Result<()> {
        let list = loop {
            match &mut self.open {
                Some(list) if list.number == number => break list,
                _ => self.begin_next()?,
            }
        };
        list.out.write_all(location.as_bytes())?;
        list.out.write_all(b"\n")
    }

    /// Ends the list that is open and begins the next one, which may stay empty.
    fn begin_next(&mut self) -> std::io::Result<()> {
        self.end()?;
        let out = write::NewFile::begin(&self.folder.join(name(self.next)))?;
        self.open = Some(List { number: self.next, out });
        self.next += 1;
        Ok(())
    }

    fn end(&mut self) -> std::io::Result<()> {
        match self.open.take() {
            Some(list) => list.out.end(),
            None => Ok(()),
        }
    }

    fn finish(&mut self, count: usize) -> std::io::Result<()> {
        while self.next < count {
            self.begin_next()?;
        }
        self.end()
    }
}
