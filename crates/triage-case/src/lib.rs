//! The case package on disk: layout, records, journal, manifest, coverage. The only writer.
//!
//! A [`Record`] is one entry with what became of it: one line of the manifest. [`Coverage`] sums
//! records by [`Status`], and a run whose sums do not agree is incomplete.

mod coverage;
mod record;
mod record_line;
mod status;

pub use coverage::{Coverage, Share};
pub use record::Record;
pub use record_line::{LineError, parse_line, write_line};
pub use status::Status;
