//! What a report says: gathered in one pass over the manifest, in bounded memory.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;
use triage_case::{CaseDir, Coverage, Error, Record, Status};
use triage_evidence::count;
use triage_hashset::{Certainty, Disposition, Match};

use crate::redact::Redaction;
use crate::sealed::Sealed;
use crate::since::Since;
use crate::summary::text;
use crate::tallies::Tallies;
use crate::{
    Format, Redact, case_uco, csv_tables, dfxml, hashdeep, html, json, parquet_table, pdf, summary,
    vics,
};

/// How many hits stand on the page; all of them are in `hits.csv`.
pub(crate) const LIMIT_HITS: usize = 5_000;
/// How many unread entries stand on the page; all of them are in `not-read.csv`.
pub(crate) const LIMIT_GAPS: usize = 1_000;

/// How many volumes stand on the page.
const LIMIT_VOLUMES: usize = 200;

/// Why entries were not read: status, and rule or reason.
pub(crate) type Reason = (Status, String);

/// What one set and category matched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    pub(crate) disposition: Disposition,
    pub(crate) set: String,
    pub(crate) category: String,
}

/// What a report says about the records of a manifest, gathered one by one.
#[derive(Debug, Default)]
pub struct Gathered {
    pub(crate) coverage: Coverage,
    pub(crate) hits: Vec<Record>,
    pub(crate) gaps: Vec<Record>,
    /// How many entries were not examined in full and are no hits; `gaps` holds the first of them.
    pub(crate) gaps_beside_hits: u64,
    /// The disk and its volumes.
    pub(crate) volumes: Vec<Record>,
    pub(crate) reasons: BTreeMap<Reason, (u64, u64)>,
    pub(crate) rules: BTreeMap<String, u64>,
    pub(crate) listed: BTreeMap<Listed, u64>,
    pub(crate) tallies: Tallies,
    pub(crate) manifest_entries: u64,
}

/// A report of a finished case.
#[derive(Debug)]
pub struct Report {
    pub(crate) gathered: Gathered,
    pub(crate) particulars: Value,
    pub(crate) run: Value,
    /// The seal, for a report outside the package.
    pub(crate) sealed: Option<Sealed>,
    /// What differs from an earlier examination, if there was one.
    pub(crate) since: Option<Since>,
}

impl std::ops::Deref for Report {
    type Target = Gathered;

    fn deref(&self) -> &Gathered {
        &self.gathered
    }
}

impl Gathered {
    /// Takes the next record of the manifest in.
    pub fn add(&mut self, record: &Record) {
        self.manifest_entries += 1;
        self.coverage.add(record);
        self.tallies.add(record);
        let mut listed: Vec<Listed> = record.matches.iter().map(listed).collect();
        listed.sort_unstable();
        listed.dedup();
        for place in listed {
            *self.listed.entry(place).or_default() += 1;
        }
        if let Some(rule) = &record.rule {
            *self.rules.entry(rule.clone()).or_default() += 1;
        }
        if record.status.is_gap() {
            let reason = record.problem.as_ref().map(reason).unwrap_or_default();
            let (entries, bytes) = self.reasons.entry((record.status, reason)).or_default();
            *entries += 1;
            *bytes = bytes.saturating_add(record.entry.size_bytes.unwrap_or(0));
        }
        if record.entry.facts.is_some() && self.volumes.len() < LIMIT_VOLUMES {
            self.volumes.push(record.clone());
        }
        if record.is_hit() {
            if self.hits.len() < LIMIT_HITS {
                self.hits.push(record.clone());
            }
        } else if record.status.is_gap() {
            self.gaps_beside_hits += 1;
            if self.gaps.len() < LIMIT_GAPS {
                self.gaps.push(record.clone());
            }
        }
    }
}

impl Report {
    /// Reads a case whose manifest, `run.json` and `case.json` are in their places.
    ///
    /// # Errors
    /// [`Error`] if one of them cannot be read.
    pub fn of(case: &CaseDir) -> Result<Self, Error> {
        let mut gathered = Gathered::default();
        case.for_each_record(&mut |record| {
            gathered.add(&record);
            Ok(())
        })?;
        Self::from_gathered(case, gathered)
    }

    /// Takes what was gathered while the manifest was written, every record of it in order, and
    /// reads only `run.json`, `case.json` and `since.ndjson`.
    ///
    /// # Errors
    /// [`Error`] if one of them cannot be read.
    pub fn from_gathered(case: &CaseDir, gathered: Gathered) -> Result<Self, Error> {
        let particulars = case.document("data/case.json")?;
        let run = case.document("data/run.json")?;
        let since = Since::of(case, &run)?;
        Ok(Self { gathered, particulars, run, sealed: None, since })
    }

    /// Lets the report name the latest seal, for a copy that leaves the package. The copy inside,
    /// which the seal covers, cannot name it.
    ///
    /// # Errors
    /// The error of reading the seal.
    pub fn naming_the_seal(self, case: &CaseDir) -> io::Result<Self> {
        Ok(Self { sealed: Sealed::latest(case)?, ..self })
    }

    /// Renders the report in one form. The same case gives the same bytes: a file of the package
    /// at [`Format::path`] is compared by rendering it again, without naming the seal.
    ///
    /// Forms of every entry read the manifest again and hold a bounded number of rows at a time.
    ///
    /// # Errors
    /// The first error of `out`, or of reading the package again;
    /// [`io::ErrorKind::InvalidInput`] if redaction leaves nothing that the form could say.
    pub fn render(
        &self,
        case: &CaseDir,
        format: Format,
        redact: Redact,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let redaction = Redaction::new(redact, &self.run);
        let redact = &redaction;
        match format {
            Format::Html => html::render(self, redact, out),
            Format::Pdf => pdf::render(&summary::document(self, redact), out),
            Format::Json => json::render(self, redact, out),
            Format::Csv => csv_tables::entries(case, redact, out),
            Format::HitsCsv => csv_tables::hits(self, case, redact, out),
            Format::NotReadCsv => csv_tables::not_read(self, case, redact, out),
            Format::Dfxml => dfxml::render(self, case, redact, out),
            Format::Case => case_uco::render(self, redact, out),
            Format::Vics => vics::render(self, case, redact, out),
            Format::Hashdeep => hashdeep::render(self, case, redact, out),
            Format::Parquet => parquet_table::render(case, redact, out),
        }
    }

    /// Returns whether everything in scope was examined and no doubt is noted.
    pub(crate) fn is_complete(&self) -> bool {
        self.coverage.is_complete() && self.doubts().next().is_none()
    }

    /// Returns the doubts that the run noted about itself.
    pub(crate) fn doubts(&self) -> impl Iterator<Item = &str> {
        self.run["doubts"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// Says that only a part of the exhibit was asked for, if it was.
    fn part(&self) -> &'static str {
        let plan = &self.run["plan"];
        if plan["after"].is_null() && plan["until"].is_null() {
            ""
        } else {
            "This is a PART of the exhibit only, from one location to another. "
        }
    }

    /// Says whether everything in scope was to be read.
    pub(crate) fn reads_all(&self) -> bool {
        let on_request = [Status::Carried, Status::SizeNotListed];
        on_request.iter().all(|status| self.coverage.share(*status).entries == 0)
    }

    /// Says what was left unread because the plan asked for that.
    fn unread_on_request(&self) -> String {
        let mut text = String::new();
        let carried = self.coverage.share(Status::Carried).entries;
        if carried > 0 {
            text.push_str(&format!(
                ". {} files were NOT READ now: their digests are carried from the examination of {}",
                count(carried),
                summary::text(&self.run["plan"]["since"]["began"])
            ));
        }
        let by_size = self.coverage.share(Status::SizeNotListed).entries;
        if by_size > 0 {
            text.push_str(&format!(
                ". {} files were NOT READ, because no set lists a file of their size",
                count(by_size)
            ));
        }
        text
    }

    /// The title of the report.
    pub(crate) fn title(&self) -> String {
        let particular = |key: &str| text(&self.particulars[key]);
        let case = particular("case");
        let case = if case.is_empty() { String::new() } else { format!(", case {case}") };
        format!("Hash triage of exhibit {}{case}", particular("exhibit"))
    }

    /// Returns the version of the program that made the record and rendered its derived files.
    #[must_use]
    pub fn version(&self) -> String {
        text(&self.run["tool"]["version"])
    }

    /// The program that made the record, with its version.
    pub(crate) fn program(&self) -> String {
        let tool = &self.run["tool"];
        format!("{} {}", text(&tool["name"]), text(&tool["version"]))
    }

    /// The answer in one sentence. It never says "clean".
    pub(crate) fn answer(&self) -> String {
        let hits = self.coverage.hits();
        let seen = count(self.coverage.seen().entries);
        let found = match hits {
            0 => format!("No entry of {seen} matches an alerting hash set"),
            1 => format!("1 entry of {seen} matches an alerting hash set"),
            hits => format!("{} entries of {seen} match an alerting hash set", count(hits)),
        };
        let found = match self.coverage.probable_hits() {
            0 => found,
            probable => format!(
                "{found}, {} of them PROBABLY ONLY: a bloom filter may be wrong",
                count(probable)
            ),
        };
        let found = format!("{}{found}{}", self.part(), self.unread_on_request());
        let gaps = self.coverage.gaps();
        match (self.is_complete(), gaps) {
            (true, _) if self.reads_all() => {
                format!("{found}. Everything in the requested scope was read.")
            }
            (true, _) => format!("{found}. Everything else in the requested scope was read."),
            (false, 0) => {
                format!("{found}, but the run noted a doubt: this examination is INCOMPLETE.")
            }
            (false, 1) => format!(
                "{found}, but 1 entry was not examined in full: this examination is INCOMPLETE."
            ),
            (false, gaps) => format!(
                "{found}, but {} entries were not examined in full: this examination is INCOMPLETE.",
                count(gaps)
            ),
        }
    }
}

/// The reason of a problem, without the lengths that differ from entry to entry.
fn reason(problem: &triage_evidence::Problem) -> String {
    if problem.text.starts_with("the content has ") {
        return "the content is not as long as the file system said".to_owned();
    }
    let code = &problem.code;
    if code.is_empty() { problem.text.clone() } else { format!("{} ({code})", problem.text) }
}

/// Returns set and category of a match as a report words them.
pub(crate) fn listed(found: &Match) -> Listed {
    let version = found.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    // Wherever the set is named, a match that may be chance says so.
    let doubt = match found.certainty {
        Certainty::Exact => String::new(),
        probable @ Certainty::Probable { .. } => format!(" ({probable})"),
    };
    Listed {
        disposition: found.disposition,
        set: triage_evidence::escape(format!("{}{version}{doubt}", found.set).as_bytes()),
        category: category(found),
    }
}

/// Returns the category of a match in words: scheme, number, label.
pub(crate) fn category(found: &Match) -> String {
    let Some(category) = &found.category else { return "no category".to_owned() };
    let number = category.number.map(|number| format!(" {number}")).unwrap_or_default();
    let label = category.label.as_deref().map(|label| format!(" ({label})")).unwrap_or_default();
    triage_evidence::escape(format!("{}{number}{label}", category.scheme).as_bytes())
}

/// Writes a number of bytes with a unit.
pub(crate) fn bytes(number: u64) -> String {
    let mut unit = "B";
    let mut tenths = number.saturating_mul(10);
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = next;
    }
    if unit == "B" {
        format!("{number} B")
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}
