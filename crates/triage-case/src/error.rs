//! What can go wrong with our own package and our own disk.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call on a file of ours failed.
    #[error("cannot {action} {}", triage_evidence::escape(path.as_os_str().as_encoded_bytes()))]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The output exists already.
    #[error("{} exists and is not empty", triage_evidence::escape(path.as_os_str().as_encoded_bytes()))]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// The folder is no case package, or not in the state that was asked for.
    #[error("{} is {actual}, expected {expected}", triage_evidence::escape(path.as_os_str().as_encoded_bytes()))]
    State {
        /// The path.
        path: PathBuf,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        actual: &'static str,
    },
    /// Another run is writing to the case.
    #[error("another run holds the lock {}", triage_evidence::escape(path.as_os_str().as_encoded_bytes()))]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A document of the package is damaged.
    #[error("{document} is damaged: {reason}")]
    Damaged {
        /// Which document, with the line where there is one.
        document: String,
        /// What is wrong.
        reason: String,
    },
    /// A record came out of its order: a defect of this program.
    #[error("record {actual} came where {expected} was expected")]
    Order {
        /// The place that was expected.
        expected: u64,
        /// The place that came.
        actual: u64,
    },
    /// An event that was to be appended does not say what its action must say.
    #[error("{reason}")]
    Event {
        /// What is missing or wrong.
        reason: String,
    },
    /// A custody document cannot be made or read.
    #[error(transparent)]
    Custody(#[from] triage_custody::Error),
}

impl Error {
    /// Says whether the case drive is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ))
    }
}

/// Returns a function that turns an I/O error into ours.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { action, path, source }
}
