//! What a volume holds, told by its bytes.

use std::fmt;

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bytes::read_around;
use crate::entropy::{RANDOM_BITS, sample};
use crate::signature::{by_last_bytes, by_signature, has_uberblock};

/// How much of the beginning is looked at: up to the superblock of btrfs.
pub(crate) const FIRST_BYTES: usize = 68 * 1024;

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
    /// What would tell cannot be read.
    Unreadable,
}

impl Content {
    /// Returns why the files of such a volume are not listed.
    #[must_use]
    pub fn problem(self) -> Problem {
        let kind = match self {
            Self::Encrypted(_) => ProblemKind::Encrypted,
            Self::Unreadable => ProblemKind::Unreadable,
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
            Self::Unreadable => {
                "no file system was found; what would tell of it cannot be read".to_owned()
            }
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
            Self::Unreadable => "unreadable",
        })
    }
}

/// Tells what a volume holds from at most 700 KiB of it.
#[must_use]
pub fn identify(source: &dyn ByteSource) -> Content {
    let first = read_around(source, 0, FIRST_BYTES);
    if let Some(content) = by_signature(&first.bytes) {
        return content;
    }
    if has_uberblock(source, 0) {
        return Content::Container("ZFS");
    }
    if let Some(content) = by_last_bytes(source) {
        return content;
    }
    let sampled = sample(source);
    if !first.is_whole || sampled.is_zero && !sampled.is_whole {
        Content::Unreadable
    } else if sampled.is_zero {
        Content::Blank
    } else if sampled.bits_per_byte >= RANDOM_BITS {
        Content::Random
    } else {
        Content::Unknown
    }
}
