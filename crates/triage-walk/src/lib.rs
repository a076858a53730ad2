//! Opens evidence and walks every entry of it, in one order, within a scope.
//!
//! The order of a walk is the order of the raw bytes of the locations, which is the order of the
//! manifest: what is met can be written down at once, and a walk can be taken up again behind any
//! location. Every name met is handed out exactly once with a [`Verdict`].

mod disk;
mod error;
mod evidence;
mod exact;
mod met;
mod order;
mod outbox;
mod probe;
mod range;
mod scope;
mod volume;
mod volume_children;
mod volume_directory;
mod walk;

pub use error::Error;
pub use evidence::{Evidence, OpenAs};
pub use met::{Batch, Flow, Met, Tally, Verdict};
pub use probe::{
    KernelFolders, Look, Mount, OpenVolume, Part, Relation, Storage, look_at, resolved,
};
pub use range::LocationRange;
pub use scope::Scope;
pub use triage_fs::output_lies_in;
pub use walk::WalkPlan;
