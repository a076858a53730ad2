//! The boot sector. Specification, section 3.1.

use triage_evidence::{Problem, Run, VolumeFacts};

use crate::bytes::{damaged, long, short, slice_at, u8_at, u16_at, u32_at, u64_at};
use crate::fat::table::{Table, Width};
use crate::pages::Pages;

/// The length of the part that is read.
const BOOT_BYTES: usize = 512;
/// Where the copy of the boot region begins, in sectors.
const BACKUP: u64 = 12;
/// The volume was not unmounted cleanly; a part of the medium is known to be bad.
const DIRTY: u16 = 2;
const MEDIA_FAILURE: u16 = 4;
/// The longest table that is read: 2^28 clusters.
const LIMIT_TABLE_BYTES: u64 = 1024 * 1024 * 1024;

/// What a boot sector says about the layout.
#[derive(Clone, Debug)]
pub(super) struct BootSector {
    pub(super) cluster_bytes: u64,
    pub(super) heap_start: u64,
    pub(super) root_cluster: u32,
    cluster_count: u64,
    table_start: u64,
    table_bytes: u64,
    size_bytes: u64,
    serial: u32,
    flags: u16,
    from_backup: bool,
}

impl BootSector {
    /// Reads it, or its copy.
    ///
    /// # Errors
    /// A [`Problem`] if neither makes sense.
    pub(super) fn read(pages: &Pages) -> Result<Self, Problem> {
        let parsed = Self::parse(&pages.vec(0, BOOT_BYTES)?);
        let backup = || {
            [512_u64, 1024, 2048, 4096].into_iter().find_map(|sector| {
                let bytes = pages.vec(BACKUP.saturating_mul(sector), BOOT_BYTES).ok()?;
                Self::parse(&bytes).map(|boot| Self { from_backup: true, ..boot })
            })
        };
        parsed
            .or_else(backup)
            .ok_or_else(|| damaged("the boot sector of the volume makes no sense"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        if slice_at(bytes, 3, 8)? != b"EXFAT   " {
            return None;
        }
        let shift = u32::from(u8_at(bytes, 108)?);
        let cluster_shift = u32::from(u8_at(bytes, 109)?);
        let is_sound = (9..=12).contains(&shift) && cluster_shift <= 25_u32.checked_sub(shift)?;
        let sector = 1_u64.checked_shl(shift)?;
        let cluster_count = u64::from(u32_at(bytes, 92)?);
        let table_count = u8_at(bytes, 110)?;
        let boot = Self {
            cluster_bytes: sector.checked_shl(cluster_shift)?,
            heap_start: u64::from(u32_at(bytes, 88)?).checked_mul(sector)?,
            root_cluster: u32_at(bytes, 96)?,
            cluster_count,
            table_start: u64::from(u32_at(bytes, 80)?).checked_mul(sector)?,
            table_bytes: u64::from(u32_at(bytes, 84)?).checked_mul(sector)?,
            size_bytes: u64_at(bytes, 72)?.checked_mul(sector)?,
            serial: u32_at(bytes, 100)?,
            flags: u16_at(bytes, 106)?,
            from_backup: false,
        };
        let fits = cluster_count.checked_mul(boot.cluster_bytes)?.checked_add(boot.heap_start)?;
        let makes_sense = is_sound
            && matches!(table_count, 1 | 2)
            && (1..=0xffff_fff5).contains(&cluster_count)
            && fits <= boot.size_bytes;
        makes_sense.then_some(boot)
    }

    /// Reads the table.
    ///
    /// # Errors
    /// A [`Problem`] if it cannot be read.
    pub(super) fn table(&self, pages: &Pages) -> Result<Table, Problem> {
        let width = Width::FourExtended;
        let needed = width.bytes_for(self.cluster_count.saturating_add(2)).min(LIMIT_TABLE_BYTES);
        let source = pages.source();
        let held = source.size_bytes().saturating_sub(self.table_start);
        let length = needed.min(self.table_bytes).min(held);
        let mut bytes = vec![0; short(length)];
        let mut filled = 0_usize;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match source.read_at(self.table_start.saturating_add(long(filled)), rest)? {
                0 => break,
                more => filled = filled.saturating_add(more),
            }
        }
        bytes.truncate(filled);
        Ok(Table::new(bytes, width, self.cluster_count))
    }

    /// Returns ranges of clusters as ranges of the volume.
    pub(super) fn runs(&self, ranges: &[(u32, u32)]) -> Vec<Run> {
        let run = |&(first, count): &(u32, u32)| {
            let place = u64::from(first.saturating_sub(2)).saturating_mul(self.cluster_bytes);
            let size_bytes = u64::from(count).saturating_mul(self.cluster_bytes);
            Run { start: Some(self.heap_start.saturating_add(place)), size_bytes }
        };
        ranges.iter().map(run).collect()
    }

    /// Returns what the volume says about itself.
    pub(super) fn facts(&self, held_bytes: u64) -> VolumeFacts {
        let mut problems = Vec::new();
        if self.from_backup {
            problems.push(damaged("the boot sector is damaged: its copy was read"));
        }
        if self.flags & DIRTY != 0 {
            problems.push(damaged("the volume was not unmounted cleanly"));
        }
        if self.flags & MEDIA_FAILURE != 0 {
            problems.push(damaged("the volume says that its medium has failed"));
        }
        if held_bytes < self.size_bytes {
            let text = "the image ends before the volume does";
            let lost = self.size_bytes.saturating_sub(held_bytes);
            problems.push(damaged(text).at(held_bytes).losing(lost));
        }
        VolumeFacts {
            file_system: "exfat",
            label: None,
            identifier: Some(format!("{:04X}-{:04X}", self.serial >> 16, self.serial & 0xffff)),
            cluster_bytes: self.cluster_bytes,
            size_bytes: self.size_bytes,
            time_zone: Some("UTC where an entry has its offset, else local time, zone not stored"),
            problems,
        }
    }
}
