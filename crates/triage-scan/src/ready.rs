//! A scan of which everything is resolved: what is left is to walk into the journal, and to close.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use triage_case::{CaseDir, Finished, Journal, Record};
use triage_hash::Algorithms;
use triage_hashset::Sets;
use triage_report::Gathered;
use triage_walk::{Evidence, WalkPlan};

use crate::{
    Begun, CarryFrom, Clock, Error, Execution, Halt, Halting, Outcome, Recorded, Scanned, Watch,
    record_into,
};

/// Everything that a scan needs.
pub struct Ready {
    /// The package, unfinished.
    pub case: CaseDir,
    /// What its journal keeps of the beginning.
    pub begun: Begun,
    /// The opened evidence.
    pub evidence: Arc<Evidence>,
    /// What of it is walked.
    pub walk: WalkPlan,
    /// The digests that are computed.
    pub algorithms: Algorithms,
    /// The sets that digests are looked up in.
    pub sets: Arc<Sets>,
    /// Where the digests of untouched files are carried from.
    pub carry: Option<CarryFrom>,
}

/// How this computer does it, and who looks on.
pub struct Means {
    /// Threads, deadlines and early ends.
    pub execution: Execution,
    /// The operator's eye.
    pub watch: Arc<dyn Watch>,
    /// The clock for deadlines and budget.
    pub clock: Arc<dyn Clock>,
    /// The switch that ends the run early.
    pub halting: Arc<Halting>,
}

/// A walk that ended.
pub struct Ended {
    /// What the manifest is.
    pub manifest: Finished,
    /// How it ended: `halted`, a text or null, and `doubts`, a list of texts.
    pub outcome: Value,
    /// What a report says, if every record of the manifest came by in this run.
    pub gathered: Option<Gathered>,
}

impl Ended {
    /// Returns how the walk into a package ended, if an earlier run came that far: only closing is
    /// left.
    ///
    /// # Errors
    /// [`Error`] if the manifest or the document of its end cannot be read.
    pub fn kept(case: &CaseDir, begun: &Begun) -> Result<Option<Self>, Error> {
        let Some(outcome) = case.walk_outcome()? else { return Ok(None) };
        let manifest = case.read_finished(&begun.plan.exhibit, begun.seed()?)?;
        Ok(Some(Self { manifest, outcome, gathered: None }))
    }

    /// Returns why the run may not be relied on; empty if all is well.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let doubts = self.outcome["doubts"].as_array().into_iter().flatten();
        doubts.filter_map(|doubt| doubt.as_str().map(str::to_owned)).collect()
    }
}

/// What became of a walk.
pub enum Walked {
    /// It ended: the package can be closed.
    Ended(Box<Ended>),
    /// The operator interrupted; what was examined is kept, and the scan can be resumed.
    Interrupted {
        /// How many entries are kept.
        entries: u64,
    },
}

/// Creates the package of a scan, whose journal keeps what was asked before anything is read.
///
/// # Errors
/// [`Error::Case`] if the folder exists or cannot be written.
pub fn create(package: &Path, begun: &Begun) -> Result<CaseDir, Error> {
    Ok(CaseDir::create(package, &begun.document()?)?)
}

impl Ready {
    /// Opens the journal, behind what an interrupted run has kept.
    ///
    /// # Errors
    /// [`Error::Case`] if it cannot be read or written.
    pub fn journal(&self) -> Result<Journal, Error> {
        let exhibit = &self.begun.plan.exhibit;
        Ok(Journal::resume(&self.case, exhibit, self.algorithms, self.begun.seed()?)?)
    }

    /// Walks into the journal.
    ///
    /// # Errors
    /// [`Error::Case`] about our own disk. What was written until then can be resumed.
    pub fn record(&mut self, journal: Journal, means: Means) -> Result<Walked, Error> {
        let scanned = Scanned {
            evidence: Arc::clone(&self.evidence),
            walk: self.walk.clone(),
            algorithms: self.algorithms,
            sets: Some(Arc::clone(&self.sets)).filter(|sets| !sets.is_empty()),
            size_filter: self.begun.plan.size_filter,
            carry: self.carry.take(),
            execution: means.execution,
            watch: means.watch,
            clock: means.clock,
            halting: means.halting,
        };
        // A resumed run has not seen the records before it: its report reads the manifest again.
        let mut gathered = (journal.next_seq() == 0).then(Gathered::default);
        let mut observe = |record: &Record| {
            if let Some(gathered) = &mut gathered {
                gathered.add(record);
            }
        };
        let document = |outcome: &Outcome, doubts: &[String]| {
            outcome_document(outcome, doubts).to_string().into_bytes()
        };
        Ok(match record_into(&self.case, journal, scanned, &mut observe, &document)? {
            Recorded::Interrupted { entries } => Walked::Interrupted { entries },
            Recorded::Finished { manifest, outcome, doubts } => Walked::Ended(Box::new(Ended {
                manifest: *manifest,
                outcome: outcome_document(&outcome, &doubts),
                gathered,
            })),
        })
    }
}

fn outcome_document(outcome: &Outcome, doubts: &[String]) -> Value {
    json!({ "halted": outcome.halted.map(Halt::name), "doubts": doubts })
}
