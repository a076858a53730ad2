//! Why an examination as a whole is not made. What is wrong with the evidence is a `Problem`.

use std::path::PathBuf;

use triage_hash::Algorithm;

/// A mistake in what was asked, our own disk, or this computer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The evidence cannot be opened.
    #[error(transparent)]
    Evidence(#[from] triage_walk::Error),
    /// The package cannot be written.
    #[error(transparent)]
    Case(#[from] triage_case::Error),
    /// A hash set cannot be used.
    #[error(transparent)]
    Sets(#[from] triage_hashset::Error),
    /// What a package stores of the beginning of its scan is not what a scan stores.
    #[error("the stored plan cannot be read: {reason}")]
    Stored {
        /// What is wrong with it.
        reason: String,
    },
    /// The package would lie in the evidence, and change it.
    #[error("the package {} lies in the evidence", triage_evidence::escape(path.as_os_str().as_encoded_bytes()))]
    InEvidence {
        /// The folder of the package.
        path: PathBuf,
    },
    /// A set holds none of the digests that are computed: it could never match.
    #[error("the set {set:?} holds none of the digests that are computed")]
    Unmatchable {
        /// The name of the set.
        set: String,
    },
    /// This computer computes a known digest wrong: nothing may be relied on.
    #[error("the self-test of {algorithm} failed on this computer ({path})")]
    SelfTest {
        /// The algorithm.
        algorithm: Algorithm,
        /// Which code computed it.
        path: &'static str,
    },
    /// The run was ended before its end. What was examined is kept in the package.
    #[error("interrupted; {entries} entries are kept")]
    Interrupted {
        /// How many entries are kept.
        entries: u64,
    },
}
