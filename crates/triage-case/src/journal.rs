//! The journal of a running scan: the manifest itself, written line by line in its final form.
//!
//! Lines come in the order of the manifest, so that a journal cut anywhere by a kill or a full
//! disk is a manifest of the entries before the cut. [`Journal::resume`] removes a torn last line,
//! checks every line before it and goes on behind it. The evidence lists are derived from the
//! lines and built anew on a resume.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use triage_custody::{Key, Salter, Tree, line_leaves};
use triage_evidence::{Location, hex};
use triage_hash::Algorithms;

use crate::error::failed;
use crate::evidence_list::{ListLine, extension, list_algorithm, list_line};
use crate::index::{Index, Keys, LIMIT_KEYS, count_keys, keys_of};
use crate::key_spill::KeySpill;
use crate::lines::for_each_line;
use crate::{CaseDir, Coverage, Error, Record, write, write_line};

/// About how long a line is.
const LINE_BYTES: usize = 640;
/// How much is gathered before it is written.
const WRITE_BYTES: usize = 1024 * 1024;
/// How much may be lost by a power failure: after so many bytes the journal is made durable.
const DURABLE_BYTES: u64 = 64 * 1024 * 1024;

/// Where the keys of the lines are gathered, if they are many.
const KEYS: &str = "keys.part";
/// Where the digest of a manifest stands between the end of the walk and the seal.
pub(crate) const DIGEST: &str = "manifest.sha256";
/// What is wrong with a line that is not in the order of locations.
pub(crate) const UNSORTED: &str = "it does not follow the line before";

/// A record ready to be written, made in any thread.
#[derive(Debug)]
pub struct PreparedLine {
    record: Box<Record>,
    bytes: Vec<u8>,
    leaf: [u8; 32],
    keys: Vec<Key>,
    listed: ListLine,
}

impl PreparedLine {
    /// Returns about how many bytes of memory the line takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + size_of::<Record>()
            + self.record.entry.location.path().len()
            + self.bytes.capacity()
            + size_of_val(self.keys.as_slice())
            + self.listed.bytes.capacity()
    }

    /// Returns the record that the line states.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Takes it out.
    pub(crate) fn into_record(self) -> Record {
        *self.record
    }
}

/// Makes lines of records; shared by all threads.
#[derive(Clone, Debug)]
pub struct Preparer {
    exhibit: std::sync::Arc<str>,
    salter: Salter,
    algorithms: Algorithms,
}

impl Preparer {
    /// Makes the lines of records: of many at once faster than of one after the other.
    #[must_use]
    pub fn prepare(&self, records: Vec<Record>) -> Vec<PreparedLine> {
        let mut text = Vec::with_capacity(LINE_BYTES * records.len());
        let write = |record: &Record| {
            text.clear();
            write_line(record, &self.exhibit, &mut text);
            text.as_slice().to_vec()
        };
        let lines = records.iter().map(write).collect();
        self.prepared(records, lines)
    }

    /// Takes the records and their lines, with their line ends.
    fn prepared(&self, records: Vec<Record>, lines: Vec<Vec<u8>>) -> Vec<PreparedLine> {
        let plain = lines.iter().map(|line| line.strip_suffix(b"\n").unwrap_or(line));
        let numbered: Vec<(u64, &[u8])> =
            records.iter().map(|record| record.seq).zip(plain).collect();
        let leaves = line_leaves(&self.salter, &numbered);
        let list = list_algorithm(self.algorithms);
        let mut keys = keys_of(records.iter()).into_iter();
        let parts = records.into_iter().zip(lines).zip(leaves);
        parts
            .map(|((record, bytes), leaf)| PreparedLine {
                keys: keys.by_ref().take(count_keys(&record)).collect(),
                listed: list_line(&record, list),
                record: Box::new(record),
                bytes,
                leaf,
            })
            .collect()
    }
}

/// What a finished manifest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How many lines it has.
    pub entries: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// The root of the Merkle tree over its lines, lower-case hex.
    pub merkle_root: String,
    /// The index of its keys.
    pub index: Index,
    /// The sums of its records.
    pub coverage: Coverage,
}

/// A file that lines are gathered for.
pub(crate) struct Gathered {
    pub(crate) path: PathBuf,
    file: File,
    buffer: Vec<u8>,
}

impl Gathered {
    pub(crate) fn open(path: PathBuf, length: u64) -> Result<Self, Error> {
        let file = write::open_append(&path, length)?;
        Ok(Self { path, file, buffer: Vec::new() })
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let mut written = 0;
        let result = loop {
            let rest = self.buffer.get(written..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match self.file.write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(more) => written += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        // A full disk takes a part: what it took must not be written a second time.
        self.buffer.drain(..written);
        result.map_err(failed("write", &self.path))
    }

    /// Writes what was gathered and makes it durable.
    fn sync(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.file.sync_data().map_err(failed("make durable", &self.path))
    }
}

/// The manifest of a running scan.
pub struct Journal {
    manifest: Gathered,
    lists: [Gathered; 2],
    keys: KeySpill,
    preparer: Preparer,
    sha256: Sha256,
    tree: Tree,
    coverage: Coverage,
    last: Option<Location>,
    undurable_bytes: u64,
}

impl Journal {
    /// Opens the journal of a case, of a new run or of an interrupted one.
    ///
    /// # Errors
    /// [`Error`] if a file cannot be written, or a line of an interrupted run is damaged.
    pub fn resume(
        case: &CaseDir,
        exhibit: &str,
        algorithms: Algorithms,
        salt_seed: [u8; 32],
    ) -> Result<Self, Error> {
        let salter = Salter::new(&salt_seed);
        let preparer = Preparer { exhibit: exhibit.into(), salter, algorithms };
        let path = case.journal_path("manifest.ndjson.part");
        let mut recovered = Recovered::default();
        let mut lists = [
            Gathered::open(case.journal_path("evidence.part"), 0)?,
            Gathered::open(case.journal_path("evidence-escaped.part"), 0)?,
        ];
        let mut keys = KeySpill::new(case.journal_path(KEYS))?;
        let whole_bytes = if path.exists() {
            recovered.read(&path, &preparer, &mut lists, &mut keys)?
        } else {
            0
        };
        let manifest = Gathered::open(path, whole_bytes)?;
        let Recovered { sha256, tree, coverage, last } = recovered;
        let undurable_bytes = 0;
        Ok(Self { manifest, lists, keys, preparer, sha256, tree, coverage, last, undurable_bytes })
    }

    /// Returns what makes lines for this journal.
    #[must_use]
    pub fn preparer(&self) -> Preparer {
        self.preparer.clone()
    }

    /// Returns the number of the next line.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.tree.len()
    }

    /// Returns the location of the last line.
    #[must_use]
    pub const fn last(&self) -> Option<&Location> {
        self.last.as_ref()
    }

    /// Returns the sums of all lines so far.
    #[must_use]
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Adds the next line.
    ///
    /// # Errors
    /// [`Error::Order`] if it is not the next one, [`Error::Damaged`] if its location does not
    /// follow the last one, [`Error::Io`] if it cannot be written.
    pub fn append(&mut self, line: &PreparedLine) -> Result<(), Error> {
        let expected = self.next_seq();
        if line.record.seq != expected {
            return Err(Error::Order { expected, actual: line.record.seq });
        }
        let location = &line.record.entry.location;
        if self.last.as_ref().is_some_and(|last| *last >= *location) {
            let document = format!("line {} of the journal", line.record.seq + 1);
            return Err(Error::Damaged { document, reason: UNSORTED.to_owned() });
        }
        self.last = Some(location.clone());
        self.manifest.put(&line.bytes)?;
        self.lists[usize::from(line.listed.escaped)].put(&line.listed.bytes)?;
        line.keys.iter().try_for_each(|&key| self.keys.push(key))?;
        self.sha256.update(&line.bytes);
        self.tree.push(line.leaf);
        self.coverage.add(&line.record);
        self.undurable_bytes += line.bytes.len() as u64;
        if self.undurable_bytes >= DURABLE_BYTES { self.checkpoint() } else { Ok(()) }
    }

    /// Makes everything so far durable.
    ///
    /// # Errors
    /// [`Error::Io`] if that fails.
    pub fn checkpoint(&mut self) -> Result<(), Error> {
        self.manifest.sync()?;
        self.undurable_bytes = 0;
        Ok(())
    }

    /// Ends the journal: the manifest and the lists take their places in the package. `outcome`
    /// says how the run ended, and is kept until the package is closed, so that a run killed from
    /// here on is closed without a new walk.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be written.
    pub fn finish(mut self, case: &CaseDir, outcome: &[u8]) -> Result<Finished, Error> {
        // A rename may survive a power failure that the bytes behind it do not.
        self.manifest.sync()?;
        self.lists.iter_mut().try_for_each(Gathered::sync)?;
        let finished = Finished {
            entries: self.tree.len(),
            sha256: hex(&self.sha256.finalize()),
            merkle_root: hex(&self.tree.root()),
            index: self.keys.into_index(&self.preparer.salter)?,
            coverage: self.coverage,
        };
        write::create_folder(&case.path("data"))?;
        let digest = finished.sha256.as_bytes();
        write::write_file(&case.journal_path(DIGEST), &mut |out| out.write_all(digest))?;
        write::write_file(&case.journal_path("outcome.json"), &mut |out| out.write_all(outcome))?;
        for (list, name) in self.lists.iter().zip(["evidence", "evidence-escaped"]) {
            let length = list.file.metadata().map_err(failed("examine", &list.path))?.len();
            let algorithm = list_algorithm(self.preparer.algorithms);
            if let (Some(algorithm), true) = (algorithm, length > 0) {
                let to = case.path(&format!("data/{name}.{}", extension(algorithm)));
                write::rename(&list.path, &to)?;
            }
        }
        // Last, because its place tells a resumed run that everything before was done.
        write::rename(&self.manifest.path, &case.path("data/manifest.ndjson"))?;
        Ok(finished)
    }
}

/// What is found in the lines of an interrupted run.
#[derive(Default)]
struct Recovered {
    sha256: Sha256,
    tree: Tree,
    coverage: Coverage,
    last: Option<Location>,
}

impl Recovered {
    /// Reads whole lines, checks that they follow each other, and returns their length in bytes.
    fn read(
        &mut self,
        path: &Path,
        preparer: &Preparer,
        lists: &mut [Gathered; 2],
        keys: &mut KeySpill,
    ) -> Result<u64, Error> {
        let map = |number: u64, parsed: crate::lines::Parsed| {
            let damaged = |reason: String| Error::Damaged {
                document: format!("line {} of the journal", number + 1),
                reason,
            };
            let (record, exhibit) = parsed.record.map_err(|error| damaged(error.reason))?;
            if exhibit != *preparer.exhibit || record.seq != number {
                return Err(damaged("it belongs to another place or exhibit".to_owned()));
            }
            if let Some(reason) = record.lacks(preparer.algorithms) {
                return Err(damaged(reason));
            }
            let mut bytes = parsed.line;
            bytes.push(b'\n');
            Ok(preparer.prepared(vec![record], vec![bytes]))
        };
        let mut take = |line: PreparedLine| {
            if self.last.as_ref().is_some_and(|last| *last >= line.record.entry.location) {
                let document = format!("line {} of the journal", line.record.seq + 1);
                return Err(Error::Damaged { document, reason: UNSORTED.to_owned() });
            }
            lists[usize::from(line.listed.escaped)].put(&line.listed.bytes)?;
            line.keys.iter().try_for_each(|&key| keys.push(key))?;
            self.sha256.update(&line.bytes);
            self.tree.push(line.leaf);
            self.coverage.add(&line.record);
            self.last = Some(line.into_record().entry.location);
            Ok(())
        };
        for_each_line(path, &map, &mut |read: Result<Vec<PreparedLine>, Error>| {
            read?.into_iter().try_for_each(&mut take)
        })
    }
}

/// Reads a manifest that is in its place, and returns what it is. `expected` is its digest as the
/// journal noted it before the manifest was moved.
pub(crate) fn read_finished(
    path: &Path,
    exhibit: &str,
    salt_seed: [u8; 32],
    expected: Option<&[u8]>,
) -> Result<Finished, Error> {
    let salter = Salter::new(&salt_seed);
    // The lists were made already.
    let algorithms = Algorithms::default();
    let preparer = Preparer { exhibit: exhibit.into(), salter, algorithms };
    let mut keys = Keys::new(LIMIT_KEYS);
    let mut sha256 = Sha256::new();
    let mut tree = Tree::default();
    let mut coverage = Coverage::default();
    let map = |number: u64, parsed: crate::lines::Parsed| {
        let (record, _) = parsed.record.map_err(|error| Error::Damaged {
            document: format!("line {} of the manifest", number + 1),
            reason: error.reason,
        })?;
        let mut bytes = parsed.line;
        bytes.push(b'\n');
        Ok(preparer.prepared(vec![record], vec![bytes]))
    };
    for_each_line(path, &map, &mut |lines: Result<Vec<PreparedLine>, Error>| {
        for line in lines? {
            sha256.update(&line.bytes);
            tree.push(line.leaf);
            coverage.add(&line.record);
            line.keys.iter().for_each(|&key| keys.push(key));
        }
        Ok(())
    })?;
    let (sha256, merkle_root) = (hex(&sha256.finalize()), hex(&tree.root()));
    if let Some(expected) = expected.filter(|&expected| expected != sha256.as_bytes()) {
        let expected = triage_evidence::escape(expected);
        return Err(Error::Damaged {
            document: "data/manifest.ndjson".to_owned(),
            reason: format!("its SHA-256 is {sha256}, expected {expected}"),
        });
    }
    let index = keys.into_index(&preparer.salter, &|take| keys_of_manifest(path, take))?;
    Ok(Finished { entries: tree.len(), sha256, merkle_root, index, coverage })
}

/// Reads the keys of every line of a manifest that can be read.
pub(crate) fn keys_of_manifest(
    path: &Path,
    take: &mut dyn FnMut(Key) -> Result<(), Error>,
) -> Result<(), Error> {
    let map = |_: u64, parsed: crate::lines::Parsed| match parsed.record {
        Ok((record, _)) => keys_of(std::iter::once(&record)),
        Err(_) => Vec::new(),
    };
    for_each_line(path, &map, &mut |keys: Vec<Key>| keys.into_iter().try_for_each(&mut *take))?;
    Ok(())
}
