//! Where readers put their rows: rules common to all formats, and the account.

use std::io::{self, Read};
use std::path::Path;

use triage_hash::{Algorithm, Digest, Digests};

use super::ImportOptions;
use crate::exclusion::{self, Exclusion};
use crate::index::Kind;
use crate::spill::{Growing, Spool};
use crate::{
    BadRow, Builder, Disposition, Error, ImportReport, Index, ProbableReport, Reason, Row,
    SetIdentity, Source,
};

/// Where in the text something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Line, from 1.
    pub(super) line: u64,
    /// Byte of the line, from 1.
    pub(super) column: u64,
}

/// Most bytes of a database that is unpacked: the largest of the NSRL has 170 GiB (2026.03), and a
/// full disk ends it before.
const MOST_SPOOLED: u64 = 1 << 40;

/// Takes the rows of one list.
pub(super) struct Sink<'a> {
    path: &'a Path,
    options: &'a ImportOptions,
    builder: Builder,
    report: ImportReport,
    named_scheme: Option<String>,
    /// The database that was unpacked, and its size.
    spooled: Option<(Spool, u64)>,
}

impl<'a> Sink<'a> {
    /// Returns a sink for the list at `path`.
    pub(super) fn new(path: &'a Path, options: &'a ImportOptions) -> Self {
        Self::with(path, options, Builder::new())
    }

    /// Returns a sink that puts its rows into `builder`.
    pub(super) fn with(path: &'a Path, options: &'a ImportOptions, builder: Builder) -> Self {
        let report = ImportReport::default();
        Self { path, options, builder, report, named_scheme: None, spooled: None }
    }

    /// Returns how the list is to be read.
    pub(super) fn options(&self) -> &'a ImportOptions {
        self.options
    }

    /// Returns where the list lies.
    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    /// Unpacks a database, which is not read as a stream, into a scratch file beside the index.
    pub(super) fn spool(&mut self, database: &mut dyn Read) -> Result<(), Error> {
        let Some(mut spool) = self.builder.spool()? else {
            let why = "a packed database, which has to be unpacked on a disk: `sets import` it, which \
                       does that beside the index";
            return Err(self.damaged(&why, super::TOP));
        };
        let size = spool.fill(database, MOST_SPOOLED, &|error| self.io(error))?;
        self.spooled = Some((spool, size));
        Ok(())
    }

    /// Opens the database by its name, and says how many bytes it has.
    pub(super) fn open_database<T>(
        &self,
        open: impl FnOnce(&Path, u64) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some((spool, size)) = &self.spooled {
            return spool.open_by_name(|path| open(path, *size));
        }
        open(&self.path.canonicalize().map_err(|error| self.io(error))?, self.database_bytes()?)
    }

    /// Returns how many bytes the database has.
    pub(super) fn database_bytes(&self) -> Result<u64, Error> {
        match &self.spooled {
            Some((_, size)) => Ok(*size),
            None => Ok(std::fs::metadata(self.path).map_err(|error| self.io(error))?.len()),
        }
    }

    /// Takes a well-formed row: leaves out what must never be in a set.
    pub(super) fn accept(&mut self, row: Row, place: Place) -> Result<(), Error> {
        if self.takes_all_of(&row, place)? { Ok(()) } else { self.accept_some(row) }
    }

    /// Like [`Sink::accept`], for readers that use the same row again.
    pub(super) fn accept_row(&mut self, row: &Row, place: Place) -> Result<(), Error> {
        if self.takes_all_of(row, place)? { Ok(()) } else { self.accept_some(row.clone()) }
    }

    /// Takes the row if there is nothing to leave out, which is nearly always so; or rejects it.
    /// Says whether the row is dealt with.
    fn takes_all_of(&mut self, row: &Row, place: Place) -> Result<bool, Error> {
        self.report.note_no_perceptual(row.no_perceptual);
        if row.digests.is_empty() && row.perceptual.is_empty() {
            self.reject(Reason::NoDigest, place)?;
            return Ok(true);
        }
        if row.digests.is_empty() {
            self.exclude(Exclusion::PerceptualOnly);
            self.keep_perceptual(row)?;
            return Ok(true);
        }
        if row.category.is_some()
            && self.options.description.disposition == Some(Disposition::KnownGood)
        {
            let (path, line) = (self.path.to_owned(), place.line);
            return Err(Error::CategorisedKnownGood { path, line });
        }
        if row.digests.iter().any(|digest| exclusion::of_digest(digest).is_some()) {
            return Ok(false);
        }
        self.report.rows += 1;
        self.builder.push(row)?;
        self.keep_perceptual(row)?;
        Ok(true)
    }

    /// Puts the perceptual digests of a row beside the set, unless they are not wanted.
    fn keep_perceptual(&mut self, row: &Row) -> Result<(), Error> {
        if self.options.drop_perceptual {
            row.perceptual.iter().for_each(|one| self.report.ignore_field(one.kind().name()));
            return Ok(());
        }
        let owner = row.digests.iter().next().copied();
        row.perceptual.iter().try_for_each(|one| self.builder.push_perceptual(owner, one))
    }

    /// Takes a row without those of its digests that must never be in a set.
    fn accept_some(&mut self, mut row: Row) -> Result<(), Error> {
        let verdicts = || row.digests.iter().map(|digest| (digest, exclusion::of_digest(digest)));
        let placeholders = verdicts().filter_map(|(_, why)| why).collect::<Vec<_>>();
        let good: Vec<Digest> =
            verdicts().filter(|(_, why)| why.is_none()).map(|(digest, _)| *digest).collect();
        let exclusion = match placeholders.as_slice() {
            [] => None,
            several if several.contains(&Exclusion::EmptyFile) => Some(Exclusion::EmptyFile),
            [first, ..] if good.is_empty() => Some(*first),
            several => {
                self.report.placeholders += several.len() as u64;
                row.digests = good.into_iter().collect::<Digests>();
                None
            }
        };
        self.report.rows += 1;
        match exclusion {
            Some(why) => *self.report.excluded.entry(why).or_default() += 1,
            None => self.builder.push(&row)?,
        }
        if exclusion != Some(Exclusion::EmptyFile) {
            if exclusion.is_some() {
                row.digests.clear();
            }
            self.keep_perceptual(&row)?;
        }
        Ok(())
    }

    /// Takes a row that is a digest and nothing else.
    #[inline]
    pub(super) fn accept_digest(&mut self, digest: Digest, place: Place) -> Result<(), Error> {
        if exclusion::of_digest(&digest).is_some() {
            return self.accept(super::text::row_of(digest), place);
        }
        self.report.rows += 1;
        self.builder.push_digest(&digest)
    }

    /// Counts a row that is left out on purpose.
    pub(super) fn exclude(&mut self, why: Exclusion) {
        self.report.rows += 1;
        *self.report.excluded.entry(why).or_default() += 1;
    }

    /// Counts a row that cannot be used; in strict mode this ends the import.
    pub(super) fn reject(&mut self, reason: Reason, place: Place) -> Result<(), Error> {
        let bad = BadRow { line: place.line, column: place.column, reason };
        self.report.reject(bad);
        if self.options.strict {
            return Err(Error::Strict { path: self.path.to_owned(), bad });
        }
        Ok(())
    }

    /// Counts a field that is not used.
    pub(super) fn ignore_field(&mut self, name: &str) {
        self.report.ignore_field(name);
    }

    /// Returns a place for bytes that may be more than memory holds.
    pub(super) fn growing(&self) -> Result<Growing, Error> {
        self.builder.growing()
    }

    /// Takes a bloom filter, head and bits, in place of rows.
    pub(super) fn accept_filter(
        &mut self,
        algorithm: Algorithm,
        filter: Growing,
        report: ProbableReport,
    ) -> Result<(), Error> {
        self.builder.attach(Kind::Bloom, Some(algorithm), report.bits, filter)?;
        self.report.probable = Some(report);
        Ok(())
    }

    /// Notes that a digest was named by its length alone.
    pub(super) fn note_algorithm_by_length(&mut self) {
        self.report.algorithm_by_length = true;
    }

    /// Notes the scheme that the file names for its categories.
    pub(super) fn note_scheme(&mut self, scheme: String) {
        self.named_scheme = Some(scheme);
    }

    /// Returns the error of a read that failed.
    pub(super) fn io(&self, source: io::Error) -> Error {
        Error::Io { action: "read", path: self.path.to_owned(), source }
    }

    /// Returns the error of a file of which nothing may be used.
    pub(super) fn damaged(&self, reason: &impl ToString, place: Place) -> Error {
        let Place { line, column } = place;
        Error::Damaged { path: self.path.to_owned(), line, column, reason: reason.to_string() }
    }

    /// Compiles what was taken, into a file if one is named.
    pub(super) fn finish(self, source: Source, output: Option<&Path>) -> Result<Index, Error> {
        let path = self.path.to_owned();
        let is_filter = self.report.probable.is_some();
        if self.builder.is_empty() && !is_filter {
            return Err(Error::NoDigests { path, report: Box::new(self.report) });
        }
        let scheme = self.options.scheme.clone().or(self.named_scheme);
        let scheme = scheme.filter(|_| self.builder.has_categories());
        if self.builder.has_categories() && scheme.is_none() {
            return Err(Error::SchemeNeeded { path });
        }
        let said = self.options.description.clone();
        // Whoever says nothing of a filter has most likely one of known files.
        let unsaid = if is_filter { Disposition::Informational } else { Disposition::Alert };
        let identity = SetIdentity {
            name: said.name.unwrap_or_else(|| source.name.clone()),
            version: said.version,
            publisher: said.publisher,
            date: said.date,
            licence: said.licence,
            handling: said.handling,
            disposition: said.disposition.unwrap_or(unsaid),
            scheme,
            source,
        };
        match output {
            None => self.builder.finish(identity, self.report),
            Some(output) => self.builder.finish_to(output, identity, self.report),
        }
    }
}
