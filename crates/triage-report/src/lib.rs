//! Renders a finished case: for people, for programs, for other tools of the field. Reads the
//! package, never the evidence.
//!
//! [`Report::of`] reads the manifest once and keeps what the pages need, in bounded memory; the
//! tables of all entries are streamed. Every text that comes from evidence is in its display form,
//! then escaped for where it goes. [`Redact`] says what is left out of a copy that is disclosed.
//! [`Certificate`] drafts the statement that a person checks and signs.

mod beside_seal;
mod case_uco;
mod certificate;
mod csv_tables;
mod dfxml;
mod document;
mod document_html;
mod document_text;
mod format;
mod hashdeep;
mod html;
mod html_tables;
mod json;
mod limits;
mod parquet_table;
mod pdf;
mod redact;
mod report;
mod sealed;
mod since;
mod summary;
mod svg;
mod tallies;
mod vics;

pub use certificate::{Certificate, Draft};
pub use format::Format;
pub use html::{escape as escape_html, page_head};
pub use redact::Redact;
pub use report::{Gathered, Report};
