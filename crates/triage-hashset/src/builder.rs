//! Collects the rows of a set and compiles them into an index.
//!
//! Rows are sorted in memory, which bounds the size of a set: four million MD5 rows were measured
//! to take 300 MB at the peak, 76 bytes a row, and more with every further digest of a row. The
//! order in which rows come does not matter: the same rows give the same index bytes.

use std::collections::BTreeMap;
use std::path::Path;

use triage_hash::{Algorithm, Digest};

use crate::category::label;
use crate::index::{Columns, KeyColumn, Meta, NO_CLASS, NO_KEY, NO_SIZE, encode};
use crate::{Category, Error, ImportReport, Index, Row, RowCategory, SetIdentity};

/// Most rows of one set: the links of an index use the highest bit of a row number for lists.
pub(crate) const MAX_ROWS: u64 = 0x7fff_fffe;
/// Most distinct categories of one set: class numbers have 16 bits and one value means none.
pub(crate) const MAX_CATEGORIES: u64 = 0xffff;

/// The digests of one algorithm in the order in which they came.
struct Arrived {
    algorithm: Algorithm,
    bytes: Vec<u8>,
    rows: Vec<u32>,
}

/// Takes the rows of one set, one by one, and compiles them.
#[derive(Default)]
pub struct Builder {
    arrived: Vec<Arrived>,
    sizes: Vec<u64>,
    classes: Vec<u16>,
    categories: BTreeMap<RowCategory, u16>,
}

impl Builder {
    /// Returns a builder without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a row. A row without digests is not taken.
    ///
    /// # Errors
    /// [`Error::Limit`] if there are more rows or categories than an index can hold.
    pub fn push(&mut self, row: &Row) -> Result<(), Error> {
        if row.digests.is_empty() {
            return Ok(());
        }
        let number = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        if u64::from(number) >= MAX_ROWS {
            return Err(Error::Limit { what: "rows", limit: MAX_ROWS });
        }
        let class = match &row.category {
            None => NO_CLASS,
            Some(category) => self.class_of(category)?,
        };
        for digest in row.digests.iter() {
            self.add_digest(digest, number);
        }
        self.sizes.push(row.size_bytes.filter(|size| *size != 0).unwrap_or(NO_SIZE));
        self.classes.push(class);
        Ok(())
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

    fn add_digest(&mut self, digest: &Digest, row: u32) {
        let algorithm = digest.algorithm();
        let place = self.arrived.iter().position(|column| column.algorithm == algorithm);
        let place = place.unwrap_or_else(|| {
            self.arrived.push(Arrived { algorithm, bytes: Vec::new(), rows: Vec::new() });
            self.arrived.len() - 1
        });
        let column = &mut self.arrived[place];
        column.bytes.extend_from_slice(digest.as_bytes());
        column.rows.push(row);
    }

    /// Returns whether a row was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
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
    /// [`Error::Limit`] if the index would be too large.
    pub fn finish(self, identity: SetIdentity, report: ImportReport) -> Result<Index, Error> {
        Index::from_bytes(self.compile(identity, report)?)
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
        crate::index::write_new(path, &self.compile(identity, report)?)?;
        Index::open(path)
    }

    fn compile(
        mut self,
        identity: SetIdentity,
        mut report: ImportReport,
    ) -> Result<Vec<u8>, Error> {
        let categories = self.sort_categories(identity.scheme.as_deref());
        self.arrived.sort_by_key(|column| column.algorithm);
        let rows = self.sizes.len();
        let keys: Vec<KeyColumn> =
            std::mem::take(&mut self.arrived).iter().map(|c| sort_keys(c, rows)).collect();
        let columns = self.sort_rows(keys, &mut report);
        for column in &columns.keys {
            report.digests.insert(column.algorithm.name().to_owned(), column.count());
        }
        encode(&Meta { builder: Meta::this_builder(), identity, report }, &categories, &columns)
    }

    /// Numbers the categories in their own order, so that the order of rows leaves no trace.
    fn sort_categories(&mut self, scheme: Option<&str>) -> Vec<Category> {
        let scheme = scheme.unwrap_or_default();
        let mut renumbered = vec![NO_CLASS; self.categories.len()];
        for (new, old) in (0..).zip(self.categories.values()) {
            renumbered[usize::from(*old)] = new;
        }
        for class in &mut self.classes {
            *class = renumbered.get(usize::from(*class)).copied().unwrap_or(NO_CLASS);
        }
        let named = std::mem::take(&mut self.categories).into_keys().map(|row| Category {
            scheme: scheme.to_owned(),
            label: row.label.or_else(|| label(scheme, row.number?).map(str::to_owned)),
            number: row.number,
        });
        named.collect()
    }

    /// Puts the rows in the order of their keys and drops those that say the same.
    fn sort_rows(self, keys: Vec<KeyColumn>, report: &mut ImportReport) -> Columns {
        let rest = |row: u32| {
            let row = row as usize;
            (self.sizes[row], self.classes[row])
        };
        let compare_keys = |a: u32, b: u32| {
            let of = |row: u32| keys.iter().map(move |column| column.key_of_row[row as usize]);
            of(a).cmp(of(b))
        };
        let mut order: Vec<u32> = (0..).take(self.sizes.len()).collect();
        order.sort_unstable_by(|a, b| compare_keys(*a, *b).then_with(|| rest(*a).cmp(&rest(*b))));
        let mut kept: Vec<u32> = Vec::with_capacity(order.len());
        for row in order {
            match kept.last().copied() {
                Some(last) if compare_keys(last, row).is_eq() && rest(last) == rest(row) => {
                    report.duplicates += 1;
                    continue;
                }
                Some(last) if compare_keys(last, row).is_eq() => report.merged += 1,
                _ => report.accepted += 1,
            }
            kept.push(row);
        }
        let pick = |column: KeyColumn| KeyColumn {
            key_of_row: kept.iter().map(|row| column.key_of_row[*row as usize]).collect(),
            ..column
        };
        Columns {
            keys: keys.into_iter().map(pick).collect(),
            sizes: kept.iter().map(|row| self.sizes[*row as usize]).collect(),
            classes: kept.iter().map(|row| self.classes[*row as usize]).collect(),
        }
    }
}

/// Sorts the digests of one algorithm, each once, and notes which of them each row has.
fn sort_keys(arrived: &Arrived, rows: usize) -> KeyColumn {
    let width = arrived.algorithm.len_bytes();
    let digest = |place: u32| {
        let start = place as usize * width;
        &arrived.bytes[start..start + width]
    };
    // The first eight bytes decide almost every comparison without a look into the arena.
    let mut order: Vec<(u64, u32)> = (0..)
        .zip(arrived.bytes.chunks_exact(width))
        .map(|(place, bytes)| (prefix(bytes), place))
        .collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| digest(a.1).cmp(digest(b.1))));
    let mut keys = Vec::new();
    let mut key_of_row = vec![NO_KEY; rows];
    let mut count: u32 = 0;
    for (_, place) in order {
        let bytes = digest(place);
        if count == 0 || &keys[keys.len() - width..] != bytes {
            keys.extend_from_slice(bytes);
            count += 1;
        }
        key_of_row[arrived.rows[place as usize] as usize] = count - 1;
    }
    KeyColumn { algorithm: arrived.algorithm, keys, key_of_row }
}

/// Returns the first eight bytes as a number that orders like the bytes.
fn prefix(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
