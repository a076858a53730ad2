//! The perceptual digests that stand beside a set: each behind the digest of its file. No lookup
//! of a file comes here.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use std::cmp::Ordering;
use std::ops::Range;

use triage_hash::{Algorithm, Digest};

use super::layout::{Kind, NO_ALGORITHM, Section, algorithm_number};
use super::open::{BY_STRENGTH, Index};
use super::parser::Parser;
use crate::{Error, Perceptual, PerceptualKind};

/// The perceptual digests of one kind that stand behind digests of one algorithm, in order.
#[derive(Debug)]
pub(super) struct PerceptualTable {
    kind: PerceptualKind,
    /// Without one, the list has no exact digest of these files.
    owner: Option<Algorithm>,
    count: u64,
    rows: Range<usize>,
}

impl PerceptualTable {
    /// Returns how many bytes a row has, and how many of them are the digest of its file.
    fn widths(&self) -> (usize, usize) {
        let owner = self.owner.map_or(0, Algorithm::len_bytes);
        (owner.saturating_add(self.kind.len_bytes()), owner)
    }
}

/// One perceptual digest that stands beside a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerceptualRow {
    /// A digest of its file, by which the records of the set are found; none if the list has no
    /// exact digest of that file.
    pub owner: Option<Digest>,
    /// The perceptual digest.
    pub digest: Perceptual,
}

impl Parser<'_> {
    /// Finds the sections of perceptual digests.
    pub(super) fn perceptual(&self, sections: &[Section]) -> Result<Vec<PerceptualTable>, Error> {
        let mut tables = Vec::new();
        for kind in PerceptualKind::ALL {
            let name = Kind::of_perceptual(kind);
            for section in sections.iter().filter(|s| s.kind == name as u32) {
                let owner =
                    BY_STRENGTH.into_iter().find(|a| algorithm_number(*a) == section.algorithm);
                if owner.is_none() && section.algorithm != NO_ALGORITHM {
                    return Err(self.bad(name.name(), &"an algorithm", &section.algorithm));
                }
                let mut table = PerceptualTable { kind, owner, count: section.count, rows: 0..0 };
                let (width, _) = table.widths();
                table.rows = self.column(section, name, section.count, width as u64)?;
                tables.push(table);
            }
        }
        Ok(tables)
    }
}

impl Index {
    /// Returns how many perceptual digests of that kind stand beside the set.
    #[must_use]
    pub fn perceptual_count(&self, kind: PerceptualKind) -> u64 {
        self.perceptual.iter().filter(|table| table.kind == kind).map(|table| table.count).sum()
    }

    /// Iterates over the perceptual digests that stand beside the set, in the order of the index.
    pub fn perceptual_rows(&self) -> impl Iterator<Item = Result<PerceptualRow, Error>> {
        self.perceptual.iter().flat_map(move |table| {
            let places = 0..usize::try_from(table.count).unwrap_or(usize::MAX);
            places.map(move |place| self.perceptual_row(table, place))
        })
    }

    /// Returns the perceptual digests of the file that has this digest.
    ///
    /// # Errors
    /// [`Error::BadIndex`] if the index is damaged.
    pub fn perceptual_of(&self, owner: &Digest) -> Result<Vec<Perceptual>, Error> {
        let mut found = Vec::new();
        for table in self.perceptual.iter().filter(|t| t.owner == Some(owner.algorithm())) {
            let all = usize::try_from(table.count).unwrap_or(usize::MAX);
            let (mut low, mut high) = (0, all);
            while low < high {
                let middle = low.midpoint(high);
                let order = self.owner_at(table, middle).map(|bytes| bytes.cmp(owner.as_bytes()));
                if order == Some(Ordering::Less) {
                    low = middle.saturating_add(1);
                } else {
                    high = middle;
                }
            }
            for place in low..all {
                if self.owner_at(table, place) != Some(owner.as_bytes()) {
                    break;
                }
                found.push(self.perceptual_row(table, place)?.digest);
            }
        }
        match self.damage() {
            None => Ok(found),
            Some(place) => Err(self.bad_page(place)),
        }
    }

    fn owner_at(&self, table: &PerceptualTable, place: usize) -> Option<&[u8]> {
        let (width, owner) = table.widths();
        self.element(&table.rows, place, width)?.get(..owner)
    }

    fn perceptual_row(
        &self,
        table: &PerceptualTable,
        place: usize,
    ) -> Result<PerceptualRow, Error> {
        let (width, owner) = table.widths();
        let row = || {
            let bytes = self.element(&table.rows, place, width)?;
            let (owner, rest) = bytes.split_at_checked(owner)?;
            let owner = match table.owner {
                None => None,
                Some(algorithm) => Some(Digest::from_bytes(algorithm, owner).ok()?),
            };
            Some(PerceptualRow { owner, digest: Perceptual::from_bytes(table.kind, rest)? })
        };
        let found = row().filter(|_| self.damage().is_none());
        found.ok_or_else(|| self.bad_row(u32::try_from(place).unwrap_or(u32::MAX)))
    }
}
