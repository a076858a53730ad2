//! The answer of a lookup: one match for each membership of a file in a set.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use triage_hash::Algorithm;

use crate::{Category, Disposition};

/// One membership: a record of a set agrees with the file in at least one digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// The name of the set.
    pub set: Arc<str>,
    /// The version of the set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Arc<str>>,
    /// The SHA-256 of the file that the set was read from, lower-case hex: names the set exactly.
    pub set_sha256: Arc<str>,
    /// The place of the set among those opened together, from 0.
    pub set_index: u32,
    /// The record of the set, from 0, in the order of its index.
    pub record: u32,
    /// The strongest algorithm in which record and file agree.
    #[serde(with = "crate::algorithm_name")]
    pub algorithm: Algorithm,
    /// What the match means.
    pub disposition: Disposition,
    /// What the set says of the file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<Category>,
    /// Whether another digest or the size of the record contradicts the file: a collision, a
    /// damaged list, or two files mixed up. Must be shown.
    pub inconsistent: bool,
    /// Whether the digest stands in the set, or a filter says that it probably does.
    #[serde(default)]
    pub certainty: Certainty,
}

/// How certain it is that a digest stands in a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The digest was compared with that of the set.
    #[default]
    Exact,
    /// The set is a bloom filter, which holds no digests. Must be shown.
    Probable {
        /// How many of 10^9 files that are not in the set are said to be in it.
        false_positives_per_billion: u64,
    },
}

impl Certainty {
    /// Says whether the digest was compared with that of the set.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Exact)
    }

    /// Returns how many of 10^9 files that are not in the set are said to be in it, if any.
    #[must_use]
    pub const fn false_positives_per_billion(self) -> Option<u64> {
        match self {
            Self::Exact => None,
            Self::Probable { false_positives_per_billion: rate } => Some(rate),
        }
    }
}

impl fmt::Display for Certainty {
    /// Writes words for a person: `exact`, or what to think of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Probable { false_positives_per_billion: rate } => {
                write!(f, "PROBABLE ONLY: a bloom filter, wrong for {rate} in 10^9 other files")
            }
        }
    }
}

/// Every match of one file. Empty for almost every file, and then nothing is allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches(pub(crate) Vec<Match>);

impl Matches {
    /// Returns what all matches together mean: an alert wins over everything, and a file is known
    /// good only if every match says so, exactly, and none is inconsistent.
    #[must_use]
    pub fn disposition(&self) -> Option<Disposition> {
        self.0
            .iter()
            .map(|found| match found.disposition {
                Disposition::KnownGood if found.inconsistent || !found.certainty.is_exact() => {
                    Disposition::Informational
                }
                disposition => disposition,
            })
            .max()
    }

    /// Returns the matches as a list.
    #[must_use]
    pub fn into_vec(self) -> Vec<Match> {
        self.0
    }
}

impl Deref for Matches {
    type Target = [Match];

    fn deref(&self) -> &[Match] {
        &self.0
    }
}

impl IntoIterator for Matches {
    type Item = Match;
    type IntoIter = std::vec::IntoIter<Match>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
