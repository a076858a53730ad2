//! Digests of an earlier examination, for files that nothing has touched since.
//!
//! A file counts as untouched when it has the same location, device, inode, size, time of
//! modification and time of inode change as then. The last of these cannot be set by a program of
//! the file's owner; whoever writes to the disk itself or sets the clock back can forge it. That is
//! why digests are carried on request only, and each such record says so.

use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use triage_case::{Record, Records, StoredManifest};
use triage_evidence::{Entry, Kind, Problem, Time};
use triage_hash::{Algorithm, Algorithms, Digest, Digests};
use triage_walk::{Met, Verdict};

/// The examination that digests are carried from, as the plan names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// The absolute path of its package, in display form.
    pub package: String,
    /// Its exhibit's number.
    pub exhibit: String,
    /// The SHA-256 of its newest seal, lower-case hex.
    pub seal_sha256: String,
    /// When that seal was made, RFC 3339 with an offset.
    pub sealed: String,
    /// The SHA-256 of its manifest, lower-case hex.
    pub manifest_sha256: String,
    /// When it began, RFC 3339 with an offset.
    pub began: String,
}

/// The coarsest time of inode change that the kernel shows, in seconds: that of FAT. A file that
/// changes after it was read, within the step of time in which the examination began, may keep its
/// times; later changes have a later time.
const STEP_SECONDS: i64 = 2;

/// An earlier manifest, opened to carry digests from.
pub struct CarryFrom {
    manifest: StoredManifest,
    sha256: Digest,
    touched_from: Time,
}

/// Why digests cannot be carried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CannotCarry(String);

impl CarryFrom {
    /// Takes a manifest whose package was verified.
    ///
    /// # Errors
    /// [`CannotCarry`] if it is not the one that the plan names, or the plan cannot be read.
    pub fn new(manifest: StoredManifest, earlier: &Earlier) -> Result<Self, CannotCarry> {
        if manifest.seal_sha256() != Some(earlier.seal_sha256.as_str()) {
            return Err(CannotCarry("its newest seal is not the one that the plan names".into()));
        }
        let sha256 = Digest::from_hex(Algorithm::Sha256, earlier.manifest_sha256.as_bytes());
        let sha256 = sha256.map_err(|error| CannotCarry(error.to_string()))?;
        let began = Time::from_text(&earlier.began);
        let began = began.ok_or_else(|| CannotCarry("it does not say when it began".into()))?;
        let seconds = began.seconds.saturating_sub(began.seconds.rem_euclid(STEP_SECONDS));
        let touched_from = Time { seconds, nanoseconds: 0 };
        Ok(Self { manifest, sha256, touched_from })
    }
}

/// What is carried for an entry.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    /// The digests of the plan's algorithms.
    pub(crate) digests: Digests,
    /// The manifest of the examination that read the content.
    pub(crate) from: Digest,
}

/// Walks along the earlier manifest while entries are met.
pub(crate) struct Carrier {
    records: Records,
    sha256: Digest,
    touched_from: Time,
    algorithms: Algorithms,
    problem: Option<String>,
}

/// Where the walk leaves word of an earlier manifest that could not be read to its end.
#[derive(Default)]
pub(crate) struct CarryProblem(Mutex<Option<String>>);

impl CarryProblem {
    pub(crate) fn put(&self, problem: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Carrier {
    pub(crate) fn new(from: CarryFrom, algorithms: Algorithms) -> Self {
        let CarryFrom { manifest, sha256, touched_from } = from;
        let records = manifest.into_records();
        Self { records, sha256, touched_from, algorithms, problem: None }
    }

    /// Returns what is carried for the next entry met; entries come in the order of the manifest.
    pub(crate) fn meet(&mut self, met: &Met) -> Option<Carried> {
        if self.problem.is_some() {
            return None;
        }
        let found = self.find(&met.entry);
        let old = found.unwrap_or_else(|error| {
            self.problem = Some(error.to_string());
            None
        })?;
        (met.verdict == Verdict::Content).then(|| self.carried(&old, &met.entry)).flatten()
    }

    fn find(&mut self, entry: &Entry) -> Result<Option<Record>, triage_case::Error> {
        loop {
            let Some(old) = self.records.peek()? else { return Ok(None) };
            match old.entry.location.cmp(&entry.location) {
                Ordering::Less => self.records.take()?,
                Ordering::Equal => return self.records.take(),
                Ordering::Greater => return Ok(None),
            };
        }
    }

    fn carried(&self, old: &Record, entry: &Entry) -> Option<Carried> {
        if !old.status.is_whole() || !is_untouched(&old.entry, entry, self.touched_from) {
            return None;
        }
        let mut digests = Digests::new();
        for algorithm in self.algorithms.iter() {
            digests.insert(old.digests.get(algorithm)?);
        }
        Some(Carried { digests, from: old.carried_from.unwrap_or(self.sha256) })
    }

    /// Reads the rest, so that the whole manifest is compared with its seal. Returns why digests
    /// that were carried may be wrong, if they may.
    pub(crate) fn end(mut self) -> Option<String> {
        while self.problem.is_none() {
            match self.records.take() {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => self.problem = Some(error.to_string()),
            }
        }
        self.problem
    }
}

/// Says whether everything that tells of a change of the content is known and as it was.
fn is_untouched(old: &Entry, now: &Entry, touched_from: Time) -> bool {
    let is_file = |entry: &Entry| entry.kind == Kind::File && entry.recovery.is_none();
    let same = |a: Option<Time>, b: Option<Time>| a.is_some() && a == b;
    is_file(old)
        && is_file(now)
        && now.id.is_some()
        && old.id == now.id
        && now.size_bytes.is_some()
        && old.size_bytes == now.size_bytes
        && same(old.times.modified, now.times.modified)
        && same(old.times.changed, now.times.changed)
        && now.times.changed.is_some_and(|changed| changed < touched_from)
        && !has_problem_notes(now)
}

/// A file of which the file system says something odd is read.
fn has_problem_notes(entry: &Entry) -> bool {
    let notes: &[Problem] = entry.facts.as_deref().map_or(&[], |facts| &facts.notes);
    !notes.is_empty()
}
