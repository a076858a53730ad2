//! Reads the evidence again and compares it with a finished manifest, entry by entry.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use triage_case::{Change, Coverage, Error, Record, Status, record_difference};
use triage_evidence::Location;

use crate::Ledger;
use crate::pipeline::{Outcome, Scanned, run};

/// One way in which the evidence is not what the manifest says.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditFinding {
    /// The manifest has it, the evidence has not.
    Missing(Record),
    /// The evidence has it, the manifest has not.
    Extra(Record),
    /// Both have it, and it differs as told.
    Changed(Change, Record),
    /// It was read for the manifest and cannot be read now.
    Unreadable(Record),
}

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Entries that are as the manifest says.
    pub same: u64,
    /// Entries that are not.
    pub different: u64,
    /// What was read now.
    pub coverage: Coverage,
}

/// A ledger that hands records on as they are.
#[derive(Clone)]
struct AsIs;

impl Ledger for AsIs {
    type Line = Box<Record>;

    fn prepare(&self, records: Vec<Record>) -> Vec<Box<Record>> {
        records.into_iter().map(Box::new).collect()
    }

    fn weight(_: &Box<Record>) -> usize {
        1024
    }
}

/// Walks and reads the evidence and compares it with the manifest at that path. Access times are
/// not compared. Findings come in the order of their locations.
///
/// # Errors
/// [`Error`] if the manifest cannot be read, or the first error of `take`.
pub fn audit(
    manifest: &Path,
    scanned: Scanned,
    take: &mut dyn FnMut(AuditFinding) -> Result<(), Error>,
) -> Result<(Audit, Outcome), Error> {
    let (to_stated, stated) = sync_channel::<Result<Record, Error>>(4096);
    let manifest = manifest.to_path_buf();
    let reader = std::thread::spawn(move || {
        let read = triage_case::CaseDir::read_records(&manifest, &mut |record| {
            // The audit hangs up only after an error of its own.
            let _hung_up = to_stated.send(Ok(record));
            Ok(())
        });
        if let Err(error) = read {
            let _hung_up = to_stated.send(Err(error));
        }
    });
    let mut merge = Merge { next: None, stated, audit: Audit::default(), take };
    merge.advance()?;
    let outcome = run(scanned, AsIs, &mut |record| merge.met(*record))?;
    while merge.next.is_some() {
        merge.missing()?;
    }
    let audit = merge.audit;
    drop(reader);
    Ok((audit, outcome))
}

struct Merge<'a> {
    next: Option<Record>,
    stated: Receiver<Result<Record, Error>>,
    audit: Audit,
    take: &'a mut dyn FnMut(AuditFinding) -> Result<(), Error>,
}

impl Merge<'_> {
    fn advance(&mut self) -> Result<(), Error> {
        self.next = self.stated.recv().ok().transpose()?;
        Ok(())
    }

    fn is_before(&self, location: &Location) -> bool {
        self.next.as_ref().is_some_and(|next| next.entry.location < *location)
    }

    fn missing(&mut self) -> Result<(), Error> {
        if let Some(record) = self.next.take() {
            self.audit.different += 1;
            (self.take)(AuditFinding::Missing(record))?;
        }
        self.advance()
    }

    fn met(&mut self, now: Record) -> Result<(), Error> {
        self.audit.coverage.add(&now);
        while self.is_before(&now.entry.location) {
            self.missing()?;
        }
        let same_place =
            self.next.as_ref().is_some_and(|next| next.entry.location == now.entry.location);
        if !same_place {
            self.audit.different += 1;
            return (self.take)(AuditFinding::Extra(now));
        }
        let stated = self.next.take();
        self.advance()?;
        let Some(stated) = stated else { return Ok(()) };
        let mut now = now;
        if stated.status == Status::SizeNotListed {
            // What was not read then has nothing to compare but what the file system says of it.
            now = Record::unread(now.seq, now.entry, Status::SizeNotListed);
        }
        let lost =
            stated.status.is_whole() && matches!(now.status, Status::Unreadable | Status::Partial);
        let finding = if lost {
            Some(AuditFinding::Unreadable(now))
        } else {
            // What was read neither then nor now is a gap of the coverage, and no difference.
            record_difference(&stated, &now)
                .filter(|change| !matches!(change, Change::Unknown(_)))
                .map(|change| AuditFinding::Changed(change, now))
        };
        match finding {
            None => {
                self.audit.same += 1;
                Ok(())
            }
            Some(finding) => {
                self.audit.different += 1;
                (self.take)(finding)
            }
        }
    }
}
