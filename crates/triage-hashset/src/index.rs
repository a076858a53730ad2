//! The compiled index of one set, file format THX1 (docs/formats/index.md).
//!
//! Sorted digests behind a prefix table and a blocked Bloom filter; one layout for a mapped file
//! and for memory, so that a list compiled on the fly and an index file are asked by the same code.

mod assembly;
mod checks;
mod encode;
mod filter;
mod keys;
mod layout;
mod lookup;
mod open;
mod parser;
mod perceptual;
mod rows;
mod write;

pub(crate) use assembly::Assembly;
pub(crate) use encode::{Columns, Part};
pub(crate) use layout::{Kind, Meta, NO_CLASS, NO_SIZE};
pub use open::{Index, is_index};
pub use perceptual::PerceptualRow;
pub use rows::Record;
pub(crate) use write::{write_new, write_new_at, write_new_with};
