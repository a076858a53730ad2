//! What can go wrong while manifests are joined.

use std::io;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A stored manifest cannot be read or is not the sealed one.
    #[error(transparent)]
    Case(#[from] triage_case::Error),
    /// Sightings cannot be sorted.
    #[error("cannot sort what was read")]
    Sort(#[from] triage_hashset::Error),
    /// An inventory cannot be read or written.
    #[error("cannot use the inventory")]
    Io(#[from] io::Error),
    /// An inventory is not well-formed, or not made for this comparison.
    #[error("the inventory cannot be used: {reason}")]
    Inventory {
        /// What is wrong.
        reason: String,
    },
    /// An inventory is not as it was written, or not all of it is there.
    #[error("the inventory is not as it was written: {reason}")]
    TornInventory {
        /// What is wrong.
        reason: String,
    },
    /// A set could not match the files of a manifest for want of a digest.
    #[error("{reason}")]
    Unanswered {
        /// Which set, and what the files have.
        reason: String,
    },
    /// A manifest does not have the digest that is compared.
    #[error(
        "{} read without {algorithm}, the digest that is compared",
        triage_evidence::counted(*files, "file was", "files were")
    )]
    NoDigest {
        /// The digest.
        algorithm: triage_hash::Algorithm,
        /// How many files have none.
        files: u64,
    },
}
