//! Renders a finished case: HTML, CSV, JSON. Reads the package, never the evidence.
//!
//! [`Report::of`] reads the manifest once and keeps what the pages need, in bounded memory; the
//! tables of all entries are streamed. Every text that comes from evidence is in its display form,
//! then escaped for where it goes. [`Redact::Names`] leaves names out, for a copy that is
//! disclosed.

mod csv_tables;
mod format;
mod html;
mod html_tables;
mod json;
mod report;
mod svg;
mod tallies;

pub use format::{Format, Redact};
pub use report::{Gathered, Report};
