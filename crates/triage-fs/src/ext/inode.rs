//! An inode. Kernel documentation, "Index Nodes".

use triage_evidence::{Device, Kind, Ownership, Problem, ProblemKind, Time, Times};

use super::superblock::Superblock;
use crate::bytes::{slice_at, u16_at, u32_at};

/// `i_flags`.
mod flag {
    pub(super) const COMPRESSED: u32 = 0x4;
    pub(super) const ENCRYPTED: u32 = 0x800;
    pub(super) const INDEXED: u32 = 0x1000;
    pub(super) const HUGE_FILE: u32 = 0x4_0000;
    pub(super) const EXTENTS: u32 = 0x8_0000;
    pub(super) const INLINE: u32 = 0x1000_0000;
}

/// Where `i_block` stands, and its length.
const BLOCK: usize = 40;
pub(super) const BLOCK_BYTES: usize = 60;
/// The length of an inode of ext2.
const OLD_BYTES: usize = 128;

/// An inode that was read.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) mode: u16,
    pub(super) links: u16,
    pub(super) size_bytes: u64,
    pub(super) allocated_bytes: u64,
    pub(super) times: Times,
    pub(super) ownership: Ownership,
    flags: u32,
    /// `i_block`.
    pub(super) block: [u8; BLOCK_BYTES],
    /// What stands behind the fixed fields: extended attributes, if they hold content.
    pub(super) rest: Vec<u8>,
}

impl Inode {
    /// Reads an inode of the length that the superblock gives.
    pub(super) fn parse(bytes: &[u8], s: &Superblock) -> Option<Self> {
        let half = |at: usize| u16_at(bytes, at).map(u32::from);
        let mode = u16_at(bytes, 0)?;
        let flags = u32_at(bytes, 32)?;
        let high = u64::from(u32_at(bytes, 108)?).checked_shl(32)?;
        let is_regular = mode & 0xf000 == 0x8000;
        let size = u64::from(u32_at(bytes, 4)?);
        let sectors =
            u64::from(u32_at(bytes, 28)?) | u64::from(u16_at(bytes, 116)?).checked_shl(32)?;
        let unit = if flags & flag::HUGE_FILE == 0 { 512 } else { s.block_bytes };
        let extra = if bytes.len() > OLD_BYTES { usize::from(u16_at(bytes, 128)?) } else { 0 };
        let rest = bytes.get(OLD_BYTES.checked_add(extra)?..).unwrap_or_default();
        let has_rest = extra > 0 && flags & flag::INLINE != 0;
        Some(Self {
            mode,
            links: u16_at(bytes, 26)?,
            size_bytes: if is_regular { size | high } else { size },
            allocated_bytes: sectors.saturating_mul(unit),
            times: times(bytes, extra)?,
            ownership: Ownership {
                user: half(2)? | half(120)?.checked_shl(16)?,
                group: half(24)? | half(122)?.checked_shl(16)?,
                mode: u32::from(mode & 0o7777),
            },
            flags,
            block: slice_at(bytes, BLOCK, BLOCK_BYTES)?.try_into().ok()?,
            rest: if has_rest { rest.to_vec() } else { Vec::new() },
        })
    }

    /// Returns what the inode is.
    pub(super) const fn kind(&self) -> Kind {
        kind_of(self.mode)
    }

    /// Says whether a file was ever kept in the inode.
    pub(super) fn was_in_use(&self) -> bool {
        self.mode != 0 && self.kind() != Kind::Unknown
    }

    pub(super) const fn has_extents(&self) -> bool {
        self.flags & flag::EXTENTS != 0
    }

    pub(super) const fn is_inline(&self) -> bool {
        self.flags & flag::INLINE != 0
    }

    pub(super) const fn is_indexed(&self) -> bool {
        self.flags & flag::INDEXED != 0
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        self.flags & flag::ENCRYPTED != 0
    }

    /// Returns why the content cannot be read although the inode is understood.
    pub(super) fn unread(&self) -> Option<Problem> {
        let text = "the content is encrypted by the file system (fscrypt)";
        let encrypted = self.is_encrypted().then(|| Problem::new(ProblemKind::Encrypted, text));
        let text = "the content is compressed in a way that is not read";
        let is_compressed = self.flags & flag::COMPRESSED != 0;
        encrypted.or_else(|| is_compressed.then(|| Problem::new(ProblemKind::Unsupported, text)))
    }

    /// Says whether the target of a symbolic link stands in the inode itself.
    pub(super) const fn has_short_target(&self) -> bool {
        self.size_bytes < 60 && !self.has_extents() && !self.is_inline()
    }

    /// Returns the device that a device node stands for. Linux, `new_decode_dev`.
    pub(super) fn device(&self) -> Option<Device> {
        if !matches!(self.kind(), Kind::BlockDevice | Kind::CharDevice) {
            return None;
        }
        let (old, new) = (u32_at(&self.block, 0)?, u32_at(&self.block, 4)?);
        Some(if old != 0 {
            Device { major: old >> 8 & 0xff, minor: old & 0xff }
        } else {
            Device { major: new >> 8 & 0xfff, minor: new & 0xff | new >> 12 & 0xf_ff00 }
        })
    }
}

/// Returns what a mode stands for.
pub(super) const fn kind_of(mode: u16) -> Kind {
    match mode & 0xf000 {
        0x1000 => Kind::Fifo,
        0x2000 => Kind::CharDevice,
        0x4000 => Kind::Directory,
        0x6000 => Kind::BlockDevice,
        0x8000 => Kind::File,
        0xa000 => Kind::Symlink,
        0xc000 => Kind::Socket,
        _ => Kind::Unknown,
    }
}

/// Reads the times. The two low bits of the further field count 2^32 seconds, the others are
/// nanoseconds; kernel documentation, "Inode Timestamps".
fn times(bytes: &[u8], extra: usize) -> Option<Times> {
    // A field is there if the part of the inode that is in use reaches over it.
    let end = OLD_BYTES.checked_add(extra)?;
    let further = |at: usize| if at.saturating_add(4) <= end { u32_at(bytes, at) } else { None };
    let time = |at: usize, more: usize| {
        let seconds = i64::from(i32::from_le_bytes(slice_at(bytes, at, 4)?.try_into().ok()?));
        let more = further(more).unwrap_or(0);
        let seconds = seconds.saturating_add(i64::from(more & 3).saturating_mul(1 << 32));
        Some(Time { seconds, nanoseconds: more >> 2 })
    };
    Some(Times {
        accessed: time(8, 140),
        changed: time(12, 132),
        modified: time(16, 136),
        born: further(144).and_then(|_| time(144, 148)),
    })
}
