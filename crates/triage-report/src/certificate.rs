//! Drafts of certificates and statements: filled from the record, checked and signed by a person.
//!
//! A draft states what the record proves and nothing else; what only a person can know is a blank
//! that says so. It gives no opinion and is no legal advice. The wording is our own, but for the
//! declarations that a law prescribes.

mod facts;
mod fre902_14;
mod iso27037;
mod uk_s9;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use triage_case::CaseDir;

use crate::document::Document;
use crate::{Report, document_html, document_text, pdf};
use facts::Facts;

/// What is drafted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// United States: certification of data identified by digests, Federal Rule of Evidence
    /// 902(14).
    Fre902_14,
    /// England and Wales: witness statement, section 9 of the Criminal Justice Act 1967.
    UkS9,
    /// Anywhere: note of an acquisition, after ISO/IEC 27037.
    Iso27037,
}

/// The form of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draft {
    /// One page.
    Html,
    /// Plain text.
    Text,
    /// PDF/A-2b.
    Pdf,
}

impl Certificate {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Fre902_14, Self::UkS9, Self::Iso27037];

    /// Returns the name used in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fre902_14 => "fre902-14",
            Self::UkS9 => "uk-s9",
            Self::Iso27037 => "iso27037",
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Certificate {
    type Err = ();

    /// Reads a name.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|certificate| certificate.name() == text).ok_or(())
    }
}

impl Report {
    /// Renders a draft. The report should name the seal, see [`Report::naming_the_seal`].
    ///
    /// # Errors
    /// The first error of `out`, or of reading the log of custody.
    pub fn render_certificate(
        &self,
        case: &CaseDir,
        certificate: Certificate,
        draft: Draft,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let facts = Facts::of(self, case)?;
        let mut document = Document {
            running: format!("DRAFT  \u{2013}  {}", self.title()),
            time: crate::summary::text(&self.run["clock"]["end"]),
            ..Document::default()
        };
        facts.draft_line(&mut document);
        match certificate {
            Certificate::Fre902_14 => fre902_14::write(&facts, &mut document),
            Certificate::UkS9 => uk_s9::write(&facts, &mut document),
            Certificate::Iso27037 => iso27037::write(&facts, &mut document),
        }
        match draft {
            Draft::Html => document_html::render(&document, out),
            Draft::Text => document_text::render(&document, out),
            Draft::Pdf => pdf::render(&document, out),
        }
    }
}
