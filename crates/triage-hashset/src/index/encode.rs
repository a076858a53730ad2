//! Turns the sorted rows of a set into the sections of an index file.

use triage_hash::{Algorithm, Algorithms};

use super::assembly::Assembly;
use super::keys::Keys;
use super::layout::{
    Kind, MAJOR, MAJOR_FILTER, MAJOR_KEYED, MAX_JSON, Meta, NO_CLASS, NO_KEY, NO_SIZE,
};
use crate::sorter::Sorter;
use crate::spill::{Growing, Scratch, Stored};
use crate::{Category, Error, ImportReport};

/// Bytes of a row number or the place of a digest.
const NUMBER: usize = size_of::<u32>();

/// The sections so far, in the order of the file.
pub(super) struct Sections {
    pub(super) scratch: Scratch,
    pub(super) parts: Vec<Part>,
}

/// One section before it has a place in the file.
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) count: u64,
    pub(crate) bytes: Stored,
}

impl Sections {
    /// Adds a section whose bytes are there.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        algorithm: Option<Algorithm>,
        count: u64,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let mut growing = Growing::new(&self.scratch)?;
        growing.put(bytes)?;
        self.append(kind, algorithm, count, growing.finish()?);
        Ok(())
    }

    /// Adds a section that has grown.
    pub(super) fn append(
        &mut self,
        kind: Kind,
        algorithm: Option<Algorithm>,
        count: u64,
        bytes: Stored,
    ) {
        self.parts.push(Part { kind, algorithm, count, bytes });
    }
}

/// The digests of an algorithm that is not the one that rows are sorted by.
struct Further {
    algorithm: Algorithm,
    /// Digest and row.
    sorter: Sorter,
    /// How many there are.
    digests: u64,
}

/// What is known of some rows only; nothing is written before the first row of which it is.
struct Sparse<const N: usize> {
    scratch: Scratch,
    absent: [u8; N],
    /// Rows so far, if it is known of none.
    unknown: u64,
    bytes: Option<Growing>,
}

impl<const N: usize> Sparse<N> {
    fn new(scratch: &Scratch, absent: [u8; N]) -> Self {
        Self { scratch: scratch.clone(), absent, unknown: 0, bytes: None }
    }

    #[inline]
    fn put(&mut self, value: [u8; N]) -> Result<(), Error> {
        if let Some(bytes) = &mut self.bytes {
            return bytes.put(&value);
        }
        if value == self.absent {
            self.unknown += 1;
            return Ok(());
        }
        let mut bytes = Growing::new(&self.scratch)?;
        (0..self.unknown).try_for_each(|_| bytes.put(&self.absent))?;
        bytes.put(&value)?;
        self.bytes = Some(bytes);
        Ok(())
    }

    /// Returns the column, if anything is known.
    fn finish(self) -> Result<Option<Stored>, Error> {
        self.bytes.map(Growing::finish).transpose()
    }
}

/// Takes the rows of a set in order.
pub(crate) struct Columns {
    scratch: Scratch,
    algorithms: Algorithms,
    rows: u32,
    sizes: Sparse<{ size_of::<u64>() }>,
    classes: Sparse<{ size_of::<u16>() }>,
    /// The sizes as big-endian numbers, as long as every row has one.
    by_size: Option<Sorter>,
    /// The first algorithm: rows come in the order of its digests.
    first: Option<(Keys, Growing)>,
    further: Vec<Further>,
}

impl Columns {
    /// Returns columns for at most `most` rows with digests of these algorithms.
    pub(crate) fn new(scratch: &Scratch, algorithms: Algorithms, most: u64) -> Result<Self, Error> {
        let mut in_order = algorithms.iter();
        let first = match in_order.next() {
            Some(algorithm) => Some((Keys::new(algorithm, scratch, most)?, Growing::new(scratch)?)),
            None => None,
        };
        let share = scratch.share(2 * algorithms.len());
        let further = in_order.map(|algorithm| Further {
            algorithm,
            sorter: Sorter::new(&share, algorithm.len_bytes() + NUMBER),
            digests: 0,
        });
        Ok(Self {
            scratch: scratch.clone(),
            algorithms,
            rows: 0,
            by_size: Some(Sorter::new(&scratch.share(4), size_of::<u64>())),
            sizes: Sparse::new(scratch, NO_SIZE.to_le_bytes()),
            classes: Sparse::new(scratch, NO_CLASS.to_le_bytes()),
            first,
            further: further.collect(),
        })
    }

    /// Takes the next row: the digests of `has` end to end, in the order of algorithms.
    pub(crate) fn put(
        &mut self,
        has: Algorithms,
        digests: &[u8],
        size: u64,
        class: u16,
    ) -> Result<(), Error> {
        let row = self.rows;
        let mut rest = digests;
        let mut record = Vec::new();
        for (place, algorithm) in self.algorithms.iter().enumerate() {
            let digest = if has.contains(algorithm) {
                let (digest, after) = rest.split_at(algorithm.len_bytes().min(rest.len()));
                rest = after;
                Some(digest)
            } else {
                None
            };
            if place == 0 {
                let Some((keys, key_of_row)) = &mut self.first else { continue };
                let key = digest.map(|digest| keys.put(digest, row)).transpose()?;
                if self.algorithms.len() > 1 {
                    key_of_row.put(&key.unwrap_or(NO_KEY).to_le_bytes())?;
                }
            } else if let (Some(digest), Some(further)) = (digest, self.further.get_mut(place - 1))
            {
                record.clear();
                record.extend_from_slice(digest);
                record.extend_from_slice(&row.to_be_bytes());
                further.sorter.push(&record)?;
                further.digests += 1;
            }
        }
        self.sizes.put(size.to_le_bytes())?;
        if size == NO_SIZE {
            self.by_size = None;
        } else if let Some(by_size) = &mut self.by_size {
            by_size.push(&size.to_be_bytes())?;
        }
        self.classes.put(class.to_le_bytes())?;
        self.rows += 1;
        Ok(())
    }

    /// Makes the sections. `meta` is told the report with the counts of digests filled in.
    ///
    /// # Errors
    /// [`Error::Limit`] if a part is larger than the format allows, [`Error::Io`] if a scratch
    /// file fails.
    pub(crate) fn finish(
        self,
        meta: impl FnOnce(ImportReport) -> Meta,
        mut report: ImportReport,
        categories: &[Category],
    ) -> Result<Assembly, Error> {
        let rows = u64::from(self.rows);
        let several = self.algorithms.len() > 1;
        let mut of_rows = Sections { scratch: self.scratch.clone(), parts: Vec::new() };
        let distinct =
            self.by_size.map(|sizes| distinct_sizes(sizes, &self.scratch)).transpose()?;
        let columns =
            [(Kind::Sizes, self.sizes.finish()?), (Kind::Classes, self.classes.finish()?)];
        for (kind, column) in columns {
            if let Some(bytes) = column {
                of_rows.append(kind, None, rows, bytes);
            }
        }
        if let Some(sizes) = distinct {
            of_rows.append(Kind::DistinctSizes, None, sizes.len() / size_of::<u64>() as u64, sizes);
        }
        let mut of_keys = Sections { scratch: self.scratch.clone(), parts: Vec::new() };
        let mut note = |algorithm: Algorithm, keys: &Keys| {
            report.digests.insert(algorithm.name().to_owned(), u64::from(keys.count()));
        };
        if let (Some((keys, key_of_row)), Some(algorithm)) =
            (self.first, self.algorithms.iter().next())
        {
            note(algorithm, &keys);
            keys.finish(&mut of_keys)?;
            if several {
                of_keys.append(Kind::KeyOfRow, Some(algorithm), rows, key_of_row.finish()?);
            }
        }
        for further in self.further {
            let algorithm = further.algorithm;
            let (keys, key_of_row) = further_keys(further, self.rows, &self.scratch)?;
            note(algorithm, &keys);
            keys.finish(&mut of_keys)?;
            of_keys.append(Kind::KeyOfRow, Some(algorithm), rows, key_of_row);
        }
        let mut all = Sections { scratch: self.scratch, parts: Vec::new() };
        let meta = meta(report);
        all.add(Kind::Meta, None, rows, &json(&meta)?)?;
        all.add(Kind::Categories, None, categories.len() as u64, &json(&categories)?)?;
        all.parts.extend(of_rows.parts);
        all.parts.extend(of_keys.parts);
        let major = match (&meta.keyed, &meta.report.probable) {
            (Some(_), _) => MAJOR_KEYED,
            (None, Some(_)) => MAJOR_FILTER,
            (None, None) => MAJOR,
        };
        Ok(Assembly::new(all.parts, major))
    }
}

/// Sorts the digests of a further algorithm and returns them, and for each row the place of its
/// digest among them.
fn further_keys(
    Further { algorithm, sorter, digests }: Further,
    rows: u32,
    scratch: &Scratch,
) -> Result<(Keys, Stored), Error> {
    let mut by_row = Sorter::new(&scratch.share(4), 2 * NUMBER);
    let mut keys = Keys::new(algorithm, scratch, digests)?;
    let mut sorted = sorter.finish();
    while let Some(record) = sorted.next_record()? {
        let (digest, row) = record.split_at(algorithm.len_bytes());
        let row = row.first_chunk().copied().map_or(0, u32::from_be_bytes);
        let key = keys.put(digest, row)?;
        let [a, b, c, d] = row.to_be_bytes();
        let [e, f, g, h] = key.to_be_bytes();
        by_row.push(&[a, b, c, d, e, f, g, h])?;
    }
    let mut key_of_row = Growing::new(scratch)?;
    let mut sorted = by_row.finish();
    let mut next = 0_u32;
    while let Some(record) = sorted.next_record()? {
        let (row, key) = record.split_at(NUMBER);
        let row = row.first_chunk().copied().map_or(0, u32::from_be_bytes);
        let key = key.first_chunk().copied().map_or(NO_KEY, u32::from_be_bytes);
        for _ in next..row {
            key_of_row.put(&NO_KEY.to_le_bytes())?;
        }
        key_of_row.put(&key.to_le_bytes())?;
        next = row.saturating_add(1);
    }
    for _ in next..rows {
        key_of_row.put(&NO_KEY.to_le_bytes())?;
    }
    Ok((keys, key_of_row.finish()?))
}

/// Returns each size once, in order.
fn distinct_sizes(sizes: Sorter, scratch: &Scratch) -> Result<Stored, Error> {
    let mut out = Growing::new(scratch)?;
    let mut last = None;
    let mut sorted = sizes.finish();
    while let Some(size) = sorted.next_record()? {
        let size = size.first_chunk().copied().map(u64::from_be_bytes);
        if let Some(size) = size.filter(|_| size != last) {
            out.put(&size.to_le_bytes())?;
        }
        last = size;
    }
    out.finish()
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    let limit = MAX_JSON as u64;
    let too_long = Error::Limit { what: "bytes of description and categories", limit };
    match serde_json::to_vec(value) {
        Ok(bytes) if bytes.len() <= MAX_JSON => Ok(bytes),
        _ => Err(too_long),
    }
}

/// Returns the place of a digest in the prefix table: its first `bits` bits as a number.
#[inline]
pub(super) fn fan_place(digest: &[u8], bits: u32) -> usize {
    let first = digest.first_chunk().copied().map_or(0, u32::from_be_bytes);
    first.checked_shr(32 - bits.min(32)).unwrap_or(0) as usize
}
