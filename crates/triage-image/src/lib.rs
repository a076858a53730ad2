//! Disk images and block devices as read-only byte sources.
//!
//! Every container gives the bytes of the disk that it holds, whatever it does to store them. What
//! is damaged is a [`Problem`](triage_evidence::Problem) of those bytes. Nothing is written, and no
//! file outside the folder of the image is opened.

mod bad_sectors;
mod blocks;
mod bytes;
mod cache;
mod crc32c;
mod device;
mod direct;
mod ewf;
mod joined;
mod open;
mod qcow2;
mod raw;
mod sibling;
mod split;
mod vhd;
mod vhdx;
mod vmdk;

pub use open::{Image, StoredDigest, open_image};
