//! Where readers put their rows: rules common to all formats, and the account.

use std::io;
use std::path::Path;

use triage_hash::{Digest, Digests};

use super::ImportOptions;
use crate::exclusion::{self, Exclusion};
use crate::{BadRow, Builder, Error, ImportReport, Index, Reason, Row, SetIdentity, Source};

/// Where in the text something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Line, from 1.
    pub(super) line: u64,
    /// Byte of the line, from 1.
    pub(super) column: u64,
}

/// Takes the rows of one list.
pub(super) struct Sink<'a> {
    path: &'a Path,
    options: &'a ImportOptions,
    builder: Builder,
    report: ImportReport,
    named_scheme: Option<String>,
}

impl<'a> Sink<'a> {
    /// Returns a sink for the list at `path`.
    pub(super) fn new(path: &'a Path, options: &'a ImportOptions) -> Self {
        Self::with(path, options, Builder::new())
    }

    /// Returns a sink that puts its rows into `builder`.
    pub(super) fn with(path: &'a Path, options: &'a ImportOptions, builder: Builder) -> Self {
        Self { path, options, builder, report: ImportReport::default(), named_scheme: None }
    }

    /// Returns how the list is to be read.
    pub(super) fn options(&self) -> &'a ImportOptions {
        self.options
    }

    /// Returns where the list lies, for databases, which are not read as a stream.
    pub(super) fn path(&self) -> &'a Path {
        self.path
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
        if row.digests.is_empty() {
            self.reject(Reason::NoDigest, place)?;
            return Ok(true);
        }
        if row.category.is_some()
            && self.options.description.disposition == crate::Disposition::KnownGood
        {
            let (path, line) = (self.path.to_owned(), place.line);
            return Err(Error::CategorisedKnownGood { path, line });
        }
        if row.digests.iter().any(|digest| exclusion::of_digest(digest).is_some()) {
            return Ok(false);
        }
        self.report.rows += 1;
        self.builder.push(row)?;
        Ok(true)
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
        if self.builder.is_empty() {
            return Err(Error::NoDigests { path, report: Box::new(self.report) });
        }
        let scheme = self.options.scheme.clone().or(self.named_scheme);
        let scheme = scheme.filter(|_| self.builder.has_categories());
        if self.builder.has_categories() && scheme.is_none() {
            return Err(Error::SchemeNeeded { path });
        }
        let said = self.options.description.clone();
        let identity = SetIdentity {
            name: said.name.unwrap_or_else(|| source.name.clone()),
            version: said.version,
            publisher: said.publisher,
            date: said.date,
            licence: said.licence,
            handling: said.handling,
            disposition: said.disposition,
            scheme,
            source,
        };
        match output {
            None => self.builder.finish(identity, self.report),
            Some(output) => self.builder.finish_to(output, identity, self.report),
        }
    }
}
