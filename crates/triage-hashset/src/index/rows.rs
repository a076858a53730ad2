//! The rows of an index, one after the other: what exports and comparisons go through.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use triage_hash::{Digest, Digests};

use super::layout::{NO_CLASS, NO_KEY};
use super::open::{Index, Table};
use crate::{Category, Error};

/// A row as an index holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number in the index.
    pub number: u32,
    /// Its digests.
    pub digests: Digests,
    /// Its size in bytes, if the list gave one.
    pub size_bytes: Option<u64>,
    /// Its category, with scheme and label.
    pub category: Option<Category>,
}

impl Index {
    /// Returns a row by its number, below [`Index::record_count`].
    ///
    /// # Errors
    /// [`Error::BadIndex`] if there is none of that number, or the index is damaged.
    pub fn record(&self, number: u32) -> Result<Record, Error> {
        if number >= self.rows {
            return Err(self.bad_row(number));
        }
        let mut digests = Digests::new();
        for table in &self.tables {
            let key = if table.key_of_row.is_some() {
                self.key_of(table, number)
            } else {
                self.key_of_only(table, number)
            };
            if key != NO_KEY {
                let digest = self.digest_at(table, key).ok_or_else(|| self.bad_row(number))?;
                digests.insert(digest);
            }
        }
        let size_bytes = self.size_of_row(number);
        let class = self.class_of(number);
        let category = self.categories.get(usize::from(class)).cloned();
        if let Some(place) = self.damage() {
            return Err(self.bad_page(place));
        }
        if digests.is_empty() || (class != NO_CLASS && category.is_none()) {
            return Err(self.bad_row(number));
        }
        Ok(Record { number, digests, size_bytes, category })
    }

    /// Iterates over all rows in the order of the index.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, Error>> {
        (0..self.rows).map(|number| self.record(number))
    }

    /// Returns the key of a row in a set of one algorithm: rows are in the order of their keys.
    fn key_of_only(&self, table: &Table, row: u32) -> u32 {
        if table.links.is_none() {
            return row;
        }
        // The last key whose first row is not behind this one.
        let (mut low, mut high) = (0, table.count);
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            match self.rows_of(table, middle).next() {
                Some(first) if first <= row => low = middle,
                _ => high = middle,
            }
        }
        low
    }

    /// Puts a digest together from the prefix table and the keys.
    fn digest_at(&self, table: &Table, key: u32) -> Option<Digest> {
        // The last prefix that begins at or before the key.
        let (mut low, mut high) = (0_usize, 1_usize.checked_shl(table.bits)?);
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            if self.u32_in(&table.fan, middle)? <= key { low = middle } else { high = middle }
        }
        let prefix = u32::try_from(low).ok()?.checked_shl(32_u32.checked_sub(table.bits)?);
        let dropped = usize::try_from(table.bits / 8).ok()?;
        let width = table.algorithm.len_bytes().checked_sub(dropped)?;
        let rest = self.element(&table.keys, usize::try_from(key).ok()?, width)?;
        let mut bytes = prefix.unwrap_or(0).to_be_bytes().get(..dropped)?.to_vec();
        bytes.extend_from_slice(rest);
        Digest::from_bytes(table.algorithm, &bytes).ok()
    }
}
