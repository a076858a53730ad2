//! Partition tables and the volumes of a disk, and what the first bytes of a volume say that it is.
//!
//! A table is hostile input: nothing it says is believed before it is compared with the size of the
//! disk, and every byte of the disk belongs to a volume or to a gap between volumes. No file system
//! is read here.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod bytes;
mod content;
mod entropy;
mod fat_type;
mod gpt;
mod lost;
mod map;
mod mbr;
mod signature;
mod stated_size;
mod type_name;

pub use content::{Content, identify};
pub use map::{Gap, Scheme, Volume, VolumeMap, holds_disk, read_volumes};
