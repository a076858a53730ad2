//! What a match with a set means for the examiner.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a match means. The order is severity: where several sets match, the greatest wins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Seen in published software or vouched for: may be put aside, if no other set objects.
    KnownGood,
    /// Worth naming, neither good nor bad.
    Informational,
    /// Must be shown at once.
    #[default]
    Alert,
}

impl Disposition {
    /// Returns the name used in options and records, such as `known-good`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KnownGood => "known-good",
            Self::Informational => "informational",
            Self::Alert => "alert",
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no disposition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown disposition {name:?}; known are alert, known-good, informational")]
pub struct UnknownDisposition {
    /// The text that was given.
    pub name: String,
}

impl FromStr for Disposition {
    type Err = UnknownDisposition;

    fn from_str(text: &str) -> Result<Self, UnknownDisposition> {
        match text {
            "alert" => Ok(Self::Alert),
            "known-good" => Ok(Self::KnownGood),
            "informational" => Ok(Self::Informational),
            _ => Err(UnknownDisposition { name: text.to_owned() }),
        }
    }
}
