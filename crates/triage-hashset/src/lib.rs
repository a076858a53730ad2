//! Hash sets: read the lists of the field, compile them into one index, look digests up.
//!
//! A *set* is a list of digests of one provenance ([`SetIdentity`]) with one [`Disposition`].
//! [`import`] reads a text or JSON list in any [`Format`] and returns an [`Index`]; the same index
//! can be written with [`Index::write`] and opened again with [`Index::open`] without reading it
//! all. [`Sets`] asks several indexes at once and answers with [`Matches`].
//!
//! A bloom filter holds no digests: it is a set of its own kind, whose matches are
//! [`Certainty::Probable`].
//!
//! What it deliberately is not: it compares exact cryptographic digests only. Perceptual hashes
//! found in a list (PhotoDNA, PDQ) are kept in a table of their own and never matched. A match
//! names a membership of a list, never a legal conclusion. File names of a list are never kept.

mod algorithm_name;
mod asked;
mod bloom;
mod builder;
mod category;
mod diff;
mod disposition;
mod encrypted;
mod error;
mod exclusion;
mod export;
mod identity;
mod import;
mod index;
mod keyed;
mod map;
mod matched;
mod merge;
mod perceptual;
mod report;
mod row;
mod set_keys;
mod sets;
mod sorter;
mod spill;

pub use asked::{Asked, Unanswered};
pub use builder::Builder;
pub use category::Category;
pub use diff::{Difference, diff};
pub use disposition::{Disposition, UnknownDisposition};
pub use encrypted::{Lock, Recipient, encrypt, is_encrypted};
pub use error::Error;
pub use exclusion::Exclusion;
pub use export::{ExportFormat, ExportOptions, ExportReport, export};
pub use identity::{Description, SetIdentity, Source};
pub use import::{BadMap, ColumnMap, Format, ImportOptions, UnknownFormat, import, import_to};
pub use index::{Index, PerceptualRow, Record, is_index};
pub use keyed::with_keyed_digests;
pub use matched::{Certainty, Match, Matches};
pub use merge::merge;
pub use perceptual::{Perceptual, PerceptualKind};
pub use report::{BadRow, ImportReport, ProbableReport, Reason};
pub use row::{Row, RowCategory};
pub use set_keys::{BadKey, DigestKey, SetKeys};
pub use sets::{SetSource, Sets};
pub use sorter::{Sorted, Sorter};
pub use spill::Scratch;
