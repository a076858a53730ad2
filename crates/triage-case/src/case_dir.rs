//! The folder of a package, and what state it is in.
//!
//! While a scan runs there is `journal/` and nothing that looks like a package. The journal folder
//! is removed last of all: a folder with it is unfinished, whatever else it holds.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use serde_json::Value;
use triage_custody::jcs;

use crate::error::failed;
use crate::journal::{DIGEST, read_finished};
use crate::lines::for_each_record;
use crate::{Error, Finished, Record, write};

/// The longest document. A plan that names a million locations one by one has 200 MB.
const LIMIT_DOCUMENT_BYTES: u64 = 512 * 1024 * 1024;

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseState {
    /// A closed package.
    Finished,
    /// A scan is running, or was interrupted.
    Unfinished,
    /// Something else.
    NoCase,
}

/// The folder of a package.
#[derive(Debug)]
pub struct CaseDir {
    path: PathBuf,
    /// Held while this process writes to the case.
    _lock: Option<File>,
}

impl CaseDir {
    /// Creates a package with the plan of its scan. The folder must not exist, or be empty.
    ///
    /// # Errors
    /// [`Error::Exists`], or [`Error::Io`] if the folder cannot be written.
    pub fn create(path: &Path, plan: &[u8]) -> Result<Self, Error> {
        write::create_empty_folder(path)?;
        let case = Self { path: path.to_path_buf(), _lock: None };
        write::create_folder(&case.path("journal"))?;
        let lock = write::lock(&case.journal_path("lock"))?;
        // Whoever held the lock before may have begun a package here, or even closed one.
        if !write::is_empty(path)? {
            if Self::state(path) == CaseState::Finished {
                write::remove_journal(&case.path("journal"))?;
            }
            return Err(Error::Exists { path: path.to_path_buf() });
        }
        write::write_file(&case.journal_path("plan.json"), &mut |out| out.write_all(plan))?;
        Ok(Self { _lock: Some(lock), ..case })
    }

    /// Opens a package whose scan was interrupted; returns the plan with it.
    ///
    /// # Errors
    /// [`Error::State`] if nothing was interrupted there, [`Error::Locked`] if a run goes on.
    pub fn open_unfinished(path: &Path) -> Result<(Self, Vec<u8>), Error> {
        expect_state(path, CaseState::Unfinished)?;
        let case = Self { path: path.to_path_buf(), _lock: None };
        let lock = write::lock(&case.journal_path("lock"))?;
        // Whoever held the lock before may have closed the package.
        expect_state(path, CaseState::Unfinished)?;
        write::remove_parts(path)?;
        let plan = read(&case.journal_path("plan.json"))?;
        Ok((Self { _lock: Some(lock), ..case }, plan))
    }

    /// Opens a closed package.
    ///
    /// # Errors
    /// [`Error::State`] if it is none.
    pub fn open(path: &Path) -> Result<Self, Error> {
        expect_state(path, CaseState::Finished)?;
        Ok(Self { path: path.to_path_buf(), _lock: None })
    }

    /// Says what a folder is.
    #[must_use]
    pub fn state(path: &Path) -> CaseState {
        if path.join("journal/plan.json").exists() {
            CaseState::Unfinished
        } else if path.join("bagit.txt").exists() || path.join("data/manifest.ndjson").exists() {
            CaseState::Finished
        } else {
            CaseState::NoCase
        }
    }

    /// Says whether a process works on an unfinished package now.
    #[must_use]
    pub fn is_held(path: &Path) -> bool {
        write::is_locked(&path.join("journal/lock"))
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.path
    }

    /// Returns a path in the package.
    #[must_use]
    pub fn path(&self, inside: &str) -> PathBuf {
        self.path.join(inside)
    }

    pub(crate) fn journal_path(&self, name: &str) -> PathBuf {
        self.path.join("journal").join(name)
    }

    /// Returns how the walk of an interrupted run ended, if it had ended: only closing is left. It
    /// has `halted`, a text or null, and `doubts`, a list of texts.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Damaged`] if it does not say both: a run whose
    /// doubts are not known must not be closed as one that has none.
    pub fn walk_outcome(&self) -> Result<Option<Value>, Error> {
        let ended = self.path("data/manifest.ndjson").exists();
        let path = self.journal_path("outcome.json");
        if !(ended && path.exists()) {
            return Ok(None);
        }
        let outcome: Value = serde_json::from_slice(&read(&path)?).unwrap_or(Value::Null);
        let halted = &outcome["halted"];
        let says_end = outcome.get("halted").is_some() && (halted.is_null() || halted.is_string());
        let doubts = outcome["doubts"].as_array();
        if says_end && doubts.is_some_and(|doubts| doubts.iter().all(Value::is_string)) {
            return Ok(Some(outcome));
        }
        Err(Error::Damaged {
            document: "journal/outcome.json".to_owned(),
            reason: "it does not say how the walk ended".to_owned(),
        })
    }

    /// Reads the manifest in its place and returns what it is.
    ///
    /// # Errors
    /// [`Error`] if it cannot be read or a line is damaged.
    pub fn read_finished(&self, exhibit: &str, salt_seed: [u8; 32]) -> Result<Finished, Error> {
        let noted = self.journal_path(DIGEST);
        let expected = if noted.exists() { Some(read(&noted)?) } else { None };
        let path = self.path("data/manifest.ndjson");
        read_finished(&path, exhibit, salt_seed, expected.as_deref())
    }

    /// Writes a JSON document in canonical form.
    ///
    /// # Errors
    /// [`Error`] if it holds an inexact number or cannot be written.
    pub fn put_document(&self, inside: &str, document: &Value) -> Result<(), Error> {
        let mut bytes = jcs::to_vec(document)?;
        bytes.push(b'\n');
        self.put(inside, &mut |out| out.write_all(&bytes))
    }

    /// Writes a file of the package, such as a report.
    ///
    /// # Errors
    /// [`Error::State`] if the package is closed, [`Error::Io`] if it cannot be written.
    pub fn put(
        &self,
        inside: &str,
        render: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        if self._lock.is_none() {
            return Err(Error::State {
                path: self.path.clone(),
                expected: "an unfinished package (resume or remove it)",
                actual: "a closed package",
            });
        }
        let path = self.path(inside);
        if let Some(folder) = path.parent() {
            write::create_folder(folder)?;
        }
        write::write_file(&path, render)
    }

    /// Reads a JSON document of the package.
    ///
    /// # Errors
    /// [`Error`] if it cannot be read or is no JSON.
    pub fn document(&self, inside: &str) -> Result<Value, Error> {
        let bytes = read(&self.path(inside))?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Damaged {
            document: inside.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Reads every record of a manifest file, in a package or alone, in order.
    ///
    /// # Errors
    /// [`Error`] if a line is damaged, or the first error of `take`.
    pub fn read_records(
        manifest: &Path,
        take: &mut dyn FnMut(Record) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for_each_record(manifest, take)
    }

    /// Reads every record of the manifest in order.
    ///
    /// # Errors
    /// [`Error`] if a line is damaged, or the first error of `take`.
    pub fn for_each_record(
        &self,
        take: &mut dyn FnMut(Record) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for_each_record(&self.path("data/manifest.ndjson"), take)
    }
}

fn expect_state(path: &Path, expected: CaseState) -> Result<(), Error> {
    let words = |state| match state {
        CaseState::Finished => "a closed package",
        CaseState::Unfinished => "an unfinished package (resume or remove it)",
        CaseState::NoCase => "no case package",
    };
    let actual = CaseDir::state(path);
    if actual == expected {
        return Ok(());
    }
    let (expected, actual) = (words(expected), words(actual));
    Err(Error::State { path: path.to_path_buf(), expected, actual })
}

/// Reads a document whole. A package may come from anybody: only a regular file of bounded size is
/// read, and opening neither follows a link nor waits for the other end of a pipe.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|errno| failed("open", path)(errno.into()))?;
    let file = File::from(file);
    let metadata = file.metadata().map_err(failed("examine", path))?;
    if !metadata.is_file() || metadata.len() > LIMIT_DOCUMENT_BYTES {
        let reason = format!("not a regular file of at most {LIMIT_DOCUMENT_BYTES} bytes");
        return Err(failed("read", path)(std::io::Error::other(reason)));
    }
    let mut bytes = Vec::new();
    file.take(LIMIT_DOCUMENT_BYTES).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(bytes)
}
