//! Why a task failed.

use std::io;
use std::path::{Path, PathBuf};

/// What a task ends with.
pub(crate) type Outcome<T = ()> = Result<T, Error>;

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// A file or folder could not be used.
    #[error("cannot {act} {path:?}")]
    Io {
        /// The act, as a verb: "read", "write".
        act: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {program}")]
    Start {
        /// Its name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("{program} ended with {status}, expected success")]
    Failed {
        /// Its name and arguments.
        program: String,
        /// Its exit status and what it said, if that was kept.
        status: String,
    },
    /// The workspace could not be described by cargo.
    #[error("cannot read the workspace from cargo")]
    Metadata(#[from] cargo_metadata::Error),
    /// A TOML file of the tasks is not what they expect.
    #[error("cannot read {path:?} as a table of floors")]
    Floors {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: Box<toml::de::Error>,
    },
    /// A check found something.
    #[error("{check}: {findings} finding(s)")]
    Findings {
        /// The name of the check.
        check: &'static str,
        /// How many.
        findings: usize,
    },
    /// A task cannot do what was asked.
    #[error("{0}")]
    Refused(String),
}

/// Makes the wrapper for an I/O error: `fs::read(path).map_err(at("read", path))`.
pub(crate) fn at(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { act, path, source }
}

/// The same for a system call of rustix.
pub(crate) fn at_call(act: &'static str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> Error {
    let path = path.to_path_buf();
    move |errno| Error::Io { act, path, source: errno.into() }
}
