//! The case package on disk: layout, records, journal, manifest, coverage. The only writer.
//!
//! A [`Record`] is one entry with what became of it: one line of the manifest. A [`CaseDir`] is
//! the package's folder; while a scan runs, a [`Journal`] in it takes the lines in their final
//! order and form, so that an interrupted run goes on where the last whole line ends. [`Coverage`]
//! sums records by [`Status`]. [`CaseDir::close`] makes the folder a sealed BagIt bag, [`verify`]
//! checks every byte of it, and [`diff`] compares two manifests.

mod bag;
mod bag_info;
mod case_dir;
mod close;
mod coverage;
mod custody;
mod diff;
mod error;
mod evidence_list;
mod glance;
mod index;
mod journal;
mod key_spill;
mod lines;
mod moves;
mod particulars;
mod prove;
mod readme;
mod record;
mod record_line;
mod record_parse;
mod record_read;
mod seal_again;
mod seals;
mod signed_by;
mod signing;
mod since;
mod stamp;
mod status;
mod stock_script;
mod stored_manifest;
mod verify;
mod verify_cms;
mod verify_manifest;
mod verify_seals;
mod verify_signatures;
mod verify_stamps;
mod write;

pub use case_dir::{CaseDir, CaseState};
pub use close::Closing;
pub use coverage::{Coverage, Share};
pub use custody::Custody;
pub use diff::{Change, Compared, Difference, Unknown, diff, record_difference};
pub use error::Error;
pub use glance::Glance;
pub use index::Index;
pub use journal::{Finished, Journal, PreparedLine, Preparer};
pub use moves::pair_moved;
pub use particulars::{DeviceParticulars, Particulars};
pub use prove::{Entry as ProvedEntry, Value, prove_absence, prove_inclusion};
pub use record::Record;
pub use record_line::write_line;
pub use record_parse::{LineError, parse_line};
pub use seal_again::{Sealed, Sealing};
pub use signed_by::{NamedKey, SignedBy, Trust};
pub use since::{DifferenceLine, DifferenceSums};
pub use stamp::{StampRequest, StampStored};
pub use status::Status;
pub use stored_manifest::{Records, StoredManifest};
pub use verify::{Finding, Verification, verify, verify_and_read};
pub use verify_stamps::Stamped;
