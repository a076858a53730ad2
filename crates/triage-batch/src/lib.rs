//! Many exhibits as one plan: what is examined in which order by whom, and one answer at the end.
//!
//! A batch is planned once, into one document that is the same for the same jobs. Any engine that
//! can start processes runs its shards: each is idempotent, and its results are sealed packages.
//! Merging refuses what is missing, foreign or different, and gives the manifest that one machine
//! would have given. This crate starts no process and opens no evidence.

mod balance;
mod engine;
mod error;
mod jobs;
mod jobs_csv;
mod merge;
mod plan;
mod simulate;
mod state;
mod totals;

pub use engine::{Engine, Submission, script_of, scripts};
pub use error::Error;
pub use jobs::{Job, Jobs, Question};
pub use merge::{Parts, merge_into};
pub use plan::{BatchPlan, Item, PlannedExhibit, Shard, Size};
pub use simulate::{Nodes, Simulation, simulate};
pub use state::{ItemState, State, state_of};
pub use totals::{ExhibitState, Totals};
