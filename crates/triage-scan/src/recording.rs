//! Runs the pipeline into the journal of a case.

use triage_case::{CaseDir, Error, Finished, Journal, PreparedLine, Preparer, Record};
use triage_hashset::Sets;
use triage_walk::Tally;

use crate::pipeline::{Outcome, Scanned, run};
use crate::{Halt, Ledger};

/// A ledger whose lines go into a journal.
impl Ledger for Preparer {
    type Line = PreparedLine;

    fn prepare(&self, records: Vec<Record>) -> Vec<PreparedLine> {
        Self::prepare(self, records)
    }

    fn weight(line: &PreparedLine) -> usize {
        line.weight()
    }
}

/// What became of a run into a case.
#[derive(Debug)]
pub enum Recorded {
    /// The walk ended and the manifest is in its place.
    Finished {
        /// What the manifest is.
        manifest: Box<Finished>,
        /// How the run ended.
        outcome: Outcome,
        /// Why the walk's own count and the manifest's do not agree, or the walk lost something;
        /// empty if all is well. A run with a reason here is incomplete.
        doubts: Vec<String>,
    },
    /// The operator interrupted; everything up to the checkpoint is kept.
    Interrupted {
        /// How many entries are kept.
        entries: u64,
    },
}

/// Scans into the journal of a case, from the place on where the journal ends. Each new record is
/// handed to `observe` once, in the order of the manifest, after its line was appended.
///
/// # Errors
/// [`Error`] about our own disk. What was written until then can be resumed.
pub fn record_into(
    case: &CaseDir,
    mut journal: Journal,
    mut scanned: Scanned,
    observe: &mut dyn FnMut(&Record),
    outcome_document: &dyn Fn(&Outcome, &[String]) -> Vec<u8>,
) -> Result<Recorded, Error> {
    scanned.walk.resume = journal.last().cloned().map(|last| (last, journal.next_seq()));
    let before = *journal.coverage();
    let sets = scanned.sets.clone();
    let ran = run(scanned, journal.preparer(), &mut |line| {
        journal.append(&line)?;
        observe(line.record());
        Ok(())
    });
    let outcome = match ran {
        Ok(outcome) => outcome,
        Err(error) => {
            // What fits is kept; the first error is the one that is told.
            let _second = journal.checkpoint();
            return Err(error);
        }
    };
    if outcome.halted == Some(Halt::Interrupt) {
        journal.checkpoint()?;
        return Ok(Recorded::Interrupted { entries: journal.next_seq() });
    }
    let after = *journal.coverage();
    let mut doubts = doubts(&outcome, &before, &after);
    if let Some((index, place)) = sets.as_deref().and_then(Sets::damage) {
        doubts.push(format!(
            "the hash set {:?} is damaged at byte {place}: files that it lists may not be hits here",
            index.identity().name
        ));
    }
    let document = outcome_document(&outcome, &doubts);
    let manifest = Box::new(journal.finish(case, &document)?);
    Ok(Recorded::Finished { manifest, outcome, doubts })
}

/// Compares the walk's own count with what the manifest has grown by.
fn doubts(
    outcome: &Outcome,
    before: &triage_case::Coverage,
    after: &triage_case::Coverage,
) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Some(last) = &outcome.stalled {
        doubts.push(format!(
            "the file system stopped answering while names were listed, after {last}"
        ));
    }
    if let Some(problem) = &outcome.carry_problem {
        doubts.push(format!(
            "digests were carried from a manifest that cannot be trusted: {problem}"
        ));
    }
    let Some(tally) = outcome.tally else { return doubts };
    let grown = Tally {
        entries: after.seen().entries - before.seen().entries,
        bytes: after.seen().bytes - before.seen().bytes,
        unsized_entries: after.unsized_entries() - before.unsized_entries(),
        lost_directories: 0,
    };
    if grown != (Tally { lost_directories: 0, ..tally }) {
        doubts.push(format!(
            "the walk counted {} entries and {} bytes, the manifest {} and {}",
            tally.entries, tally.bytes, grown.entries, grown.bytes
        ));
    }
    if tally.lost_directories > 0 {
        doubts.push(format!(
            "{} directories met before the interruption could not be listed again",
            tally.lost_directories
        ));
    }
    doubts
}
