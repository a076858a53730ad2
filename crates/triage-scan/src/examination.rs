//! A whole examination in one call, for programs of laboratories: open, walk, hash, match, record,
//! seal. What `triage scan` does, without its words, its report and its resuming.
//!
//! Clock, randomness and threads are the caller's: this crate asks no machine for any of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use triage_case::{CaseDir, Closing, Coverage, Finished, Journal, Particulars, SignedBy, Status};
use triage_custody::{Event, Person};
use triage_evidence::Location;
use triage_hash::Algorithms;
use triage_hashset::Sets;
use triage_walk::{Evidence, OpenAs, WalkPlan, output_lies_in};

use crate::{
    Clock, Error, Execution, Halting, IoMode, Outcome, Plan, PlannedSet, Recorded, Scanned,
    SetReading, Watch, record_into,
};

/// How long one read may take before its file is given up, as in `triage scan`.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// What the machine and the moment give.
pub struct Circumstances<'a> {
    /// The time of day, RFC 3339 with an offset; asked at the end.
    pub time: &'a dyn Fn() -> String,
    /// The time since the run began. It must go on: deadlines end by it.
    pub clock: Arc<dyn Clock>,
    /// 32 random bytes, from which the salts of the Merkle tree are made.
    pub salt_seed: [u8; 32],
    /// Threads that read and hash.
    pub threads: usize,
}

/// One exhibit, one question. The fields that [`Examination::new`] fills can be changed.
pub struct Examination<'a> {
    /// The evidence: a folder, a file, an image, a device.
    pub source: &'a Path,
    /// The package to write: a folder that does not exist yet, outside the evidence.
    pub package: &'a Path,
    /// Case, exhibit, examiner.
    pub particulars: Particulars,
    /// The digests that are computed.
    pub algorithms: Algorithms,
    /// The sets that digests are looked up in.
    pub sets: Arc<Sets>,
    /// What of the evidence is walked.
    pub walk: WalkPlan,
    /// What source is taken for.
    pub open_as: OpenAs,
    /// Is told of hits and progress.
    pub watch: Arc<dyn Watch>,
    /// Ends the run early when it is set.
    pub halting: Arc<Halting>,
    /// Who signs; `None` leaves the seal unsigned.
    pub signed_by: Option<&'a SignedBy>,
}

/// What came of it.
#[derive(Debug)]
pub struct Examined {
    /// The sealed package.
    pub case: CaseDir,
    /// Digest, tree and coverage of its manifest.
    pub manifest: Finished,
    /// Why the sums do not agree; empty if all is well.
    pub doubts: Vec<String>,
}

impl Examined {
    /// Says whether everything in scope was examined. Only then does "no hit" mean anything.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.doubts.is_empty() && self.coverage().is_complete()
    }

    /// Returns what was met, read and found.
    #[must_use]
    pub const fn coverage(&self) -> &Coverage {
        &self.manifest.coverage
    }
}

impl<'a> Examination<'a> {
    /// Asks what `triage scan` asks when nothing else is said: everything, by MD5, SHA-1 and
    /// SHA-256. Without sets nothing is looked up.
    #[must_use]
    pub fn new(source: &'a Path, package: &'a Path, particulars: Particulars) -> Self {
        Self {
            source,
            package,
            particulars,
            algorithms: Algorithms::DEFAULT,
            sets: Arc::default(),
            walk: WalkPlan::default(),
            open_as: OpenAs::default(),
            watch: Arc::new(()),
            halting: Arc::default(),
            signed_by: None,
        }
    }

    /// Examines, and leaves a sealed package. Whether it is complete is asked of the result.
    ///
    /// # Errors
    /// [`Error`] about what was asked and about our own disk, never about what the evidence holds.
    pub fn run(&self, circumstances: &Circumstances<'_>) -> Result<Examined, Error> {
        if let Some(wrong) = triage_hash::self_test().iter().find(|answer| !answer.passed()) {
            return Err(Error::SelfTest { algorithm: wrong.algorithm, path: wrong.path });
        }
        if let Some(index) = self.sets.unmatchable(self.algorithms).next() {
            return Err(Error::Unmatchable { set: index.identity().name.clone() });
        }
        let evidence = Arc::new(Evidence::open(self.source, self.open_as)?);
        self.refuse_inside(&evidence)?;
        let plan = self.plan(&evidence);
        let case = CaseDir::create(self.package, json!({ "plan": plan }).to_string().as_bytes())?;
        let seed = circumstances.salt_seed;
        let journal = Journal::resume(&case, &self.particulars.exhibit, self.algorithms, seed)?;
        let scanned = self.scanned(evidence, circumstances);
        let recorded = record_into(&case, journal, scanned, &mut |_| (), &|outcome, doubts| {
            json!({ "halted": halted(outcome), "doubts": doubts }).to_string().into_bytes()
        })?;
        match recorded {
            Recorded::Interrupted { entries } => Err(Error::Interrupted { entries }),
            Recorded::Finished { manifest, outcome, doubts } => {
                let ended = (&*manifest, &outcome, doubts.as_slice());
                self.close(&case, &plan, ended, circumstances)?;
                drop(case);
                let case = CaseDir::open(self.package)?;
                Ok(Examined { case, manifest: *manifest, doubts })
            }
        }
    }

    /// Output inside the evidence would change it.
    fn refuse_inside(&self, evidence: &Evidence) -> Result<(), Error> {
        match output_lies_in(evidence.path(), self.package) {
            Ok(false) => Ok(()),
            Ok(true) => Err(Error::InEvidence { path: self.package.to_path_buf() }),
            Err(problem) => Err(triage_walk::Error::Open { problem }.into()),
        }
    }

    fn scanned(&self, evidence: Arc<Evidence>, circumstances: &Circumstances<'_>) -> Scanned {
        let spins = evidence.is_rotational() == Some(true);
        Scanned {
            evidence,
            walk: self.walk.clone(),
            algorithms: self.algorithms,
            sets: Some(Arc::clone(&self.sets)).filter(|sets| !sets.is_empty()),
            size_filter: false,
            carry: None,
            execution: Execution {
                threads: circumstances.threads,
                io: if spins { IoMode::OneReader } else { IoMode::Parallel },
                read_timeout: Some(READ_TIMEOUT),
                budget: None,
                stop_after: None,
            },
            watch: Arc::clone(&self.watch),
            clock: Arc::clone(&circumstances.clock),
            halting: Arc::clone(&self.halting),
        }
    }

    fn plan(&self, evidence: &Evidence) -> Plan {
        let walk = &self.walk;
        let path = |path: &Path| triage_evidence::escape(path.as_os_str().as_encoded_bytes());
        let sets = self.sets.iter().map(|index| {
            let name = index.identity().source.name.clone();
            PlannedSet::of(index, name, SetReading::default())
        });
        Plan {
            v: Plan::VERSION,
            source: path(evidence.path()),
            container: evidence.image().map(|image| image.format.to_owned()),
            exhibit: self.particulars.exhibit.clone(),
            algorithms: self.algorithms.to_string(),
            sets: sets.collect(),
            scope: walk.scope.text().to_owned(),
            files: walk.files.as_ref().map(|all| all.iter().map(Location::to_text).collect()),
            after: walk.range.after.as_ref().map(Location::to_text),
            until: walk.range.until.as_ref().map(Location::to_text),
            max_size_bytes: walk.max_size_bytes,
            size_filter: false,
            one_file_system: walk.one_file_system,
            since: None,
            profile: None,
        }
    }

    /// Documents, custody, seal.
    fn close(
        &self,
        case: &CaseDir,
        plan: &Plan,
        (manifest, outcome, doubts): (&Finished, &Outcome, &[String]),
        circumstances: &Circumstances<'_>,
    ) -> Result<(), Error> {
        let coverage = &manifest.coverage;
        let time = (circumstances.time)();
        let tool = json!({ "name": "triage-scan", "version": env!("CARGO_PKG_VERSION") });
        let mut counts = json!({ "seen": coverage.seen().entries, "hits": coverage.hits() });
        for status in Status::ALL {
            counts[status.name()] = json!(coverage.share(status).entries);
        }
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let run_id = triage_custody::sha256_hex(&circumstances.salt_seed);
        let run = json!({
            "v": 1, "run_id": run_id, "tool": tool, "plan": plan, "counts": counts,
            "halted": halted(outcome), "doubts": doubts, "clock": { "end": time },
            "salt_seed": hex(&circumstances.salt_seed),
        });
        case.put_document("data/run.json", &run)?;
        let particulars = &self.particulars;
        let name = Some(particulars.examiner.clone()).filter(|name| !name.is_empty());
        let by = Person {
            name: name.unwrap_or_else(|| "not stated".to_owned()),
            role: Some("examiner".to_owned()),
            org: particulars.organisation.clone(),
            ..Person::default()
        };
        let mut event = Event::new(&time, "hashed", &particulars.exhibit, by);
        event.tool = Some(tool.clone());
        event.output = Some(json!({
            "manifest_sha256": manifest.sha256, "merkle_root": manifest.merkle_root,
        }));
        Ok(case.close(&Closing {
            particulars,
            events: vec![event],
            manifest,
            algorithms: &plan.algorithms,
            run_id: &run_id,
            time: &time,
            tool,
            signed_by: self.signed_by,
        })?)
    }
}

fn halted(outcome: &Outcome) -> Option<&'static str> {
    outcome.halted.map(crate::Halt::name)
}
