//! Writes a set in a format that other programs read.
//!
//! A new format is one file here, one line in [`FORMATS`], one test that reads it back. What a
//! format cannot hold (a category, a further digest, a row without the digest that it needs) is
//! counted, never dropped in silence. Names of files are not in a set: formats that demand one get
//! `record-N`. The same set gives the same bytes.

mod bloom;
mod checkfile;
mod encase;
mod hashdeep;
mod iped;
mod kdb;
mod lists;
mod misp;
mod stix;
mod uuid;
mod vics;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::str::FromStr;

use serde::Serialize;
use triage_hash::{Algorithm, Digest};

use crate::index::{write_new_at, write_new_with};
use crate::{Error, Index, PerceptualKind, Record, UnknownFormat};

/// Every format, in the order in which they are named to people.
static FORMATS: &[ExportFormat] = &[
    ExportFormat(&lists::PLAIN),
    ExportFormat(&lists::CSV),
    ExportFormat(&checkfile::GNU),
    ExportFormat(&checkfile::BSD),
    ExportFormat(&hashdeep::FORMAT),
    ExportFormat(&lists::XWAYS),
    ExportFormat(&encase::FORMAT),
    ExportFormat(&vics::FORMAT),
    ExportFormat(&kdb::FORMAT),
    ExportFormat(&iped::FORMAT),
    ExportFormat(&stix::FORMAT),
    ExportFormat(&misp::FORMAT),
    ExportFormat(&bloom::FORMAT),
];

/// A format that a set can be written in.
#[derive(Clone, Copy)]
pub struct ExportFormat(&'static Form);

/// What one file of this folder says about its format.
struct Form {
    name: &'static str,
    about: &'static str,
    writing: Writing,
}

/// How a format is written.
enum Writing {
    /// From start to end.
    Stream(fn(&mut Exporting<'_>) -> Result<(), Error>),
    /// As a database, into the empty file that is there.
    Database(fn(&mut Exporting<'_>, &Path) -> Result<(), Error>),
}

impl ExportFormat {
    /// Returns every format.
    #[must_use]
    pub fn all() -> &'static [Self] {
        FORMATS
    }

    /// Returns the name in options, such as `csv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Returns one line for people about the format.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.0.about
    }
}

impl fmt::Debug for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ExportFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let format = FORMATS.iter().find(|format| format.name() == text);
        format.copied().ok_or_else(|| UnknownFormat { name: text.to_owned() })
    }
}

/// The account of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// Rows of the set.
    pub rows: u64,
    /// Rows that were written.
    pub written: u64,
    /// What the format could not hold, with how often.
    pub lost: BTreeMap<String, u64>,
}

/// How a set is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportOptions {
    /// The digest, for formats that hold one a row.
    pub algorithm: Option<Algorithm>,
    /// Whether perceptual digests are written where the format has them: from a PhotoDNA a picture
    /// can be guessed, so that it must be asked for.
    pub perceptual: bool,
}

/// An export on its way.
struct Exporting<'a> {
    index: &'a Index,
    options: ExportOptions,
    out: &'a mut dyn Write,
    path: &'a Path,
    report: ExportReport,
}

impl<'a> Exporting<'a> {
    fn new(
        index: &'a Index,
        options: ExportOptions,
        out: &'a mut dyn Write,
        path: &'a Path,
    ) -> Self {
        Self { index, options, out, path, report: ExportReport::default() }
    }

    /// Writes bytes.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path;
        let failed =
            |source: io::Error| Error::Io { action: "write", path: path.to_owned(), source };
        self.out.write_all(bytes).map_err(failed)
    }

    /// Counts something that the format cannot hold.
    fn lose(&mut self, what: &str) {
        *self.report.lost.entry(what.to_owned()).or_default() += 1;
    }

    /// Returns the one algorithm of a format with one digest a row: the one that was asked for,
    /// or the only one of the set.
    fn one_algorithm(&self) -> Result<Algorithm, Error> {
        let all = self.index.algorithms();
        let wanted =
            self.options.algorithm.or_else(|| all.iter().next().filter(|_| all.len() == 1));
        wanted.filter(|algorithm| all.contains(*algorithm)).ok_or_else(|| Error::Unfit {
            set: self.index.identity().name.clone(),
            reason: format!("has digests of {all}: name one of them with --algorithm"),
        })
    }

    /// Goes through the rows with a digest of the algorithm, each digest once, and counts what
    /// else they say.
    fn each_digest(
        &mut self,
        algorithm: Algorithm,
        each: &mut dyn FnMut(&mut Self, &Digest, &Record) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let index = self.index;
        let mut last: Option<Digest> = None;
        for record in index.records() {
            let record = record?;
            self.report.rows += 1;
            let Some(digest) = record.digests.get(algorithm) else {
                self.lose("rows without the digest");
                continue;
            };
            if record.digests.iter().count() > 1 {
                self.lose("further digests");
            }
            if record.category.is_some() {
                self.lose("categories");
            }
            if last == Some(digest) {
                self.lose("further rows of a digest");
                continue;
            }
            last = Some(digest);
            self.report.written += 1;
            each(self, &digest, &record)?;
        }
        Ok(())
    }
}

/// Writes a set into a new file: complete or not at all, never over another.
///
/// # Errors
/// [`Error::Unfit`] if the format needs one algorithm and none is named, or the set has nothing
/// that it can hold; [`Error::Exists`]; [`Error::Io`].
pub fn export(
    index: &Index,
    format: ExportFormat,
    options: ExportOptions,
    path: &Path,
) -> Result<ExportReport, Error> {
    index.refuse_bloom()?;
    index.refuse_keyed("holds keyed digests: those of the list are not in it")?;
    let name = &index.identity().name;
    let mut report = ExportReport::default();
    let perceptual: u64 = PerceptualKind::ALL.map(|kind| index.perceptual_count(kind)).iter().sum();
    let mut done = |written: ExportReport| {
        report = written;
        // Each of them may have been written several times, with each record of its file.
        if perceptual > 0 && !(options.perceptual && format.name() == vics::FORMAT.name) {
            report.lost.insert("perceptual digests".to_owned(), perceptual);
        }
        if report.written > 0 {
            return Ok(());
        }
        let reason = format!("has no row that {} can hold", format.name());
        Err(Error::Unfit { set: name.clone(), reason })
    };
    match format.0.writing {
        Writing::Stream(write) => write_new_with(path, |file| {
            let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
            let mut out = BufWriter::with_capacity(1 << 20, file);
            let mut exporting = Exporting::new(index, options, &mut out, path);
            write(&mut exporting)?;
            done(exporting.report)?;
            out.flush().map_err(failed)
        }),
        Writing::Database(write) => write_new_at(path, |place| {
            let mut nowhere = io::sink();
            let mut exporting = Exporting::new(index, options, &mut nowhere, path);
            write(&mut exporting, place)?;
            done(exporting.report)
        }),
    }?;
    Ok(report)
}
