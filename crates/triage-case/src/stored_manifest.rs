//! A manifest as somebody has stored it, with what its seal says of it.
//!
//! Reading it compares its bytes with the newest seal of its package, and nothing else: who signed,
//! and whether every other file is as it was, is for [`crate::verify`] to say.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use triage_custody::Seal;
use triage_evidence::{Location, hex};

use crate::error::failed;
use crate::journal::UNSORTED;
use crate::lines::{Parsed, for_each_block, for_each_line};
use crate::seals::read_seals;
use crate::{CaseDir, CaseState, Error, Record, parse_line};

/// How many records are read ahead of whoever takes them.
const READ_AHEAD: usize = 4096;

/// What a manifest lies in.
#[derive(Debug)]
struct Sealed {
    case: CaseDir,
    seal: Seal,
    seal_sha256: String,
}

/// A manifest in a package, or alone.
#[derive(Debug)]
pub struct StoredManifest {
    path: PathBuf,
    sealed: Option<Sealed>,
}

impl StoredManifest {
    /// Opens a package, or a manifest file. A file that lies in its place in a closed package is
    /// taken as that package.
    ///
    /// # Errors
    /// [`Error`] if there is nothing to read, or the package is not closed or has no sound seals.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let metadata = std::fs::metadata(path).map_err(failed("open", path))?;
        let folder = if metadata.is_dir() { Some(path.to_path_buf()) } else { package_of(path) };
        let Some(folder) = folder else {
            return Ok(Self { path: path.to_path_buf(), sealed: None });
        };
        let case = CaseDir::open(&folder)?;
        let newest = read_seals(&case)?.pop().ok_or_else(|| Error::Damaged {
            document: "seals/0001.json".to_owned(),
            reason: "the package has no seal".to_owned(),
        })?;
        let path = case.path("data/manifest.ndjson");
        let sealed = Sealed { case, seal: newest.seal, seal_sha256: newest.sha256 };
        Ok(Self { path, sealed: Some(sealed) })
    }

    /// Returns the path of the manifest file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the package that it lies in.
    #[must_use]
    pub fn package(&self) -> Option<&CaseDir> {
        self.sealed.as_ref().map(|sealed| &sealed.case)
    }

    /// Returns the newest seal of the package.
    #[must_use]
    pub fn seal(&self) -> Option<&Seal> {
        self.sealed.as_ref().map(|sealed| &sealed.seal)
    }

    /// Returns the SHA-256 of the newest seal, lower-case hex.
    #[must_use]
    pub fn seal_sha256(&self) -> Option<&str> {
        self.sealed.as_ref().map(|sealed| sealed.seal_sha256.as_str())
    }

    /// Returns the `run.json` of the package.
    ///
    /// # Errors
    /// [`Error`] if it cannot be read.
    pub fn run(&self) -> Result<Value, Error> {
        self.package().map_or(Ok(Value::Null), |case| case.document("data/run.json"))
    }

    /// Reads every record with its exhibit's number, in order. At the end the SHA-256 of all bytes
    /// is compared with the seal, if there is one: what `take` has got stands only after that.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a line is damaged or the manifest is not the sealed one, or the first
    /// error of `take`.
    pub fn for_each_record(
        &self,
        take: &mut dyn FnMut(Record, String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut number = 0;
        let mut last: Option<Location> = None;
        let mut sha256 = Sha256::new();
        let whole = for_each_line(&self.path, &|_, parsed| parsed, &mut |parsed: Parsed| {
            sha256.update(&parsed.line);
            sha256.update(b"\n");
            let (record, exhibit) =
                parsed.record.map_err(|error| self.damaged(number, error.reason))?;
            let location = &record.entry.location;
            if record.seq != number || last.as_ref().is_some_and(|last| last >= location) {
                return Err(self.damaged(number, UNSORTED.to_owned()));
            }
            last = Some(location.clone());
            number += 1;
            take(record, exhibit)
        })?;
        let length = std::fs::metadata(&self.path).map_err(failed("examine", &self.path))?.len();
        if whole != length {
            return Err(self.damaged(number, "it has no line end".to_owned()));
        }
        self.compare(&hex(&sha256.finalize()))
    }

    /// Hands on every line, without its line end, in order, and at the end compares the SHA-256 of
    /// all bytes with the seal: what `take` has got stands only after that. Lines of a manifest
    /// without a seal are parsed first.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the manifest is not the sealed one, or has no seal and a damaged line,
    /// or the first error of `take`.
    pub fn for_each_line(
        &self,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut sha256 = Sha256::new();
        let mut number = 0;
        for_each_block(&self.path, &mut |block| {
            sha256.update(block);
            let lines = block.strip_suffix(b"\n").unwrap_or(block);
            for line in lines.split(|&byte| byte == b'\n') {
                if self.sealed.is_none() {
                    parse_line(line).map_err(|error| self.damaged(number, error.reason))?;
                }
                number += 1;
                take(line)?;
            }
            Ok(())
        })?;
        self.compare(&hex(&sha256.finalize()))
    }

    fn damaged(&self, number: u64, reason: String) -> Error {
        Error::Damaged { document: format!("line {} of {}", number + 1, self.name()), reason }
    }

    /// Compares a digest of the manifest's bytes with the seal.
    pub(crate) fn compare(&self, actual: &str) -> Result<(), Error> {
        match self.seal().map(|seal| seal.manifest.sha256.as_str()) {
            Some(expected) if expected != actual => Err(Error::Damaged {
                document: self.name(),
                reason: format!("its SHA-256 is {actual}, its seal says {expected}"),
            }),
            _ => Ok(()),
        }
    }

    /// Returns the records one by one, read ahead by a thread.
    #[must_use]
    pub fn into_records(self) -> Records {
        let (to, records) = sync_channel(READ_AHEAD);
        std::thread::spawn(move || {
            let read = self.for_each_record(&mut |record, _| {
                // Nobody takes the rest: the reading ends, and nobody hears of it.
                to.send(Ok(Some(record))).map_err(|_| {
                    let over = std::io::Error::from(ErrorKind::BrokenPipe);
                    failed("hand on the records of", &self.path)(over)
                })
            });
            let _nobody = to.send(read.map(|()| None));
        });
        Records { records, next: None, ended: false }
    }

    /// Returns what the manifest is called in a message.
    fn name(&self) -> String {
        triage_evidence::escape(self.path.as_os_str().as_encoded_bytes())
    }
}

/// Returns the closed package that a manifest file lies in.
fn package_of(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    let folder = path.parent()?.parent()?.to_path_buf();
    let is_in = path == folder.join("data/manifest.ndjson");
    (is_in && CaseDir::state(&folder) == CaseState::Finished).then_some(folder)
}

/// The records of a stored manifest, in order. After the last one the manifest has been compared
/// with its seal.
pub struct Records {
    records: Receiver<Result<Option<Record>, Error>>,
    next: Option<Record>,
    ended: bool,
}

impl Records {
    /// Returns the next record without taking it.
    ///
    /// # Errors
    /// As [`StoredManifest::for_each_record`].
    pub fn peek(&mut self) -> Result<Option<&Record>, Error> {
        if self.next.is_none() && !self.ended {
            // A reader that went away without a word has not read to the end.
            self.next = self.records.recv().unwrap_or_else(|_| {
                let document = "a manifest".to_owned();
                Err(Error::Damaged { document, reason: "its reader failed".to_owned() })
            })?;
            self.ended = self.next.is_none();
        }
        Ok(self.next.as_ref())
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// As [`StoredManifest::for_each_record`].
    pub fn take(&mut self) -> Result<Option<Record>, Error> {
        self.peek()?;
        Ok(self.next.take())
    }
}
