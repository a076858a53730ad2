//! Opens an index: checks the head and the bounds of every section, reads the descriptions.
//!
//! The digests themselves stay where they are. Nothing of the file is trusted: what does not fit
//! is an error here, and lookups check every place again.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use triage_hash::{Algorithm, Algorithms};

use super::checks::Checks;
use super::filter::Filter;
use super::layout::{
    ENTRY_LEN, HEADER_LEN, Kind, MAGIC, Meta, Section, algorithm_number, read_u32, read_u64,
};
use super::parser::{Parser, TableSections};
use super::perceptual::PerceptualTable;
use crate::bloom::{HEADER_LEN as HEAD_OF_BLOOM, Header};
use crate::builder::{MAX_CATEGORIES, MAX_ROWS};
use crate::map::Bytes;
use crate::{Category, DigestKey, Error, ImportReport, ProbableReport, SetIdentity, SetKeys};

/// The compiled index of one set. Shareable between threads.
pub struct Index {
    pub(super) bytes: Bytes,
    path: PathBuf,
    sections: Vec<Section>,
    digest: [u8; 32],
    meta: Meta,
    pub(super) rows: u32,
    pub(super) categories: Vec<Category>,
    pub(super) sizes: Option<Range<usize>>,
    pub(super) classes: Option<Range<usize>>,
    /// The distinct sizes in order, if every row has one.
    distinct_sizes: Option<Range<usize>>,
    pub(super) tables: Vec<Table>,
    pub(super) bloom: Option<Bloom>,
    pub(super) perceptual: Vec<PerceptualTable>,
    pub(super) name: Arc<str>,
    pub(super) version: Option<Arc<str>>,
    pub(super) source_sha256: Arc<str>,
    /// The key of the digests, if they are keyed.
    pub(super) key: Option<DigestKey>,
    /// Of a mapped file that has them.
    pub(super) checks: Option<Checks>,
}

impl fmt::Debug for Index {
    /// Names the set; its contents are never printed by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = blake3::Hash::from_bytes(self.digest);
        write!(f, "Index({:?}, {} records, {digest})", self.name, self.rows)
    }
}

/// The sections of one algorithm, as byte ranges of the file.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) algorithm: Algorithm,
    pub(super) count: u32,
    pub(super) bits: u32,
    pub(super) fan: Range<usize>,
    pub(super) keys: Range<usize>,
    /// Where no links are there, the place of a digest is its row.
    pub(super) links: Option<Range<usize>>,
    pub(super) lists: Range<usize>,
    pub(super) key_of_row: Option<Range<usize>>,
    pub(super) filter_section: Range<usize>,
    pub(super) filter: Filter,
}

/// A bloom filter in place of digests.
#[derive(Debug)]
pub(super) struct Bloom {
    pub(super) algorithm: Algorithm,
    pub(super) header: Header,
    /// The bits, without the head.
    pub(super) bits: Range<usize>,
    pub(super) false_positives_per_billion: u64,
}

/// Up to this size a file is checked whole before it is asked: that takes about 20 milliseconds.
const MOST_VERIFIED_AT_ONCE: usize = 64 << 20;

/// The algorithms from the strongest to the weakest; equals in the order of columns.
pub(super) const BY_STRENGTH: [Algorithm; 6] = [
    Algorithm::Sha512,
    Algorithm::Sha256,
    Algorithm::Sha3_256,
    Algorithm::Blake3,
    Algorithm::Sha1,
    Algorithm::Md5,
];

/// Says whether the first bytes of a file are those of an index.
#[must_use]
pub fn is_index(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

impl Index {
    /// Opens an index file without reading all of it.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::BadIndex`] if it is no index or damaged in
    /// its head, its bounds or its descriptions. The rest is checked by [`Index::verify`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, &SetKeys::default())
    }

    /// Like [`Index::open`], with the key of keyed digests.
    ///
    /// # Errors
    /// As [`Index::open`], and [`Error::Locked`] if the digests are keyed by none of the keys.
    pub fn open_with(path: &Path, keys: &SetKeys) -> Result<Self, Error> {
        let failed = |action| move |source| Error::Io { action, path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed("open"))?;
        let metadata = file.metadata().map_err(failed("examine"))?;
        let mut head = Vec::new();
        if metadata.is_file() {
            (&mut file).take(MAGIC.len() as u64).read_to_end(&mut head).map_err(failed("read"))?;
        }
        if !is_index(&head) {
            return Err(Parser::bad_at(path, "magic", &"TRIAGEHX", &"other bytes"));
        }
        let bytes = Bytes::map(&file).map_err(failed("map"))?;
        Self::parse(bytes, path, keys)
    }

    /// Says whether the index was opened as a compiled file, not compiled from a list just now.
    #[must_use]
    pub const fn is_compiled_file(&self) -> bool {
        matches!(self.bytes, Bytes::Mapped(_))
    }

    /// Takes the bytes of an index that was compiled in memory.
    pub(crate) fn from_bytes(bytes: Vec<u8>, keys: &SetKeys) -> Result<Self, Error> {
        Self::from_decrypted(bytes, Path::new("(memory)"), keys)
    }

    /// Takes the bytes of an index that was decrypted from that file.
    pub(crate) fn from_decrypted(
        bytes: Vec<u8>,
        path: &Path,
        keys: &SetKeys,
    ) -> Result<Self, Error> {
        Self::parse(Bytes::Owned(bytes), path, keys)
    }

    /// Returns the bytes of the file.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the name of the key by which the digests are keyed, if they are.
    #[must_use]
    pub fn keyed_by(&self) -> Option<&str> {
        self.meta.keyed.as_deref()
    }

    /// Refuses what needs the digests of the list themselves.
    ///
    /// # Errors
    /// [`Error::Unfit`] if the digests are keyed.
    pub(crate) fn refuse_keyed(&self, why: &str) -> Result<(), Error> {
        match &self.key {
            None => Ok(()),
            Some(_) => {
                Err(Error::Unfit { set: self.meta.identity.name.clone(), reason: why.to_owned() })
            }
        }
    }

    /// Writes the index to a new file: complete or not at all, never over another.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is a file of that name, [`Error::Io`] if the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        super::write_new(path, &self.bytes)
    }

    /// Recomputes the digest of every section and checks that nothing lies between them.
    ///
    /// # Errors
    /// [`Error::BadIndex`] naming the first section that differs.
    pub fn verify(&self) -> Result<(), Error> {
        let parser = Parser { bytes: &self.bytes, path: &self.path };
        let mut end = HEADER_LEN + self.sections.len() * ENTRY_LEN;
        for section in &self.sections {
            let range = parser.range(section, "section")?;
            parser.check_zeros(end..range.start)?;
            parser.check_digest(section, "section")?;
            end = range.end;
        }
        parser.check_zeros(end..self.bytes.len())
    }

    /// Checks the whole index, unless it is a large file whose pages are checked as they are used;
    /// then whoever asks it must look at [`Index::damage`] afterwards.
    ///
    /// # Errors
    /// As [`Index::verify`].
    pub fn verify_now_or_in_use(&self) -> Result<(), Error> {
        let is_large = self.bytes.len() > MOST_VERIFIED_AT_ONCE;
        if is_large && self.checks.is_some() { Ok(()) } else { self.verify() }
    }

    /// Returns where the first page begins that was used and is not as it was written: answers
    /// since the index was opened cannot be relied on.
    #[must_use]
    pub fn damage(&self) -> Option<u64> {
        self.checks.as_ref().and_then(Checks::damage)
    }

    /// Returns a part of the file, whose pages are checked.
    #[inline]
    pub(super) fn part(&self, range: Range<usize>) -> Option<&[u8]> {
        if let Some(checks) = &self.checks {
            checks.touch(&self.bytes, &range);
        }
        self.bytes.get(range)
    }

    /// Returns the element `place` of `size` bytes of a section.
    #[inline]
    pub(super) fn element(
        &self,
        section: &Range<usize>,
        place: usize,
        size: usize,
    ) -> Option<&[u8]> {
        let start = section.start.checked_add(place.checked_mul(size)?)?;
        let end = start.checked_add(size)?;
        if end > section.end { None } else { self.part(start..end) }
    }

    /// Returns an element of a section of `u32`.
    #[inline]
    pub(super) fn u32_in(&self, section: &Range<usize>, place: usize) -> Option<u32> {
        read_u32(self.element(section, place, 4)?, 0)
    }

    /// Returns the error of a row that cannot be put together.
    pub(super) fn bad_row(&self, number: u32) -> Error {
        Parser::bad_at(&self.path, "rows", &"digests and a category", &format!("row {number}"))
    }

    /// Says whether the set gives the size of every entry.
    #[must_use]
    pub const fn has_all_sizes(&self) -> bool {
        self.distinct_sizes.is_some()
    }

    /// Says whether the set has an entry of that size; true also if it has one without a size.
    #[must_use]
    pub fn lists_size(&self, size_bytes: u64) -> bool {
        let Some(sizes) = &self.distinct_sizes else { return true };
        let (mut low, mut high) = (0, sizes.len() / size_of::<u64>());
        while low < high {
            let middle = low.midpoint(high);
            match self.element(sizes, middle, 8).and_then(|size| read_u64(size, 0)) {
                Some(size) if size == size_bytes => return true,
                Some(size) if size < size_bytes => low = middle.saturating_add(1),
                _ => high = middle,
            }
        }
        false
    }

    /// Returns the error of a page that is not as it was written.
    pub(super) fn bad_page(&self, place: u64) -> Error {
        let found = format!("another for the page at {place}");
        Parser::bad_at(&self.path, "pages", &"the CRC-32 of each", &found)
    }

    /// Returns who made the set and from what.
    #[must_use]
    pub fn identity(&self) -> &SetIdentity {
        &self.meta.identity
    }

    /// Returns what became of the rows of its source.
    #[must_use]
    pub fn report(&self) -> &ImportReport {
        &self.meta.report
    }

    /// Returns the name and version of the program that compiled it.
    #[must_use]
    pub fn builder(&self) -> &str {
        &self.meta.builder
    }

    /// Returns the BLAKE3 of the head, which has the digests of all sections: it names the index.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Returns how many records the set has.
    #[must_use]
    pub fn record_count(&self) -> u64 {
        u64::from(self.rows)
    }

    /// Returns how many digests of that algorithm the set has.
    #[must_use]
    pub fn digest_count(&self, algorithm: Algorithm) -> u64 {
        let table = self.tables.iter().find(|table| table.algorithm == algorithm);
        table.map_or(0, |table| u64::from(table.count))
    }

    /// Returns how many entries the set has: its records, or what the head of a bloom filter says
    /// was put in.
    #[must_use]
    pub fn entry_count(&self) -> u64 {
        self.probable().map_or_else(|| self.record_count(), |probable| probable.items)
    }

    /// Returns what is known of the bloom filter, if the set is one and holds no digests.
    #[must_use]
    pub fn probable(&self) -> Option<ProbableReport> {
        self.meta.report.probable.filter(|_| self.bloom.is_some())
    }

    /// Refuses what needs digests that can be gone through.
    ///
    /// # Errors
    /// [`Error::Unfit`] if the set is a bloom filter.
    pub(crate) fn refuse_bloom(&self) -> Result<(), Error> {
        if self.bloom.is_none() {
            return Ok(());
        }
        let reason = "is a bloom filter: there are no digests in it to go through".to_owned();
        Err(Error::Unfit { set: self.meta.identity.name.clone(), reason })
    }

    /// Returns which algorithms the set has digests of.
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        let exact = self.tables.iter().map(|table| table.algorithm);
        exact.chain(self.bloom.as_ref().map(|bloom| bloom.algorithm)).collect()
    }

    fn parse(bytes: Bytes, path: &Path, keys: &SetKeys) -> Result<Self, Error> {
        let parser = Parser { bytes: &bytes, path };
        let (sections, digest) = parser.head()?;
        let find = |kind: Kind, algorithm: Option<Algorithm>| {
            let number = algorithm.map_or(0, algorithm_number);
            sections.iter().find(|s| s.kind == kind as u32 && s.algorithm == number)
        };
        let need = |kind: Kind, algorithm| {
            find(kind, algorithm).ok_or_else(|| parser.bad(kind.name(), &"one section", &"none"))
        };
        let section = need(Kind::Meta, None)?;
        let rows = u32::try_from(section.count).ok().filter(|rows| u64::from(*rows) <= MAX_ROWS);
        let rows = rows.ok_or_else(|| parser.bad("rows", &"fewer", &section.count))?;
        let meta: Meta = parser.json(section, Kind::Meta.name())?;
        let key = parser.key(&meta, keys)?;
        let section = need(Kind::Categories, None)?;
        let categories: Vec<Category> = parser.json(section, Kind::Categories.name())?;
        if categories.len() as u64 > MAX_CATEGORIES {
            return Err(parser.bad("categories", &"fewer", &categories.len()));
        }
        let of_rows = |kind: Kind, algorithm, size: u64| {
            let section = find(kind, algorithm);
            section.map(|s| parser.column(s, kind, u64::from(rows), size)).transpose()
        };
        let mut tables = Vec::new();
        for algorithm in BY_STRENGTH {
            let Some(keys) = find(Kind::Keys, Some(algorithm)) else { continue };
            let key_of_row = of_rows(Kind::KeyOfRow, Some(algorithm), 4)?;
            let fan = need(Kind::Fan, Some(algorithm))?;
            let filter = find(Kind::Filter, Some(algorithm));
            let filter = filter.ok_or_else(|| parser.no_filter(&sections))?;
            let [links, lists] = [Kind::Links, Kind::Lists].map(|kind| find(kind, Some(algorithm)));
            if links.is_none() && keys.count > u64::from(rows) {
                return Err(parser.bad(Kind::Links.name(), &"links of shared digests", &"none"));
            }
            let parts = TableSections { keys, fan, links, filter, lists };
            tables.push(parser.table(algorithm, &parts, key_of_row)?);
        }
        if tables.len() > 1 && tables.iter().any(|table| table.key_of_row.is_none()) {
            return Err(parser.bad(Kind::KeyOfRow.name(), &"one for each algorithm", &"fewer"));
        }
        let bloom = parser.bloom(&sections, meta.report.probable)?;
        let distinct_sizes = find(Kind::DistinctSizes, None)
            .map(|section| parser.column(section, Kind::DistinctSizes, section.count, 8))
            .transpose()?
            .filter(|_| bloom.is_none());
        let (sizes, classes) = (of_rows(Kind::Sizes, None, 8)?, of_rows(Kind::Classes, None, 2)?);
        let index = Self {
            path: path.to_owned(),
            digest,
            name: meta.identity.name.as_str().into(),
            version: meta.identity.version.as_deref().map(Into::into),
            source_sha256: meta.identity.source.sha256.as_str().into(),
            meta,
            rows,
            categories,
            sizes,
            classes,
            distinct_sizes,
            tables,
            bloom,
            perceptual: parser.perceptual(&sections)?,
            key,
            checks: parser.checks(&sections)?,
            sections,
            bytes,
        };
        index.check_what_was_read()?;
        Ok(index)
    }

    /// Checks the page of which something is kept: the head of a bloom filter.
    fn check_what_was_read(&self) -> Result<(), Error> {
        if let Some(bloom) = &self.bloom {
            let start = bloom.bits.start.saturating_sub(HEAD_OF_BLOOM);
            let _ = self.part(start..bloom.bits.start);
        }
        self.damage().map_or(Ok(()), |place| Err(self.bad_page(place)))
    }
}
