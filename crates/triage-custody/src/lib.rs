//! Custody log, Merkle tree, seals and signatures: over bytes only.
//!
//! Nothing here opens a file, asks a clock or draws a random number, so that an opposing expert
//! can read it in an afternoon. [`jcs`] is the one form of JSON that is signed (RFC 8785),
//! [`CustodyLog`] a hash chain of events, [`Tree`] the Merkle tree of RFC 9162, [`Seal`] the small
//! document that is signed, [`SigningKey`] and [`PublicKey`] sign and check it as `ssh-keygen -Y`
//! does, [`FileList`] is the form of `sha256sum`.

mod action;
mod compare;
mod error;
mod event;
mod file_list;
pub mod jcs;
mod log;
mod merkle;
mod seal;
mod sign;

pub use action::Action;
pub use compare::Relation;
pub use error::Error;
pub use event::{Attachment, Event, Person};
pub use file_list::{FileList, Listed};
pub use log::{CustodyLog, NO_PREVIOUS, sha256_hex};
pub use merkle::{Tree, inclusion_path, leaf, root_from_path, salt};
pub use seal::{Seal, SealedCustody, SealedFiles, SealedManifest};
pub use sign::{AllowedSigner, NAMESPACE, PublicKey, SigningKey};
