//! The plan of a batch: one document, the same for the same jobs, that every machine works from.
//!
//! An *item* is an exhibit or a part of one, and becomes one sealed package. A *shard* is what one
//! process works on: items one after the other, the most urgent first. `docs/formats/batch.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::balance::{Unit, spread};
use crate::{Error, Job};

/// How much there is to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Bytes of content.
    pub bytes: u64,
    /// Entries, if they were counted.
    pub entries: u64,
}

/// One exhibit of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedExhibit {
    /// The name of its results: its place in the jobs, from 1.
    pub id: String,
    /// What was asked.
    pub job: Job,
    /// How much it holds.
    pub size: Size,
    /// What must have one reader at a time: a spinning disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_reader: Option<String>,
}

/// An exhibit, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The name of its package: the exhibit's, with the number of the part if it is one.
    pub id: String,
    /// The exhibit.
    pub exhibit: String,
    /// It begins behind this location, in display form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// It ends with this location, in display form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Bytes of content.
    pub bytes: u64,
}

/// What one process works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Its number, from 0.
    pub shard: usize,
    /// Its items, in the order of work.
    pub items: Vec<String>,
    /// Bytes of content.
    pub bytes: u64,
    /// The highest priority among its items.
    pub priority: i64,
    /// The storage that all its items are read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
}

/// The plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchPlan {
    /// The version of this document.
    pub v: u32,
    /// [`BatchPlan::TYPE`].
    #[serde(rename = "type")]
    pub document: String,
    /// The name of the batch.
    pub name: String,
    /// The program that made the plan, with its version.
    pub tool: String,
    /// The question, as the plan of each scan states it: `algorithms`, `sets`, `scope`,
    /// `max_size_bytes`.
    pub question: Value,
    /// The file of the scope, as each scan is given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_file: Option<String>,
    /// The exhibits, in the order of the jobs.
    pub exhibits: Vec<PlannedExhibit>,
    /// The items, in the order of the exhibits and of their parts.
    pub items: Vec<Item>,
    /// The shards, the most urgent first.
    pub shards: Vec<Shard>,
}

impl BatchPlan {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;
    /// The name of the document.
    pub const TYPE: &'static str = "batch-plan";

    /// Shares the items out over so many shards, or gives each a shard of its own.
    ///
    /// What must have one reader stays in one shard. A shard reads from one storage only.
    pub fn share_out(&mut self, shards: Option<usize>) {
        let units = self.units();
        self.shards = spread(units, shards);
    }

    /// Items that must stay together, as one.
    fn units(&self) -> Vec<Unit> {
        let exhibits: BTreeMap<&str, &PlannedExhibit> =
            self.exhibits.iter().map(|exhibit| (exhibit.id.as_str(), exhibit)).collect();
        let mut units: Vec<Unit> = Vec::new();
        let mut of_reader: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
        for item in &self.items {
            let Some(exhibit) = exhibits.get(item.exhibit.as_str()) else { continue };
            let unit = Unit {
                items: vec![item.id.clone()],
                bytes: item.bytes,
                priority: exhibit.job.priority,
                storage: exhibit.job.storage.clone(),
            };
            let reader = exhibit.one_reader.clone().map(|reader| (unit.storage.clone(), reader));
            let known = reader.as_ref().and_then(|reader| of_reader.get(reader)).copied();
            match known.and_then(|place| units.get_mut(place)) {
                Some(together) => together.join(unit),
                None => {
                    of_reader.extend(reader.map(|reader| (reader, units.len())));
                    units.push(unit);
                }
            }
        }
        units
    }

    /// Returns the bytes of the document.
    ///
    /// # Errors
    /// [`Error::Plan`] if it holds what canonical JSON cannot.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let plan = |reason: String| Error::Plan { reason };
        let value = serde_json::to_value(self).map_err(|error| plan(error.to_string()))?;
        let mut bytes =
            triage_custody::jcs::to_vec(&value).map_err(|error| plan(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the document and checks that its parts belong together.
    ///
    /// # Errors
    /// [`Error::Plan`] if it is damaged or of another version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Plan { reason };
        let plan: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if plan.v != Self::VERSION || plan.document != Self::TYPE {
            let actual = format!("it is {} version {}", plan.document, plan.v);
            return Err(wrong(format!("{actual}, expected {} {}", Self::TYPE, Self::VERSION)));
        }
        let exhibits: BTreeSet<&str> = plan.exhibits.iter().map(|e| e.id.as_str()).collect();
        let examined: BTreeSet<&str> = plan.items.iter().map(|i| i.exhibit.as_str()).collect();
        if exhibits != examined || exhibits.len() != plan.exhibits.len() {
            return Err(wrong("its items do not belong to its exhibits".to_owned()));
        }
        let ids = plan.items.iter().map(|item| item.id.as_str()).chain(exhibits);
        if let Some(id) = ids.into_iter().find(|id| !is_id(id)) {
            return Err(wrong(format!("{id:?} is no name of results")));
        }
        let mut shared: Vec<&String> = plan.shards.iter().flat_map(|s| &s.items).collect();
        let mut items: Vec<&String> = plan.items.iter().map(|item| &item.id).collect();
        shared.sort_unstable();
        items.sort_unstable();
        if shared != items || items.windows(2).any(|pair| pair.first() == pair.get(1)) {
            return Err(wrong("its shards do not hold each item once".to_owned()));
        }
        Ok(plan)
    }

    /// Returns the SHA-256 of the document, lower-case hex.
    ///
    /// # Errors
    /// As [`BatchPlan::to_bytes`].
    pub fn sha256(&self) -> Result<String, Error> {
        Ok(triage_custody::sha256_hex(&self.to_bytes()?))
    }

    /// Returns the exhibit with that name.
    #[must_use]
    pub fn exhibit(&self, id: &str) -> Option<&PlannedExhibit> {
        self.exhibits.iter().find(|exhibit| exhibit.id == id)
    }

    /// Returns the item with that name.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// Returns the items of an exhibit, in order.
    pub fn items_of<'a>(&'a self, exhibit: &'a str) -> impl Iterator<Item = &'a Item> {
        self.items.iter().filter(move |item| item.exhibit == exhibit)
    }

    /// Returns a shard.
    ///
    /// # Errors
    /// [`Error::NoShard`].
    pub fn shard(&self, shard: usize) -> Result<&Shard, Error> {
        let shards = self.shards.len();
        self.shards.get(shard).ok_or(Error::NoShard { shard, shards })
    }

    /// Checks that the plan of a scan, as `run.json` states it, is the one of that item.
    ///
    /// # Errors
    /// [`Error::Foreign`] with the first thing that differs.
    pub fn check(&self, item: &Item, scanned: &Value) -> Result<(), Error> {
        let job = self.exhibit(&item.exhibit).map(|exhibit| &exhibit.job);
        let expected = [
            ("its exhibit", job.map(|job| job.exhibit.as_str()).into(), "exhibit"),
            ("its beginning", item.after.as_deref().into(), "after"),
            ("its end", item.until.as_deref().into(), "until"),
            ("the list of digests", self.question["algorithms"].clone(), "algorithms"),
            ("the scope", self.question["scope"].clone(), "scope"),
            ("the limit of size", self.question["max_size_bytes"].clone(), "max_size_bytes"),
            // What a plan of a batch cannot ask for.
            ("the list of files", Value::Null, "files"),
            ("the filter by size", Value::Null, "size_filter"),
            ("the limit to one file system", false.into(), "one_file_system"),
            ("the earlier examination", Value::Null, "since"),
            ("the profile", Value::Null, "profile"),
        ];
        let foreign = |what, expected: &Value, actual: &Value| Error::Foreign {
            item: item.id.clone(),
            what,
            expected: expected.to_string(),
            actual: actual.to_string(),
        };
        for (what, expected, key) in expected {
            if scanned[key] != expected {
                return Err(foreign(what, &expected, &scanned[key]));
            }
        }
        // What a set holds, what a match of it means, and how its file was read.
        let told = |sets: &Value| -> Value {
            let set = |set: &Value| -> Value {
                ["sha256", "disposition", "options"].iter().map(|&key| set[key].clone()).collect()
            };
            sets.as_array().into_iter().flatten().map(set).collect()
        };
        let (ours, theirs) = (told(&self.question["sets"]), told(&scanned["sets"]));
        if ours == theirs { Ok(()) } else { Err(foreign("the hash sets", &ours, &theirs)) }
    }
}

/// A name of results is a number, or two with a point: it becomes a folder.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 32
        && id.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}
