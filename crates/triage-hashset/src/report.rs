//! What an import did: every row of the source ends in exactly one of the counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Exclusion;

/// How many bad rows a report names; the counts cover all of them.
const MAX_FIRST_BAD: usize = 20;
/// How many distinct unused fields a report names, so that a hostile file cannot swell it.
const MAX_IGNORED: usize = 64;
/// Longest field name that a report repeats, in bytes.
const MAX_FIELD_NAME: usize = 64;

/// The account of an import: `rows` is the sum of accepted, duplicates, merged, rejected, excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Rows met in the source; comments and blank lines are none.
    pub rows: u64,
    /// Rows kept whose digests no earlier row had all alike.
    pub accepted: u64,
    /// Rows dropped because a kept row says exactly the same.
    pub duplicates: u64,
    /// Rows kept beside another with the same digests, because category or size differ.
    pub merged: u64,
    /// Rows that could not be used, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Rows left out on purpose, by reason.
    pub excluded: BTreeMap<Exclusion, u64>,
    /// All-zero and all-ones digests dropped from rows that have other digests.
    pub placeholders: u64,
    /// The first rejected rows.
    pub first_bad: Vec<BadRow>,
    /// Distinct digests kept, by the name of their algorithm.
    pub digests: BTreeMap<String, u64>,
    /// Whether the algorithm was told from the length of the digests alone: 64 digits were taken
    /// for SHA-256, though BLAKE3 and SHA3-256 look alike.
    pub algorithm_by_length: bool,
    /// Fields of the source that were not used (PhotoDNA, names, series), with their counts.
    pub ignored_fields: BTreeMap<String, u64>,
}

impl ImportReport {
    /// Returns how many rows were rejected.
    #[must_use]
    pub fn rejects(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Returns how many rows were left out on purpose.
    #[must_use]
    pub fn exclusions(&self) -> u64 {
        self.excluded.values().sum()
    }

    /// Counts a rejected row.
    pub(crate) fn reject(&mut self, bad: BadRow) {
        self.rows += 1;
        *self.rejected.entry(bad.reason).or_default() += 1;
        if self.first_bad.len() < MAX_FIRST_BAD {
            self.first_bad.push(bad);
        }
    }

    /// Counts a field that is not used.
    pub(crate) fn ignore_field(&mut self, name: &str) {
        if let Some(count) = self.ignored_fields.get_mut(name) {
            *count += 1;
        } else if self.ignored_fields.len() < MAX_IGNORED && name.len() <= MAX_FIELD_NAME {
            self.ignored_fields.insert(name.to_owned(), 1);
        }
    }
}

/// A rejected row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Its line in the decoded text, from 1.
    pub line: u64,
    /// The byte of that line where the trouble is, from 1.
    pub column: u64,
    /// What is wrong.
    pub reason: Reason,
}

/// Why a row was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The digest has a character that is no hex digit.
    NotHex,
    /// The digest has the wrong number of hex digits.
    WrongLength,
    /// The algorithm is none that this product computes.
    UnsupportedAlgorithm,
    /// The row has no digest.
    NoDigest,
    /// The line does not have the form of its format.
    NotInFormat,
    /// The name has an escape that its format does not have.
    BadEscape,
    /// The name has a NUL byte, or is not valid where the format demands UTF-8.
    BadName,
    /// The size is no whole number.
    BadSize,
    /// The category is neither a whole number nor a short label.
    BadCategory,
    /// A quote is opened and not closed, or closed inside a field; or a CR or NUL stands outside.
    BadQuoting,
    /// The line is longer than any row.
    LineTooLong,
    /// The row takes an earlier one back, which an import cannot do.
    Removal,
    /// The list says that the file is something else than what the set is imported as.
    OtherDisposition,
    /// The row gives one algorithm two different digests, or its file two sizes or categories.
    Contradiction,
}

impl Reason {
    /// Returns the words for a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotHex => "not a hex digit",
            Self::WrongLength => "wrong number of hex digits",
            Self::UnsupportedAlgorithm => "unsupported algorithm",
            Self::NoDigest => "no digest",
            Self::NotInFormat => "not in the form of the format",
            Self::BadEscape => "unknown escape in the name",
            Self::BadName => "invalid bytes in the name",
            Self::BadSize => "size is no whole number",
            Self::BadCategory => "category is no number or short label",
            Self::BadQuoting => "stray or unclosed quote, or a bare CR or NUL byte",
            Self::LineTooLong => "line too long",
            Self::OtherDisposition => "the list says that it is of another disposition",
            Self::Removal => "takes an earlier row back",
            Self::Contradiction => "two values where there can be one",
        }
    }
}
