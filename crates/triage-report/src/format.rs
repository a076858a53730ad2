//! The forms of a report, each with its place in a package.

use std::fmt;
use std::str::FromStr;

use triage_hash::Algorithms;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// One page for people: no script, no network, prints on A4.
    Html,
    /// A short report for the file: PDF/A-2b.
    Pdf,
    /// The sums and the rows of the page, for programs.
    Json,
    /// Every entry, a row each.
    Csv,
    /// Every entry with an alerting match, a row each.
    HitsCsv,
    /// Every entry that was not read although it may have content, a row each.
    NotReadCsv,
    /// Every entry, as Digital Forensics XML.
    Dfxml,
    /// Hits and problems, as CASE/UCO in JSON-LD.
    Case,
    /// Hits, as a case of VICS 2.0.
    Vics,
    /// Every file that was read, for `hashdeep -a -k`.
    Hashdeep,
    /// Every entry, a row each, for databases.
    Parquet,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 11] = [
        Self::Html,
        Self::Pdf,
        Self::Json,
        Self::Csv,
        Self::HitsCsv,
        Self::NotReadCsv,
        Self::Dfxml,
        Self::Case,
        Self::Vics,
        Self::Hashdeep,
        Self::Parquet,
    ];

    /// The forms that every package holds.
    pub const ALWAYS: [Self; 4] = [Self::Html, Self::Json, Self::HitsCsv, Self::NotReadCsv];

    /// Returns the name used in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::HitsCsv => "hits-csv",
            Self::NotReadCsv => "not-read-csv",
            Self::Dfxml => "dfxml",
            Self::Case => "case",
            Self::Vics => "vics",
            Self::Hashdeep => "hashdeep",
            Self::Parquet => "parquet",
        }
    }

    /// Returns where the form lies in a package that holds it: a derived file, which rendering the
    /// package again must give byte for byte.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Html => "data/report/report.html",
            Self::Pdf => "data/report/report.pdf",
            Self::Json => "data/report/report.json",
            Self::Csv => "data/report/entries.csv",
            Self::HitsCsv => "data/report/hits.csv",
            Self::NotReadCsv => "data/report/not-read.csv",
            Self::Dfxml => "data/export/dfxml.xml",
            Self::Case => "data/export/case.jsonld",
            Self::Vics => "data/export/vics.json",
            Self::Hashdeep => "data/export/hashdeep.txt",
            Self::Parquet => "data/export/entries.parquet",
        }
    }

    /// Returns the file's name without the folder.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// Says whether the form has a place for at least one of these digests.
    #[must_use]
    pub fn suits(self, algorithms: Algorithms) -> bool {
        self != Self::Hashdeep
            || crate::hashdeep::KNOWN.iter().any(|(a, _)| algorithms.contains(*a))
    }

    /// Returns the names of all forms, for a message.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = ();

    /// Reads a name.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or(())
    }
}
