//! Who made a set, when, from which file, and what a match with it means.

use serde::{Deserialize, Serialize};

use crate::Disposition;

/// What the person who imports a set says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The name of the set; without one, the name of its file.
    pub name: Option<String>,
    /// Version or release, such as `2026.03`.
    pub version: Option<String>,
    /// Who publishes it.
    pub publisher: Option<String>,
    /// Date of the release as its publisher writes it.
    pub date: Option<String>,
    /// Licence of the list.
    pub licence: Option<String>,
    /// Handling note, such as `TLP:RED`.
    pub handling: Option<String>,
    /// What a match means; without it, alert, or informational for a bloom filter.
    pub disposition: Option<Disposition>,
}

/// The identity and provenance of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetIdentity {
    /// The name of the set.
    pub name: String,
    /// Version or release.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Who publishes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub publisher: Option<String>,
    /// Date of the release as its publisher writes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date: Option<String>,
    /// Licence of the list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub licence: Option<String>,
    /// Handling note, such as `TLP:RED`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub handling: Option<String>,
    /// What a match means.
    pub disposition: Disposition,
    /// The scheme of its categories, if it has any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scheme: Option<String>,
    /// The file that the set was read from.
    pub source: Source,
}

/// The file that a set was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The name of the file, without its folder.
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// The name of the format it was read as.
    pub format: String,
}
