//! The pipeline: walk, hash, match, record. Resumable, bounded, and never hanging.
//!
//! [`run`] joins the readers with a [`Ledger`]: every entry that the walk meets leaves exactly one
//! record behind, handed over in the order of the walk whatever the number of threads. [`Plan`] is
//! the resolved question, [`Execution`] how this machine answers it, [`Watch`] the operator's eye
//! and hand. [`audit`] runs the same pipeline against a finished manifest.
//!
//! [`Begun`] is what the journal keeps of the beginning, [`Ready`] a scan that only has to be
//! walked, [`put_documents`], [`put_reports`] and [`seal`] its end: the binary goes this way, and
//! [`Examination`] is all of it in one call, for programs of laboratories: `examples/lab.rs`.

mod audit;
mod begun;
mod carry;
mod classify;
mod clock;
mod closing;
mod content;
mod error;
mod examination;
mod examine;
mod execution;
mod gate;
mod halt;
mod job;
mod large_queue;
mod ledger;
mod links;
mod md5_beside;
mod medium;
mod one_reader;
mod open_sets;
mod pipeline;
mod plan;
mod reading;
mod ready;
mod recording;
mod reorder;
mod shards;
mod stage;
mod streams;
mod survey;
mod verdict;
mod watch;

pub use audit::{Audit, AuditFinding, audit};
pub use begun::{Begun, run_id};
pub use carry::{CannotCarry, CarryFrom, Earlier};
pub use clock::Clock;
pub use closing::{
    RunFacts, coverage_json, exact, examined_event, put_documents, put_reports, seal,
};
pub use error::Error;
pub use examination::{Circumstances, Examination, Examined};
pub use execution::{Execution, IoMode};
pub use halt::{Halt, Halting};
pub use ledger::Ledger;
pub use medium::{MediumCheck, check_medium};
pub use open_sets::{OpenSets, open_sets};
pub use pipeline::{Outcome, Scanned, run};
pub use plan::{Plan, PlannedSet, SetProvenance, SetReading};
pub use ready::{Ended, Means, Ready, Walked, create};
pub use recording::{Recorded, record_into};
pub use shards::Shards;
pub use survey::{Reason, Sample, Survey, read_samples, survey};
pub use verdict::Verdict;
pub use watch::Watch;
