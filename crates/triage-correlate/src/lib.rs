//! The same file on several exhibits: digests of many manifests, joined.
//!
//! [`read_manifest`] turns the files of a stored manifest into [`Sighting`]s, [`Join`] sorts those
//! of all exhibits in bounded memory and hands out each file that several exhibits or owners have
//! ([`Shared`]). [`Matrix`] counts what each two have in common. Two agencies compare by
//! [`Inventory`]: digests under a key that both hold, without names, sizes or times.
//!
//! It opens no evidence, reads no content and knows no names: whoever wants them looks them up by
//! the digest.

mod error;
mod html;
mod inventory;
mod join;
mod matrix;
mod sighting;
mod source;

pub use error::Error;
pub use html::{ExhibitRow, Page, SharedRow};
pub use inventory::{Inventory, InventoryExhibit, InventoryHead, InventoryWriter};
pub use join::{Join, Owners, Shared, SharedOn};
pub use matrix::Matrix;
pub use sighting::{Listed, Sighting};
pub use source::{Reading, SourceCounts, read_manifest};
