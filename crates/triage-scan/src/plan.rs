//! The resolved question of a scan: what of which evidence is read, hashed and looked up.
//!
//! A plan holds everything that may change a byte of the manifest, and nothing else: threads,
//! deadlines and budgets are [`crate::Execution`]. It is stored in the journal, so that a resumed
//! run asks the same question, and in `run.json`, so that anybody can ask it again.

use serde::{Deserialize, Serialize};
use triage_evidence::Location;
use triage_hash::Algorithms;
use triage_hashset::{ImportOptions, Index};
use triage_walk::{Error, Evidence, LocationRange, Scope, WalkPlan};

use crate::Earlier;

/// A hash set that a plan uses, named by the digest of its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSet {
    /// The path of the set's file, in display form.
    pub path: String,
    /// The SHA-256 of the set's source, lower-case hex.
    pub sha256: String,
    /// The name of the set.
    pub name: String,
    /// The version of the set, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// What a match means.
    pub disposition: String,
    /// How many entries the set holds.
    pub entries: u64,
    /// For a bloom filter, whose matches are probable only: how many of 10^9 other files match.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub false_positives_per_billion: Option<u64>,
    /// Who made the set and from what, which every match of it names by its `set_index`.
    #[serde(default)]
    pub provenance: SetProvenance,
    /// How the set's file is read: format, column map and the like, as typed.
    #[serde(default)]
    pub options: SetReading,
}

impl PlannedSet {
    /// Describes an open set. `path` is in display form; `options` say how its file was read.
    #[must_use]
    pub fn of(index: &Index, path: String, options: SetReading) -> Self {
        let identity = index.identity();
        Self {
            path,
            sha256: identity.source.sha256.clone(),
            name: identity.name.clone(),
            version: identity.version.clone(),
            disposition: identity.disposition.to_string(),
            entries: index.entry_count(),
            false_positives_per_billion: index.probable().map(|p| p.false_positives_per_billion),
            provenance: SetProvenance::of(index),
            options,
        }
    }
}

/// Who made a set and from what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetProvenance {
    /// Who publishes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub publisher: Option<String>,
    /// The date of the release as its publisher writes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date: Option<String>,
    /// The licence of the list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub licence: Option<String>,
    /// A handling note, such as `TLP:RED`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub handling: Option<String>,
    /// The scheme of its categories.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scheme: Option<String>,
    /// The name of the file that it was read from.
    #[serde(default)]
    pub source: String,
    /// The format that the file was read as.
    #[serde(default)]
    pub format: String,
    /// Which program compiled it.
    #[serde(default)]
    pub builder: String,
    /// The BLAKE3 that names the index.
    #[serde(default)]
    pub index_blake3: String,
    /// Rows of its list that could not be used.
    #[serde(default)]
    pub rejected_rows: u64,
}

impl SetProvenance {
    fn of(index: &Index) -> Self {
        let identity = index.identity();
        Self {
            publisher: identity.publisher.clone(),
            date: identity.date.clone(),
            licence: identity.licence.clone(),
            handling: identity.handling.clone(),
            scheme: identity.scheme.clone(),
            source: identity.source.name.clone(),
            format: identity.source.format.clone(),
            builder: index.builder().to_owned(),
            index_blake3: index.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
            rejected_rows: index.report().rejects(),
        }
    }
}

/// How the file of a set is read, as typed on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetReading {
    /// The name of the format, when it is not left to detection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub format: Option<String>,
    /// The map of columns.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub map: Option<String>,
    /// The scheme of the categories.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scheme: Option<String>,
    /// The algorithm of digests without a name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub algorithm: Option<String>,
    /// The disposition of the option that named the set.
    #[serde(default)]
    pub typed: String,
}

impl SetReading {
    /// Describes how a list is read. What was not said is a set that alerts.
    #[must_use]
    pub fn of(options: &ImportOptions) -> Self {
        Self {
            format: options.format.map(|format| format.name().to_owned()),
            map: options.columns.as_ref().map(ToString::to_string),
            scheme: options.scheme.clone(),
            algorithm: options.algorithm.map(|algorithm| algorithm.to_string()),
            typed: options.description.disposition.unwrap_or_default().to_string(),
        }
    }
}

/// The resolved question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this document.
    pub v: u32,
    /// The absolute path of the evidence, in display form.
    pub source: String,
    /// The format of the image or device that the evidence is; `None` for folders and files.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub container: Option<String>,
    /// The exhibit's number, which stands in every line of the manifest.
    pub exhibit: String,
    /// The digests that are computed, as a comma-separated list.
    pub algorithms: String,
    /// The sets that digests are looked up in.
    pub sets: Vec<PlannedSet>,
    /// The text of the scope file; empty for everything.
    #[serde(default)]
    pub scope: String,
    /// The exact locations to read, in display form, instead of a walk.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub files: Option<Vec<String>>,
    /// Only what lies behind this location is walked, in display form.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<String>,
    /// Only what lies before this location, itself included, is walked, in display form.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
    /// Larger files are recorded as too large, in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_size_bytes: Option<u64>,
    /// Whether files of a size that no set lists are left unread.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub size_filter: bool,
    /// Whether the walk stays on the file system of the evidence's root.
    #[serde(default)]
    pub one_file_system: bool,
    /// The examination whose digests stand for files that nothing has touched since.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Earlier>,
    /// The name of the rules that this scan keeps to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profile: Option<String>,
}

impl Plan {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;

    /// Returns the plan that examines all of what is walked, under no rules.
    #[must_use]
    pub fn new(
        evidence: &Evidence,
        walk: &WalkPlan,
        exhibit: &str,
        algorithms: Algorithms,
        sets: Vec<PlannedSet>,
    ) -> Self {
        let source = evidence.path().as_os_str().as_encoded_bytes();
        Self {
            v: Self::VERSION,
            source: triage_evidence::escape(source),
            container: evidence.image().map(|image| image.format.to_owned()),
            exhibit: exhibit.to_owned(),
            algorithms: algorithms.to_string(),
            sets,
            scope: walk.scope.text().to_owned(),
            files: walk.files.as_ref().map(|all| all.iter().map(Location::to_text).collect()),
            after: walk.range.after.as_ref().map(Location::to_text),
            until: walk.range.until.as_ref().map(Location::to_text),
            max_size_bytes: walk.max_size_bytes,
            size_filter: false,
            one_file_system: walk.one_file_system,
            since: None,
            profile: None,
        }
    }

    /// Returns what the plan walks.
    ///
    /// # Errors
    /// [`Error`] if the scope or a location cannot be read.
    pub fn walk(&self) -> Result<WalkPlan, Error> {
        let read = |text: &String| {
            Location::from_text(text).map_err(|error| Error::LocationText {
                text: text.clone(),
                reason: error.to_string(),
            })
        };
        let mut walk = WalkPlan {
            scope: Scope::from_toml(&self.scope)?,
            max_size_bytes: self.max_size_bytes,
            one_file_system: self.one_file_system,
            range: LocationRange {
                after: self.after.as_ref().map(read).transpose()?,
                until: self.until.as_ref().map(read).transpose()?,
            },
            ..WalkPlan::default()
        };
        if let Some(files) = &self.files {
            walk.set_files(files.iter().map(read).collect::<Result<_, _>>()?)?;
        }
        Ok(walk)
    }
}
