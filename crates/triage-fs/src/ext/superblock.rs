//! The superblock. Kernel documentation, "ext4 Data Structures", section "Super Block".

use triage_evidence::{Problem, ProblemKind, VolumeFacts};

use crate::bytes::{damaged, slice_at, u16_at, u32_at};
use crate::pages::Pages;

/// Where it stands, and how long it is.
const START: u64 = 1024;
const BYTES: usize = 1024;
const MAGIC: u16 = 0xef53;

/// Features that change the layout of the disk (`s_feature_incompat`).
mod incompat {
    pub(super) const RECOVER: u32 = 0x4;
    pub(super) const META_BG: u32 = 0x10;
    pub(super) const WIDE: u32 = 0x80;
    /// filetype, recover, meta_bg, extents, 64bit, mmp, flex_bg, ea_inode, csum_seed, largedir,
    /// inline_data, encrypt, casefold.
    pub(super) const READ: u32 = 0x2
        | RECOVER
        | META_BG
        | 0x40
        | WIDE
        | 0x100
        | 0x200
        | 0x400
        | 0x2000
        | 0x4000
        | 0x8000
        | 0x1_0000
        | 0x2_0000;
    /// Features that are at home in ext3: filetype, recover, journal_dev.
    pub(super) const EXT3: u32 = 0x2 | 0x4 | 0x8;
}

/// Features that a reader may ignore (`s_feature_ro_compat`): those at home in ext3.
const RO_COMPAT_EXT3: u32 = 0x1 | 0x2 | 0x4;
/// Blocks are given out in clusters of several.
const RO_COMPAT_BIGALLOC: u32 = 0x200;
/// The journal, in `s_feature_compat`.
const COMPAT_JOURNAL: u32 = 0x4;
/// Two backups only, in `s_feature_compat`; backups at powers of 3, 5 and 7 in `ro_compat`.
const COMPAT_SPARSE2: u32 = 0x200;
const RO_COMPAT_SPARSE: u32 = 0x1;

/// What a volume says about its layout.
#[derive(Clone, Debug)]
pub(super) struct Superblock {
    pub(super) inodes: u64,
    pub(super) blocks: u64,
    pub(super) first_block: u64,
    pub(super) block_bytes: u64,
    pub(super) cluster_bytes: u64,
    pub(super) blocks_per_group: u64,
    pub(super) clusters_per_group: u64,
    pub(super) inodes_per_group: u64,
    pub(super) inode_bytes: usize,
    pub(super) first_inode: u64,
    pub(super) descriptor_bytes: u64,
    pub(super) has_file_types: bool,
    /// Whether the journal has changes that were not written back: descriptors may be out of date.
    pub(super) is_dirty: bool,
    /// The inode that lists files deleted while open, which is no file; 0 if there is none.
    pub(super) orphan_file_inode: u64,
    /// From which group of descriptors on these lie in their own groups.
    pub(super) first_meta_group: Option<u64>,
    compat: u32,
    incompat: u32,
    ro_compat: u32,
    backups: [u64; 2],
    state: u16,
    uuid: [u8; 16],
    label: Vec<u8>,
}

impl Superblock {
    /// Reads it.
    ///
    /// # Errors
    /// A [`Problem`] if there is none, it makes no sense, or it names a feature that is not read.
    pub(super) fn read(pages: &Pages) -> Result<Self, Problem> {
        let bytes = pages.vec(START, BYTES)?;
        let parsed = Self::parse(&bytes);
        let superblock =
            parsed.ok_or_else(|| damaged("the superblock of the volume makes no sense"))?;
        let unknown = superblock.incompat & !incompat::READ;
        if unknown != 0 {
            let text = format!("the volume uses features of ext that are not read: {unknown:#x}");
            return Err(Problem::new(ProblemKind::Unsupported, text));
        }
        Ok(superblock)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| u32_at(bytes, at).map(u64::from);
        if u16_at(bytes, 56)? != MAGIC {
            return None;
        }
        let log_block = u32_at(bytes, 24)?;
        let log_cluster = u32_at(bytes, 28)?;
        if log_block > 6 {
            return None;
        }
        let block_bytes = 1024_u64.checked_shl(log_block)?;
        let (incompat, ro_compat) = (u32_at(bytes, 96)?, u32_at(bytes, 100)?);
        let is_wide = incompat & incompat::WIDE != 0;
        let is_clustered = ro_compat & RO_COMPAT_BIGALLOC != 0;
        if is_clustered && log_cluster > 20 {
            return None;
        }
        let cluster_bytes =
            if is_clustered { 1024_u64.checked_shl(log_cluster)? } else { block_bytes };
        let high = if is_wide { word(0x150)? } else { 0 };
        let is_dynamic = u32_at(bytes, 76)? > 0;
        let inode_bytes = if is_dynamic { usize::from(u16_at(bytes, 88)?) } else { 128 };
        let descriptor_bytes = match u64::from(u16_at(bytes, 254)?) {
            size if is_wide && size >= 64 => size,
            _ => 32,
        };
        let superblock = Self {
            inodes: word(0)?,
            blocks: word(4)? | high.checked_shl(32)?,
            first_block: word(20)?,
            block_bytes,
            cluster_bytes,
            blocks_per_group: word(32)?,
            clusters_per_group: if is_clustered { word(36)? } else { word(32)? },
            inodes_per_group: word(40)?,
            inode_bytes,
            first_inode: if is_dynamic { word(84)? } else { 11 },
            descriptor_bytes,
            has_file_types: incompat & 0x2 != 0,
            is_dirty: incompat & incompat::RECOVER != 0,
            orphan_file_inode: word(0x280)?,
            first_meta_group: (incompat & incompat::META_BG != 0).then_some(word(260)?),
            compat: u32_at(bytes, 92)?,
            incompat,
            ro_compat,
            backups: [word(0x24c)?, word(0x250)?],
            state: u16_at(bytes, 58)?,
            uuid: slice_at(bytes, 104, 16)?.try_into().ok()?,
            label: slice_at(bytes, 120, 16)?
                .split(|&byte| byte == 0)
                .next()
                .unwrap_or_default()
                .to_vec(),
        };
        superblock.makes_sense().then_some(superblock)
    }

    fn makes_sense(&self) -> bool {
        let bits = self.block_bytes.saturating_mul(8);
        (1..=bits).contains(&self.inodes_per_group)
            && (1..=bits).contains(&self.clusters_per_group)
            && self.blocks_per_group > 0
            && self.inode_bytes >= 128
            && self.inode_bytes.is_power_of_two()
            && crate::bytes::long(self.inode_bytes) <= self.block_bytes
            && self.blocks > self.first_block
            && self.inodes > 0
            && self.descriptor_bytes <= self.block_bytes
    }

    /// Returns the block that the superblock lies in: with clusters of blocks of 1 KiB it is not
    /// the first block, which is 0 then. Linux `fs/ext4/super.c`, `descriptor_loc`.
    pub(super) fn own_block(&self) -> u64 {
        START.checked_div(self.block_bytes).unwrap_or(0)
    }

    /// Returns how many groups the volume has.
    pub(super) fn group_count(&self) -> u64 {
        self.blocks.saturating_sub(self.first_block).div_ceil(self.blocks_per_group.max(1))
    }

    /// Says whether a group begins with a copy of the superblock.
    pub(super) fn has_backup(&self, group: u64) -> bool {
        if self.compat & COMPAT_SPARSE2 != 0 {
            return group == 0 || self.backups.contains(&group);
        }
        if group <= 1 || self.ro_compat & RO_COMPAT_SPARSE == 0 {
            return true;
        }
        [3_u64, 5, 7].into_iter().any(|base| {
            let mut power = base;
            while power < group {
                power = power.saturating_mul(base);
            }
            power == group
        })
    }

    /// Which of the three: a journal makes ext3, any feature newer than that ext4.
    const fn name(&self) -> &'static str {
        if self.incompat & !incompat::EXT3 != 0 || self.ro_compat & !RO_COMPAT_EXT3 != 0 {
            "ext4"
        } else if self.compat & COMPAT_JOURNAL != 0 {
            "ext3"
        } else {
            "ext2"
        }
    }

    /// Returns what the volume says about itself, given how much of it there is.
    pub(super) fn facts(&self, held_bytes: u64) -> VolumeFacts {
        let size_bytes = self.blocks.saturating_mul(self.block_bytes);
        let mut problems = Vec::new();
        if self.incompat & incompat::RECOVER != 0 {
            let text = "the journal holds changes that were not written back; it is not replayed";
            problems.push(Problem::new(ProblemKind::Unsupported, text));
        }
        // Bit 0: cleanly unmounted, bit 1: errors were found.
        if self.state & 1 == 0 && self.incompat & incompat::RECOVER == 0 {
            problems.push(damaged("the volume was not unmounted cleanly"));
        }
        if self.state & 2 != 0 {
            problems.push(damaged("the volume says that errors were found in it"));
        }
        if held_bytes < size_bytes {
            let text = "the image ends before the volume does";
            let lost = size_bytes.saturating_sub(held_bytes);
            problems.push(damaged(text).at(held_bytes).losing(lost));
        }
        VolumeFacts {
            file_system: self.name(),
            label: (!self.label.is_empty()).then(|| self.label.clone()),
            identifier: Some(uuid_text(&self.uuid)),
            cluster_bytes: self.cluster_bytes,
            size_bytes,
            time_zone: None,
            problems,
        }
    }
}

/// Writes a UUID in its usual form.
fn uuid_text(uuid: &[u8; 16]) -> String {
    let mut text = String::new();
    for (place, byte) in uuid.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
