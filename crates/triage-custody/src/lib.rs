//! Custody log, Merkle tree, seals and signatures: over bytes only.
//!
//! Nothing here opens a file, asks a clock or draws a random number, so that an opposing expert
//! can read it in an afternoon. [`jcs`] is the one form of JSON that is signed (RFC 8785),
//! [`CustodyLog`] a hash chain of events, [`Tree`] the Merkle tree of RFC 9162, [`Key`] what the
//! index of a manifest is made of, [`Seal`] the small document that is signed, [`Proof`] shows one
//! thing of what was sealed, [`SigningKey`] and [`PublicKey`] sign and check a seal as
//! `ssh-keygen -Y` does, [`CertifiedKey`] and [`check_cms`] as `openssl cms` does, [`StampQuery`]
//! and [`Stamp`] are the two halves of a time-stamp (RFC 3161), [`FileList`] is the form of
//! `sha256sum`.

mod action;
pub mod agent;
mod allowed_signer;
mod certificate;
mod certificate_path;
mod cms_sign;
mod cms_signature;
mod compare;
mod error;
mod event;
mod file_list;
mod index;
pub mod jcs;
mod log;
mod many;
mod merkle;
mod proof;
mod public_signature;
mod redact;
mod salted;
mod seal;
mod sign;
mod stamp;
mod time;

pub use action::Action;
pub use allowed_signer::{AllowedSigner, AllowedSigners, Refused, Validity};
pub use certificate::{Certificate, Certificates};
pub use cms_sign::CertifiedKey;
pub use cms_signature::check_cms;
pub use compare::Relation;
pub use error::Error;
pub use event::{Attachment, Event, Person};
pub use file_list::{FileList, Listed};
pub use index::{KEY_BYTES, Key, ValueKind};
pub use jiff::tz::TimeZone;
pub use log::{CustodyLog, NO_PREVIOUS, sha256_hex};
pub use many::{key_leaves, keys_of, line_leaves};
pub use merkle::{PathTree, Tree, root_from_path};
pub use proof::{Absence, Claim, Inclusion, Neighbour, Proof};
pub use redact::{NAMES, without_names};
pub use salted::{LineSalts, Salt, Salter, commitment, leaf_of_commitments, line_leaf};
pub use seal::{Seal, SealedCertificate, SealedCustody, SealedFiles, SealedIndex, SealedManifest};
pub use sign::{NAMESPACE, PublicKey, SigningKey};
pub use stamp::{Stamp, StampQuery};
pub use time::{unix_seconds, utc_digits, utc_text};
