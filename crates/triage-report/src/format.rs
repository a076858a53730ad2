//! The forms of a report, and what is left out of it.

use std::fmt;
use std::str::FromStr;

use triage_case::Record;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One page for people: no script, no network, prints on A4.
    Html,
    /// Every entry, a row each.
    Csv,
    /// The sums and the rows of the page, for programs.
    Json,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Html, Self::Csv, Self::Json];

    /// Returns the name used in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Json => "json",
        }
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

/// What is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redact {
    /// Nothing.
    Nothing,
    /// Names from the evidence: entries are called by their number in the manifest.
    Names,
}

impl Redact {
    /// Returns what an entry is called, in display form.
    pub(crate) fn path(self, record: &Record) -> String {
        match self {
            Self::Nothing => record.entry.location.to_text(),
            Self::Names => format!("entry {}", record.seq),
        }
    }

    /// Returns what a link leads to, in display form.
    pub(crate) fn target(self, record: &Record) -> String {
        match (self, &record.entry.target) {
            (Self::Nothing, Some(target)) => triage_evidence::escape(target),
            (Self::Names, Some(_)) => "left out".to_owned(),
            (_, None) => String::new(),
        }
    }
}
