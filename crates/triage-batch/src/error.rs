//! What can go wrong with a batch.

/// A mistake in jobs, plan or results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The jobs cannot be read.
    #[error("the jobs cannot be read: {reason}")]
    Jobs {
        /// What the reader says, with line and column where there is one.
        reason: String,
    },
    /// The jobs contradict themselves.
    #[error("exhibit {exhibit}: {reason}")]
    Job {
        /// The exhibit's number.
        exhibit: String,
        /// What is wrong.
        reason: String,
    },
    /// The plan is damaged or of another version.
    #[error("the plan cannot be used: {reason}")]
    Plan {
        /// What is wrong.
        reason: String,
    },
    /// The plan has no such shard.
    #[error("there is no shard {shard}; the plan has {shards}, from 0")]
    NoShard {
        /// What was asked for.
        shard: usize,
        /// How many there are.
        shards: usize,
    },
    /// A package answers another question than the plan's.
    #[error("{item} is foreign: {what} is {actual}, the plan says {expected}")]
    Foreign {
        /// The item.
        item: String,
        /// What differs.
        what: &'static str,
        /// What the plan says.
        expected: String,
        /// What the package says.
        actual: String,
    },
    /// A package of ours cannot be read or written.
    #[error(transparent)]
    Case(#[from] triage_case::Error),
}
