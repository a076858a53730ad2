//! Looks the digests of one file up in one index.
//!
//! A miss touches the filter only and allocates nothing. A hit is compared with the whole record:
//! one match for each record, by its strongest agreeing algorithm; records of one set that say the
//! same of the file (category and consistency) are one match.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use std::cmp::Ordering;

use triage_hash::{Algorithm, Digests};

use super::encode::fan_place;
use super::filter::{LINE_LEN, is_sound, may_contain};
use super::layout::{LIST_BIT, NO_CLASS, NO_KEY, NO_SIZE, read_u64, u32_at};
use super::open::{Index, Table};
use crate::{Certainty, Match};

/// Most matches with one set: there are as many as the record has categories, few in any real set.
const MAX_MATCHES: usize = 4096;

/// A filter up to this size is near the processor anyway.
const MOST_NEAR: usize = 1 << 20;

/// What the digest of one algorithm found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    /// The file has no digest of it, or the set has none.
    #[default]
    NotCompared,
    /// The set does not have the digest.
    Missing,
    /// The place of the digest among the keys.
    At(u32),
}

/// What each table found, in the order of the tables.
type FoundAll = [Found; Algorithm::ALL.len()];

impl Index {
    /// Appends every match of a file with these digests and size. The caller has ruled out the
    /// empty file. `set_index` goes into the matches.
    pub(crate) fn lookup(
        &self,
        digests: &Digests,
        size_bytes: u64,
        set_index: u32,
        out: &mut Vec<Match>,
    ) {
        let keyed;
        let digests = match &self.key {
            None => digests,
            Some(key) => {
                keyed = key.keyed_all(digests);
                &keyed
            }
        };
        let mut found = FoundAll::default();
        let mut any = false;
        for (table, found) in self.tables.iter().zip(&mut found) {
            let Some(digest) = digests.get(table.algorithm) else { continue };
            *found = self.find(table, digest.as_bytes());
            any |= matches!(found, Found::At(_));
        }
        if any {
            self.matches(&found, size_bytes, set_index, out);
        }
        self.ask_bloom(digests, set_index, out);
    }

    /// Reads what lookups of these digests will read first, and returns something made of it.
    ///
    /// A lookup in a large set waits for main memory. Here nothing depends on what is
    /// read, so that the processor waits for many at once.
    pub(crate) fn fetch<'a>(&self, files: &(impl Iterator<Item = &'a Digests> + Clone)) -> u8 {
        let mut all = 0;
        if self.key.is_some() {
            // The places are those of keyed digests: to make them twice would cost more.
            return all;
        }
        for table in self.tables.iter().filter(|table| table.filter_section.len() > MOST_NEAR) {
            for digest in files.clone().filter_map(|digests| digests.get(table.algorithm)) {
                let line = self.line(table, table.filter.line(digest.as_bytes()));
                all ^= line.and_then(<[u8]>::first).copied().unwrap_or(0);
            }
        }
        all
    }

    /// Appends the match of a bloom filter, if it says `probably`. Writers spell digests in
    /// capitals or in small letters and do not say which: both are asked.
    fn ask_bloom(&self, digests: &Digests, set_index: u32, out: &mut Vec<Match>) {
        let Some(bloom) = &self.bloom else { return };
        let Some(digest) = digests.get(bloom.algorithm) else { return };
        let mut text = Vec::with_capacity(bloom.algorithm.len_bytes().saturating_mul(2));
        digest.write_hex(&mut text);
        let byte = |place| self.element(&bloom.bits, place, 1)?.first().copied();
        let small = bloom.header.may_contain(&text, byte);
        text.make_ascii_uppercase();
        if !small && !bloom.header.may_contain(&text, byte) {
            return;
        }
        let false_positives_per_billion = bloom.false_positives_per_billion;
        out.push(Match {
            certainty: Certainty::Probable { false_positives_per_billion },
            ..self.match_of(bloom.algorithm, 0, (NO_CLASS, false), set_index)
        });
    }

    /// Finds a digest among the sorted keys.
    fn find(&self, table: &Table, digest: &[u8]) -> Found {
        if !self.may_contain(table, digest) {
            return Found::Missing;
        }
        let prefix = fan_place(digest, table.bits);
        let dropped = (table.bits / 8) as usize;
        let rest = digest.get(dropped..).unwrap_or_default();
        let key =
            |place: u32| self.element(&table.keys, place as usize, rest.len()).unwrap_or_default();
        let first = |prefix: usize| self.u32_in(&table.fan, prefix).unwrap_or(0).min(table.count);
        let (mut low, mut high) = (first(prefix), first(prefix.saturating_add(1)));
        while low < high {
            let middle = low.midpoint(high);
            match key(middle).cmp(rest) {
                Ordering::Equal => return Found::At(middle),
                Ordering::Less => low = middle.saturating_add(1),
                Ordering::Greater => high = middle,
            }
        }
        Found::Missing
    }

    /// Asks the filter. A damaged line says nothing: the exact search decides, and the damage is
    /// remembered.
    #[inline]
    fn may_contain(&self, table: &Table, digest: &[u8]) -> bool {
        let number = table.filter.line(digest);
        let Some(line) = self.line(table, number).and_then(<[u8]>::first_chunk) else {
            return true;
        };
        let Some(checks) = &self.checks else { return may_contain(line, digest) };
        if is_sound(number, line) {
            return may_contain(line, digest);
        }
        checks.damaged(table.filter_section.start.saturating_add(number as usize * LINE_LEN));
        true
    }

    /// Returns a line of the filter. It carries its own check.
    #[inline]
    fn line(&self, table: &Table, number: u64) -> Option<&[u8]> {
        let start = table.filter_section.start.checked_add(number as usize * LINE_LEN)?;
        self.bytes.get(start..start.checked_add(LINE_LEN)?)
    }

    /// Appends the matches of the records that the found keys belong to.
    #[cold]
    fn matches(&self, found: &FoundAll, size_bytes: u64, set_index: u32, out: &mut Vec<Match>) {
        let first = out.len();
        let mut said: Vec<(u16, bool)> = Vec::new();
        for (place, (table, key)) in self.tables.iter().zip(found).enumerate() {
            let Found::At(key) = *key else { continue };
            for row in self.rows_of(table, key) {
                if said.len() >= MAX_MATCHES {
                    return;
                }
                // A stronger algorithm has brought this record already.
                let stronger = self.tables.iter().zip(found).take(place);
                if stronger.into_iter().any(|(t, f)| *f == Found::At(self.key_of(t, row))) {
                    continue;
                }
                let says = (self.class_of(row), self.contradicts(found, row, size_bytes));
                if said.contains(&says) {
                    continue;
                }
                said.push(says);
                out.push(self.match_of(table.algorithm, row, says, set_index));
            }
        }
        debug_assert!(out.len() > first, "a found key belongs to a record");
    }

    fn match_of(
        &self,
        algorithm: Algorithm,
        record: u32,
        (class, inconsistent): (u16, bool),
        set_index: u32,
    ) -> Match {
        Match {
            set: self.name.clone(),
            version: self.version.clone(),
            set_sha256: self.source_sha256.clone(),
            set_index,
            record,
            algorithm,
            disposition: self.identity().disposition,
            category: self.categories.get(usize::from(class)).cloned(),
            inconsistent,
            certainty: Certainty::Exact,
        }
    }

    /// Returns the records that have the key. A damaged link gives a record that is not there,
    /// so that the digest is still reported, and as inconsistent.
    pub(super) fn rows_of(&self, table: &Table, key: u32) -> impl Iterator<Item = u32> + '_ {
        let link = match &table.links {
            None => key,
            Some(links) => self.u32_in(links, key as usize).unwrap_or(NO_KEY),
        };
        let lists = &table.lists;
        let place = (link & !LIST_BIT) as usize;
        let mut rows: &[u8] = &[];
        if link & LIST_BIT != 0 {
            let count = self.u32_in(lists, place).unwrap_or(0) as usize;
            let start = place.saturating_add(1).saturating_mul(4).saturating_add(lists.start);
            let end = start.saturating_add(count.saturating_mul(4));
            let listed = (end <= lists.end).then(|| self.part(start..end)).flatten();
            rows = listed.unwrap_or_default();
        }
        let single = rows.is_empty().then_some(link);
        let listed = rows.chunks_exact(4).filter_map(|row| u32_at(row, 0));
        single.into_iter().chain(listed)
    }

    /// Returns the key that a record has in a table, or [`NO_KEY`].
    pub(super) fn key_of(&self, table: &Table, row: u32) -> u32 {
        let column = table.key_of_row.as_ref();
        column.and_then(|column| self.u32_in(column, row as usize)).unwrap_or(NO_KEY)
    }

    pub(super) fn class_of(&self, row: u32) -> u16 {
        let column = self.classes.as_ref();
        let class = column.and_then(|column| self.element(column, row as usize, 2)?.first_chunk());
        class.map_or(NO_CLASS, |class| u16::from_le_bytes(*class))
    }

    /// Returns the size of a record, if it is known.
    pub(super) fn size_of_row(&self, row: u32) -> Option<u64> {
        let size = read_u64(self.element(self.sizes.as_ref()?, row as usize, 8)?, 0);
        size.filter(|size| *size != NO_SIZE)
    }

    /// Says whether a digest or the size of the record differs from those of the file.
    fn contradicts(&self, found: &FoundAll, row: u32, size_bytes: u64) -> bool {
        let size_differs = self.size_of_row(row).is_some_and(|size| size != size_bytes);
        let digest_differs = self.tables.iter().zip(found).any(|(table, found)| {
            let key = self.key_of(table, row);
            let compared = table.key_of_row.is_some() && *found != Found::NotCompared;
            compared && key != NO_KEY && *found != Found::At(key)
        });
        row >= self.rows || size_differs || digest_differs
    }
}
