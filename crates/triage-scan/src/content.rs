//! What came of reading one content.

use triage_case::Status;
use triage_evidence::{Entry, Problem, ProblemKind};
use triage_hash::{Digest, Digests};

use crate::carry::Carried;

/// What came of reading one content.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// The class that the entry falls in.
    pub(crate) status: Status,
    /// Why it was not read in full.
    pub(crate) problem: Option<Problem>,
    /// How many bytes were read, holes included.
    pub(crate) bytes_read: u64,
    /// The digests, as far as they mean something.
    pub(crate) digests: Digests,
    /// The manifest that the digests come from, if the content was not read now.
    pub(crate) carried_from: Option<Digest>,
}

impl Content {
    /// Returns what came of a content that could not be read at all.
    pub(crate) fn failed(problem: Problem) -> Self {
        let status = status_of(problem.kind);
        Self::new(status, Some(problem), 0, Digests::new())
    }

    /// Returns what an earlier examination says of a content.
    pub(crate) fn carried(carried: &Carried) -> Self {
        let content = Self::new(Status::Carried, None, 0, carried.digests.clone());
        Self { carried_from: Some(carried.from), ..content }
    }

    /// Returns what came of a content that was to be read now.
    pub(crate) const fn new(
        status: Status,
        problem: Option<Problem>,
        bytes_read: u64,
        digests: Digests,
    ) -> Self {
        Self { status, problem, bytes_read, digests, carried_from: None }
    }

    /// Returns what came of a content that was read in full, given the last look at the file.
    pub(crate) fn whole(
        entry: &Entry,
        bytes_read: u64,
        digests: Digests,
        unchanged: Result<(), Problem>,
    ) -> Self {
        let problem = unchanged.err().or_else(|| differs_in_length(entry, bytes_read));
        let status = if problem.is_some() { Status::Changed } else { Status::Read };
        Self::new(status, problem, bytes_read, digests)
    }
}

/// Returns the class of an entry of which nothing could be read for that reason.
pub(crate) const fn status_of(kind: ProblemKind) -> Status {
    match kind {
        ProblemKind::Changed => Status::Changed,
        ProblemKind::Encrypted => Status::Encrypted,
        ProblemKind::Unsupported => Status::Unsupported,
        _ => Status::Unreadable,
    }
}

/// A content that is not as long as the file system says is not what was examined.
fn differs_in_length(entry: &Entry, bytes_read: u64) -> Option<Problem> {
    let expected = entry.size_bytes?;
    (expected != bytes_read).then(|| {
        let text = format!("the content has {bytes_read} bytes, the file system said {expected}");
        Problem::new(ProblemKind::Changed, text)
    })
}
