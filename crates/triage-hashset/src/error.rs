//! What can go wrong with a set: always the operator's file or disk, never the evidence.

use std::io;
use std::path::PathBuf;

use crate::{BadMap, BadRow, ImportReport, UnknownFormat};

/// Why a set could not be read, compiled, opened or verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {path:?}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content fits no format.
    #[error(
        "{path:?} fits no known set format ({looks_like}); known are {}", candidates.join(", ")
    )]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What its first bytes look like.
        looks_like: &'static str,
        /// The formats that could be named explicitly.
        candidates: Vec<&'static str>,
    },
    /// The content fits several formats; one must be named explicitly.
    #[error("{path:?} fits several set formats: {}", candidates.join(", "))]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The formats that it fits.
        candidates: Vec<&'static str>,
    },
    /// The file breaks off or breaks its format so that nothing of it may be used.
    #[error("{path:?} is damaged at line {line}, column {column}: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        reason: String,
    },
    /// Strict import met a row that it could not use.
    #[error("{path:?} line {}, column {}: {}", bad.line, bad.column, bad.reason.words())]
    Strict {
        /// The file.
        path: PathBuf,
        /// The row.
        bad: BadRow,
    },
    /// The file holds no digest that may be used.
    #[error(
        "{path:?} yields no usable digest: {} rows, {} rejected, {} excluded",
        report.rows, report.rejects(), report.exclusions()
    )]
    NoDigests {
        /// The file.
        path: PathBuf,
        /// What became of its rows.
        report: Box<ImportReport>,
    },
    /// The file has categories, whose numbers mean nothing without their scheme.
    #[error("{path:?} has categories and names no scheme for them")]
    SchemeNeeded {
        /// The file.
        path: PathBuf,
    },
    /// A bloom filter does not say of which algorithm its digests are; a wrong guess would be a set
    /// that never matches.
    #[error("{path:?} is a bloom filter and does not say of which algorithm its digests are")]
    AlgorithmNeeded {
        /// The file.
        path: PathBuf,
    },
    /// A bloom filter answers `probably`, which must not put a file aside.
    #[error("{path:?} was given as known-good and is a bloom filter: what it says may be chance")]
    ProbableKnownGood {
        /// The file.
        path: PathBuf,
    },
    /// A set of known-good files has categories: it is most likely no such set.
    #[error("{path:?} was given as known-good and has categories (row at line {line})")]
    CategorisedKnownGood {
        /// The file.
        path: PathBuf,
        /// Line of the first categorised row, from 1.
        line: u64,
    },
    /// More of something than an index can hold.
    #[error("a set has at most {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// The file is no index of ours, or is damaged.
    #[error("{path:?} is no usable index: {section}: expected {expected}, found {actual}")]
    BadIndex {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        section: &'static str,
        /// What should be there.
        expected: String,
        /// What is there.
        actual: String,
    },
    /// The set is encrypted or its digests are keyed, and no given key opens it.
    #[error("{path:?} cannot be opened: {reason}")]
    Locked {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file of that name is there already; nothing is ever overwritten.
    #[error("{path:?} exists already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is asked of a set does not go with it.
    #[error("the set {set:?} {reason}")]
    Unfit {
        /// The name of the set.
        set: String,
        /// Why not.
        reason: String,
    },
    /// The name of a format is unknown.
    #[error(transparent)]
    UnknownFormat(#[from] UnknownFormat),
    /// The column map cannot be understood or does not fit the file.
    #[error(transparent)]
    BadMap(#[from] BadMap),
}
