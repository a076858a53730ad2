//! What a volume holds, told by its bytes.

use std::fmt;

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bytes::{read, u64_at};
use crate::entropy::{RANDOM_BITS, sample};
use crate::signature::by_signature;

/// How much of the beginning is looked at: up to the superblock of btrfs.
const FIRST_BYTES: usize = 68 * 1024;
/// Where ZFS has its first ring of uberblocks, and its length: OpenZFS, "On-Disk Format".
const ZFS_RING: u64 = 128 * 1024;
const ZFS_RING_BYTES: usize = 128 * 1024;
/// The magic number of an uberblock.
const ZFS_MAGIC: u64 = 0x00ba_b10c;

/// What a volume holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content {
    /// A file system of that name.
    FileSystem(&'static str),
    /// It is encrypted by that.
    Encrypted(&'static str),
    /// It is a part of something larger, or holds volumes of its own.
    Container(&'static str),
    /// Swap space of Linux.
    Swap,
    /// No signature, and every place looked at is zero.
    Blank,
    /// No signature, and the bytes look random: perhaps encrypted, perhaps overwritten.
    Random,
    /// No signature that is known.
    Unknown,
}

impl Content {
    /// Returns why the files of such a volume are not listed.
    #[must_use]
    pub fn problem(self) -> Problem {
        let kind = match self {
            Self::Encrypted(_) => ProblemKind::Encrypted,
            _ => ProblemKind::Unsupported,
        };
        let text = match self {
            Self::FileSystem(name) => format!("the file system {name} is not read"),
            Self::Encrypted(name) => format!("the volume is encrypted ({name})"),
            Self::Container(name) => format!("the volume is a part of {name}, which is not read"),
            Self::Swap => "swap space of Linux is not read".to_owned(),
            Self::Blank => "no file system was found; every place looked at is zero".to_owned(),
            Self::Random => {
                "no file system was found; the bytes look random: perhaps encrypted".to_owned()
            }
            Self::Unknown => "no file system was found".to_owned(),
        };
        Problem::new(kind, text)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FileSystem(name) | Self::Container(name) => name,
            Self::Encrypted(name) => return write!(f, "encrypted ({name})"),
            Self::Swap => "swap",
            Self::Blank => "blank",
            Self::Random => "random bytes: perhaps encrypted",
            Self::Unknown => "unknown",
        })
    }
}

/// Tells what a volume holds from at most 600 KiB of it.
#[must_use]
pub fn identify(source: &dyn ByteSource) -> Content {
    let first = read(source, 0, FIRST_BYTES);
    if let Some(content) = by_signature(&first) {
        return content;
    }
    let ring = read(source, ZFS_RING, ZFS_RING_BYTES);
    let has_uberblock = ring.chunks_exact(1024).any(|block| {
        let magic = u64_at(block, 0);
        magic == Some(ZFS_MAGIC) || magic == Some(ZFS_MAGIC.swap_bytes())
    });
    if has_uberblock {
        return Content::Container("ZFS");
    }
    let sampled = sample(source);
    if sampled.is_zero {
        Content::Blank
    } else if sampled.bits_per_byte >= RANDOM_BITS {
        Content::Random
    } else {
        Content::Unknown
    }
}
