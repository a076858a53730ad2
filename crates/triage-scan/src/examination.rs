//! A whole examination in one call, for programs of laboratories: open, walk, hash, match, record,
//! seal. What `triage scan` does, without its words. What is interrupted can be
//! resumed with `triage scan --resume`.
//!
//! Clock, randomness and threads are the caller's: this crate asks no machine for any of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use triage_case::{CaseDir, Coverage, Finished, Particulars, SignedBy};
use triage_evidence::hex;
use triage_hash::{Algorithm, Algorithms, hash_bytes};
use triage_report::Format;
use triage_walk::{Evidence, OpenAs, WalkPlan, output_lies_in};

use crate::{
    Begun, Clock, Ended, Error, Execution, Halting, IoMode, Means, OpenSets, Plan, Ready, RunFacts,
    Walked, Watch, create, examined_event, put_documents, put_reports, run_id, seal,
};

/// How long one read may take before its file is given up, as in `triage scan`.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// What the machine and the moment give.
pub struct Circumstances<'a> {
    /// The time of day, RFC 3339 with an offset; asked at the beginning and at the end.
    pub time: &'a dyn Fn() -> String,
    /// The time since the run began. It must go on: deadlines end by it.
    pub clock: Arc<dyn Clock>,
    /// 32 random bytes, from which the salts of the Merkle tree are made.
    pub salt_seed: [u8; 32],
    /// Threads that read and hash.
    pub threads: usize,
    /// What `run.json` says besides, such as the computer under `host`.
    pub facts: Map<String, Value>,
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
    pub sets: OpenSets,
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
    /// The forms of the report that are put besides those that every package holds.
    pub reports: &'a [Format],
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
            sets: OpenSets::default(),
            walk: WalkPlan::default(),
            open_as: OpenAs::default(),
            watch: Arc::new(()),
            halting: Arc::default(),
            signed_by: None,
            reports: &[],
        }
    }

    /// Examines, and leaves a sealed package. Whether it is complete is asked of the result.
    ///
    /// # Errors
    /// [`Error`] about what was asked and about our own disk, never about what the evidence holds.
    pub fn run(&self, circumstances: &Circumstances<'_>) -> Result<Examined, Error> {
        let answers = triage_hash::self_test();
        if let Some(wrong) = answers.iter().find(|answer| !answer.passed()) {
            return Err(Error::SelfTest { algorithm: wrong.algorithm, path: wrong.path });
        }
        if let Some(index) = self.sets.sets.unmatchable(self.algorithms).next() {
            return Err(Error::Unmatchable { set: index.identity().name.clone() });
        }
        let evidence = Arc::new(Evidence::open(self.source, self.open_as)?);
        self.refuse_inside(&evidence)?;
        let execution = execution(&evidence, circumstances.threads);
        let mut ready = self.begin(evidence, circumstances)?;
        let journal = ready.journal()?;
        let means = Means {
            execution,
            watch: Arc::clone(&self.watch),
            clock: Arc::clone(&circumstances.clock),
            halting: Arc::clone(&self.halting),
        };
        let ended = match ready.record(journal, means)? {
            Walked::Interrupted { entries } => return Err(Error::Interrupted { entries }),
            Walked::Ended(ended) => *ended,
        };
        let mut further = circumstances.facts.clone();
        let self_test = json!({ "result": "pass", "answers": answers.len() });
        further.insert("self_test".to_owned(), self_test);
        further.insert("execution".to_owned(), execution.document(false));
        let facts = RunFacts {
            tool: json!({ "name": "triage-scan", "version": env!("CARGO_PKG_VERSION") }),
            time: (circumstances.time)(),
            zone: None,
            elapsed: None,
            further,
        };
        self.close(ready, ended, &facts)
    }

    /// Output inside the evidence would change it.
    fn refuse_inside(&self, evidence: &Evidence) -> Result<(), Error> {
        match output_lies_in(evidence.path(), self.package) {
            Ok(false) => Ok(()),
            Ok(true) => Err(Error::InEvidence { path: self.package.to_path_buf() }),
            Err(problem) => Err(triage_walk::Error::Open { problem }.into()),
        }
    }

    /// Creates the package.
    fn begin(
        &self,
        evidence: Arc<Evidence>,
        circumstances: &Circumstances<'_>,
    ) -> Result<Ready, Error> {
        let exhibit = &self.particulars.exhibit;
        let sets = self.sets.planned.clone();
        let begun = Begun {
            plan: Plan::new(&evidence, &self.walk, exhibit, self.algorithms, sets),
            particulars: self.particulars.clone(),
            run_id: run_id(identity(&circumstances.salt_seed)),
            salt_seed: hex(&circumstances.salt_seed),
            started: (circumstances.time)(),
        };
        Ok(Ready {
            case: create(self.package, &begun)?,
            begun,
            evidence,
            walk: self.walk.clone(),
            algorithms: self.algorithms,
            sets: Arc::clone(&self.sets.sets),
            carry: None,
        })
    }

    /// Documents, reports, custody, seal.
    fn close(&self, ready: Ready, mut ended: Ended, facts: &RunFacts) -> Result<Examined, Error> {
        let Ready { case, begun, .. } = ready;
        put_documents(&case, &begun, &ended, facts)?;
        put_reports(&case, ended.gathered.take(), self.reports)?;
        let event = examined_event("hashed", &begun, &ended, facts);
        seal(&case, &begun, &ended, (event, facts), self.signed_by)?;
        drop(case);
        let doubts = ended.doubts();
        Ok(Examined { case: CaseDir::open(self.package)?, manifest: ended.manifest, doubts })
    }
}

fn execution(evidence: &Evidence, threads: usize) -> Execution {
    Execution {
        threads,
        io: if evidence.may_spin() { IoMode::OneReader } else { IoMode::Parallel },
        read_timeout: Some(READ_TIMEOUT),
        budget: None,
        stop_after: None,
    }
}

/// The run is named by the seed, of which it does not tell anything.
fn identity(salt_seed: &[u8; 32]) -> [u8; 16] {
    let digests = hash_bytes(Algorithms::NONE.with(Algorithm::Sha256), salt_seed);
    let mut identity = [0; 16];
    if let Some(digest) = digests.get(Algorithm::Sha256) {
        identity.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    }
    identity
}
