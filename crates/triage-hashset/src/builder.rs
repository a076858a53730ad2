//! Collects the rows of a set and compiles them into an index, in bounded memory.
//!
//! A row is a record: its digests, its size, its class. Records are sorted on the disk where they
//! do not fit into memory; the order in which rows come does not matter: the same rows give the
//! same index bytes, whatever the memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use triage_hash::{Algorithm, Algorithms, Digest};

use crate::category::label;
use crate::index::{Assembly, Columns, Kind, Meta, NO_CLASS, NO_SIZE, Part};
use crate::sorter::{Sorted, Sorter};
use crate::spill::{Growing, Scratch, Spool};
use crate::{
    Category, DigestKey, Error, ImportReport, Index, Perceptual, PerceptualKind, Row, RowCategory,
    SetIdentity, SetKeys,
};

/// Most rows of one set: the links of an index use the highest bit of a row number for lists.
pub(crate) const MAX_ROWS: u64 = 0x7fff_fffe;
/// Most distinct categories of one set: class numbers have 16 bits and one value means none.
pub(crate) const MAX_CATEGORIES: u64 = 0xffff;
/// Bytes of a record behind the digests: size and class.
const REST: usize = size_of::<u64>() + size_of::<u16>();

/// The rows that have digests of the same algorithms.
struct Alike {
    algorithms: Algorithms,
    sorter: Sorter,
}

/// Takes the rows of one set, one by one, and compiles them.
pub struct Builder {
    scratch: Scratch,
    alike: Vec<Alike>,
    rows: u64,
    categories: BTreeMap<RowCategory, u16>,
    record: Vec<u8>,
    /// Perceptual digests by kind and by the algorithm of the digest that they belong to.
    perceptual: BTreeMap<(PerceptualKind, Option<Algorithm>), Sorter>,
    /// Sections that are not made of rows.
    attached: Vec<Part>,
    /// The digests that are pushed are keyed by it.
    keyed_by: Option<DigestKey>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// Returns a builder without rows that keeps everything in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Scratch::in_memory())
    }

    /// Returns a builder without rows that sorts in about `memory_bytes` of memory and puts what
    /// does not fit into scratch files in `folder`.
    #[must_use]
    pub fn spilling(folder: &Path, memory_bytes: usize) -> Self {
        Self::with(Scratch { folder: Some(folder.to_owned()), memory_bytes })
    }

    fn with(scratch: Scratch) -> Self {
        let (alike, record, attached) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            scratch,
            alike,
            rows: 0,
            categories: BTreeMap::new(),
            record,
            perceptual: BTreeMap::new(),
            attached,
            keyed_by: None,
        }
    }

    /// Says that the digests of all rows are keyed.
    pub(crate) fn hold_keyed_digests(&mut self, key: DigestKey) {
        self.keyed_by = Some(key);
    }

    fn keys(&self) -> SetKeys {
        SetKeys { digest_keys: self.keyed_by.iter().cloned().collect(), ..SetKeys::default() }
    }

    /// Takes a row. A row without digests is not taken.
    ///
    /// # Errors
    /// [`Error::Limit`] if there are more rows or categories than an index can hold, [`Error::Io`]
    /// if a scratch file cannot be written.
    pub fn push(&mut self, row: &Row) -> Result<(), Error> {
        if row.digests.is_empty() {
            return Ok(());
        }
        let class = match &row.category {
            None => NO_CLASS,
            Some(category) => self.class_of(category)?,
        };
        let algorithms: Algorithms = row.digests.iter().map(|digest| digest.algorithm()).collect();
        self.record.clear();
        for digest in row.digests.iter() {
            self.record.extend_from_slice(digest.as_bytes());
        }
        let size = row.size_bytes.filter(|size| *size != 0).unwrap_or(NO_SIZE);
        self.put(algorithms, size, class)
    }

    /// Takes a row that is a digest and nothing else.
    #[inline]
    pub(crate) fn push_digest(&mut self, digest: &Digest) -> Result<(), Error> {
        self.record.clear();
        self.record.extend_from_slice(digest.as_bytes());
        self.put(Algorithms::NONE.with(digest.algorithm()), NO_SIZE, NO_CLASS)
    }

    /// Takes the row whose digests are in `record`.
    #[inline]
    fn put(&mut self, algorithms: Algorithms, size: u64, class: u16) -> Result<(), Error> {
        if self.rows >= MAX_ROWS {
            return Err(Error::Limit { what: "rows", limit: MAX_ROWS });
        }
        self.record.extend_from_slice(&size.to_be_bytes());
        self.record.extend_from_slice(&class.to_be_bytes());
        self.rows += 1;
        let place = self.alike.iter().position(|alike| alike.algorithms == algorithms);
        let place = place.unwrap_or_else(|| {
            // Half for all rows; the other half is for the digests of further algorithms. Lists
            // that mix kinds of rows have few of them, and one kind that is most of the list.
            let scratch = self.scratch.share(2 + self.alike.len());
            let sorter = Sorter::new(&scratch, self.record.len());
            self.alike.push(Alike { algorithms, sorter });
            self.alike.len() - 1
        });
        self.alike[place].sorter.push(&self.record)
    }

    /// Returns the number of a category, a new one if it was not met before.
    fn class_of(&mut self, category: &RowCategory) -> Result<u16, Error> {
        if let Some(class) = self.categories.get(category) {
            return Ok(*class);
        }
        let class = u16::try_from(self.categories.len())
            .ok()
            .filter(|class| *class != NO_CLASS)
            .ok_or(Error::Limit { what: "categories", limit: MAX_CATEGORIES })?;
        self.categories.insert(category.clone(), class);
        Ok(class)
    }

    /// Takes a perceptual digest of the file that `owner` is a digest of, if one is known.
    pub(crate) fn push_perceptual(
        &mut self,
        owner: Option<Digest>,
        digest: &Perceptual,
    ) -> Result<(), Error> {
        let owner_bytes = owner.as_ref().map(Digest::as_bytes).unwrap_or_default();
        self.record.clear();
        self.record.extend_from_slice(owner_bytes);
        self.record.extend_from_slice(digest.as_bytes());
        let key = (digest.kind(), owner.map(|owner| owner.algorithm()));
        let (scratch, width) = (&self.scratch, self.record.len());
        let sorter = || Sorter::new(&scratch.share(8), width);
        self.perceptual.entry(key).or_insert_with(sorter).push(&self.record)
    }

    /// Makes the sections of perceptual digests, each once, in order, and counts them.
    fn attach_perceptual(&mut self, report: &mut ImportReport) -> Result<(), Error> {
        report.perceptual.clear();
        for ((kind, algorithm), sorter) in std::mem::take(&mut self.perceptual) {
            let mut bytes = self.growing()?;
            let mut count = 0_u64;
            let mut last = Vec::new();
            let mut sorted = sorter.finish();
            while let Some(record) = sorted.next_record()? {
                if record != last.as_slice() {
                    bytes.put(record)?;
                    count += 1;
                    last.clear();
                    last.extend_from_slice(record);
                }
            }
            *report.perceptual.entry(kind.name().to_owned()).or_default() += count;
            self.attach(Kind::of_perceptual(kind), algorithm, count, bytes)?;
        }
        Ok(())
    }

    /// Returns a scratch file for a library that opens files by name, if there is a folder for it.
    pub(crate) fn spool(&self) -> Result<Option<Spool>, Error> {
        self.scratch.spool()
    }

    /// Returns a place for the bytes of a section that is not made of rows.
    pub(crate) fn growing(&self) -> Result<Growing, Error> {
        Growing::new(&self.scratch)
    }

    /// Takes a section that is not made of rows.
    pub(crate) fn attach(
        &mut self,
        kind: Kind,
        algorithm: Option<Algorithm>,
        count: u64,
        bytes: Growing,
    ) -> Result<(), Error> {
        self.attached.push(Part { kind, algorithm, count, bytes: bytes.finish()? });
        Ok(())
    }

    /// Returns whether no row was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns whether a row has a category.
    #[must_use]
    pub fn has_categories(&self) -> bool {
        !self.categories.is_empty()
    }

    /// Compiles the rows into an index in memory. The counts of accepted, duplicate and merged
    /// rows and of digests in `report` are filled in.
    ///
    /// # Errors
    /// [`Error::Limit`] if the index would be too large, [`Error::Io`] if a scratch file fails.
    pub fn finish(self, identity: SetIdentity, report: ImportReport) -> Result<Index, Error> {
        let keys = self.keys();
        Index::from_bytes(self.compile(identity, report)?.into_bytes()?, &keys)
    }

    /// Compiles the rows into an index file and opens it. The file must not exist.
    ///
    /// # Errors
    /// [`Error::Limit`], [`Error::Exists`], or [`Error::Io`] if the file cannot be written.
    pub fn finish_to(
        self,
        path: &Path,
        identity: SetIdentity,
        report: ImportReport,
    ) -> Result<Index, Error> {
        let keys = self.keys();
        self.compile(identity, report)?.write_new(path)?;
        Index::open_with(path, &keys)
    }

    fn compile(
        mut self,
        identity: SetIdentity,
        mut report: ImportReport,
    ) -> Result<Assembly, Error> {
        let keyed = self.keyed_by.as_ref().map(DigestKey::id);
        self.attach_perceptual(&mut report)?;
        let (categories, renumbered) = self.sort_categories(identity.scheme.as_deref());
        let all = self.alike.iter().flat_map(|alike| alike.algorithms.iter()).collect();
        let mut columns = Columns::new(&self.scratch, all, self.rows)?;
        let mut rows = Rows::new(self.alike)?;
        let mut equal = Equal::default();
        while let Some((algorithms, record)) = rows.next()? {
            let (digests, rest) = record.split_at(record.len() - REST);
            if equal.algorithms != algorithms || equal.digests != digests {
                equal.put(&mut columns, &mut report)?;
                equal.algorithms = algorithms;
                equal.digests.clear();
                equal.digests.extend_from_slice(digests);
            }
            let (size, class) = rest.split_at(size_of::<u64>());
            let size = size.first_chunk().copied().map_or(NO_SIZE, u64::from_be_bytes);
            let class = class.first_chunk().copied().map_or(NO_CLASS, u16::from_be_bytes);
            let class = renumbered.get(usize::from(class)).copied().unwrap_or(NO_CLASS);
            equal.add(size, class, &mut report);
        }
        equal.put(&mut columns, &mut report)?;
        let mut assembly = columns.finish(
            |report| Meta { builder: Meta::this_builder(), identity, report, keyed },
            report,
            &categories,
        )?;
        self.attached.into_iter().for_each(|part| assembly.attach(part));
        Ok(assembly)
    }

    /// Numbers the categories in their own order, so that the order of rows leaves no trace.
    fn sort_categories(&mut self, scheme: Option<&str>) -> (Vec<Category>, Vec<u16>) {
        let scheme = scheme.unwrap_or_default();
        let mut renumbered = vec![NO_CLASS; self.categories.len()];
        for (new, old) in (0..).zip(self.categories.values()) {
            renumbered[usize::from(*old)] = new;
        }
        let named = std::mem::take(&mut self.categories).into_keys().map(|row| Category {
            scheme: scheme.to_owned(),
            label: row.label.or_else(|| label(scheme, row.number?).map(str::to_owned)),
            number: row.number,
        });
        (named.collect(), renumbered)
    }
}

/// The rows with the same digests: their distinct sizes and classes.
#[derive(Default)]
struct Equal {
    algorithms: Algorithms,
    digests: Vec<u8>,
    /// Records come by size and then by the class as it was first met, so that those that say the
    /// same of size and class are neighbours.
    rest: Vec<(u64, u16)>,
}

impl Equal {
    fn add(&mut self, size: u64, class: u16, report: &mut ImportReport) {
        if self.rest.last() == Some(&(size, class)) {
            report.duplicates += 1;
        } else {
            self.rest.push((size, class));
        }
    }

    /// Hands the rows on, in the order of sizes and of renumbered classes.
    fn put(&mut self, columns: &mut Columns, report: &mut ImportReport) -> Result<(), Error> {
        if let [(size, class)] = *self.rest {
            self.rest.clear();
            report.accepted += 1;
            return columns.put(self.algorithms, &self.digests, size, class);
        }
        self.rest.sort_unstable();
        for (place, (size, class)) in self.rest.drain(..).enumerate() {
            let count = if place == 0 { &mut report.accepted } else { &mut report.merged };
            *count += 1;
            columns.put(self.algorithms, &self.digests, size, class)?;
        }
        Ok(())
    }
}

/// All rows in order: those of each kind are sorted, and this merges them.
struct Rows {
    alike: Vec<(Algorithms, Sorted)>,
    /// The next row of each kind, if there are several kinds.
    heads: Vec<Option<Vec<u8>>>,
    /// The row that was asked for last, if there are several kinds.
    current: Vec<u8>,
}

impl Rows {
    fn new(alike: Vec<Alike>) -> Result<Self, Error> {
        let mut rows = Self { alike: Vec::new(), heads: Vec::new(), current: Vec::new() };
        for Alike { algorithms, sorter } in alike {
            rows.alike.push((algorithms, sorter.finish()));
        }
        if rows.alike.len() > 1 {
            rows.heads.resize(rows.alike.len(), None);
            (0..rows.alike.len()).try_for_each(|place| rows.advance(place))?;
        }
        Ok(rows)
    }

    fn advance(&mut self, place: usize) -> Result<(), Error> {
        self.heads[place] = self.alike[place].1.next_record()?.map(<[u8]>::to_vec);
        Ok(())
    }

    /// Returns the next row and what it has digests of.
    fn next(&mut self) -> Result<Option<(Algorithms, &[u8])>, Error> {
        if self.alike.len() == 1 {
            let Some((algorithms, only)) = self.alike.first_mut() else { return Ok(None) };
            return Ok(only.next_record()?.map(|record| (*algorithms, record)));
        }
        let mut least: Option<(usize, &[u8])> = None;
        for (place, head) in self.heads.iter().enumerate() {
            let Some(head) = head else { continue };
            let smaller = least.is_none_or(|(other, record)| {
                compare(self.alike[place].0, head, self.alike[other].0, record).is_lt()
            });
            if smaller {
                least = Some((place, head));
            }
        }
        let Some((place, _)) = least else { return Ok(None) };
        self.current = self.heads[place].take().unwrap_or_default();
        self.advance(place)?;
        Ok(Some((self.alike[place].0, self.current.as_slice())))
    }
}

/// Compares rows of different kinds: by the digests of each algorithm in turn, and a row without
/// a digest of it comes after all that have one.
fn compare(a_has: Algorithms, a: &[u8], b_has: Algorithms, b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a, b);
    for algorithm in Algorithm::ALL {
        match (a_has.contains(algorithm), b_has.contains(algorithm)) {
            (false, false) => {}
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (true, true) => {
                let width = algorithm.len_bytes();
                let (of_a, rest_a) = a.split_at(width.min(a.len()));
                let (of_b, rest_b) = b.split_at(width.min(b.len()));
                match of_a.cmp(of_b) {
                    Ordering::Equal => (a, b) = (rest_a, rest_b),
                    different => return different,
                }
            }
        }
    }
    a.cmp(b)
}
