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
    /// Perceptual digests kept beside the set, by kind; they are never matched.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub perceptual: BTreeMap<String, u64>,
    /// Whether the algorithm was told from the length of the digests alone: 64 digits were taken
    /// for SHA-256, though BLAKE3 and SHA3-256 look alike.
    pub algorithm_by_length: bool,
    /// What is known of a bloom filter that was imported in place of rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub probable: Option<ProbableReport>,
    /// Fields of the source that were not used (names, series), with their counts.
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

    /// Counts perceptual digests that could not be read. Their rows are kept.
    pub(crate) fn note_no_perceptual(&mut self, count: u32) {
        for _ in 0..count {
            self.ignore_field("perceptual digests that are none");
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

/// What is known of a bloom filter: it has no rows, and what it answers is probable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbableReport {
    /// How many digests its head says were put in.
    pub items: u64,
    /// How many bits it has.
    pub bits: u64,
    /// How many of them are set.
    pub ones: u64,
    /// How many of 10^9 files that are not in it are said to be in it: computed from its bits,
    /// rounded up, for both spellings of a digest that are looked for.
    pub false_positives_per_billion: u64,
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
    /// A reason of a later version of this program.
    #[serde(other)]
    Other,
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
            Self::Other => "a reason that this version does not know",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_a_later_version_is_read() {
        let text = r#"{"rows":3,"accepted":0,"duplicates":0,"merged":0,
            "rejected":{"not-hex":1,"of-2040":2},"excluded":{"of-2041":1},"placeholders":0,
            "first_bad":[{"line":1,"column":1,"reason":"of-2040"}],"digests":{},
            "algorithm_by_length":false,"ignored_fields":{},"new":[1]}"#;
        let report: ImportReport = serde_json::from_str(text).unwrap();
        assert_eq!(report.rejected[&Reason::Other], 2);
        assert_eq!(report.excluded[&Exclusion::Other], 1);
        assert_eq!(report.first_bad[0].reason, Reason::Other);
    }
}
