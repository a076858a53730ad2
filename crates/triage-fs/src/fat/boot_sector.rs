//! The boot sector with the BIOS parameter block. Specification, sections 3 and 4.

use triage_evidence::{Problem, ProblemKind, Run, VolumeFacts};

use super::table::{Table, Width};
use crate::bytes::{damaged, long, short, slice_at, u8_at, u16_at, u32_at};
use crate::pages::Pages;

/// The length of the part that is read.
const BOOT_BYTES: usize = 512;
/// Where FAT32 keeps a copy, in sectors.
const BACKUP: u64 = 6;
/// What a label says when there is none.
const NO_LABEL: &[u8] = b"NO NAME    ";

/// What a boot sector says about the layout.
#[derive(Clone, Debug)]
pub(super) struct BootSector {
    pub(super) width: Width,
    pub(super) cluster_bytes: u64,
    pub(super) cluster_count: u64,
    /// Where entries are counted from: the fixed root directory, or the first cluster.
    pub(super) entries_start: u64,
    /// The fixed root directory of FAT12 and FAT16.
    pub(super) fixed_root_bytes: u64,
    /// The first cluster of the root directory of FAT32.
    pub(super) root_cluster: u32,
    data_start: u64,
    table_start: u64,
    table_bytes: u64,
    table_count: u64,
    size_bytes: u64,
    serial: u32,
    /// What the table must begin with.
    media: u8,
    label: Option<Vec<u8>>,
    from_backup: bool,
}

impl BootSector {
    /// Reads it, or the copy that FAT32 keeps.
    ///
    /// # Errors
    /// A [`Problem`] if neither makes sense.
    pub(super) fn read(pages: &Pages) -> Result<Self, Problem> {
        let parsed = Self::parse(&pages.vec(0, BOOT_BYTES)?);
        let backup = || {
            let sector = u64::from(pages.source().sector_bytes());
            let bytes = pages.vec(BACKUP.saturating_mul(sector), BOOT_BYTES).ok()?;
            let boot = Self::parse(&bytes).filter(|boot| boot.width == Width::Four)?;
            Some(Self { from_backup: true, ..boot })
        };
        parsed
            .or_else(backup)
            .ok_or_else(|| damaged("the boot sector of the volume makes no sense"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let sector = u64::from(u16_at(bytes, 11)?);
        let per_cluster = u64::from(u8_at(bytes, 13)?);
        let is_sound = matches!(sector, 512 | 1024 | 2048 | 4096) && per_cluster.is_power_of_two();
        let table_count = u64::from(u8_at(bytes, 16)?);
        let reserved = u64::from(u16_at(bytes, 14)?);
        if !is_sound || reserved == 0 || !(1..=4).contains(&table_count) {
            return None;
        }
        let small = u64::from(u16_at(bytes, 19)?);
        let sectors = if small == 0 { u64::from(u32_at(bytes, 32)?) } else { small };
        let small = u64::from(u16_at(bytes, 22)?);
        let table_sectors = if small == 0 { u64::from(u32_at(bytes, 36)?) } else { small };
        let fixed_root_bytes = u64::from(u16_at(bytes, 17)?).checked_mul(32)?;
        let root_sectors = fixed_root_bytes.div_ceil(sector);
        let tables = table_count.checked_mul(table_sectors)?;
        let root = reserved.checked_add(tables)?;
        let data = root.checked_add(root_sectors)?;
        let cluster_count = sectors.checked_sub(data)?.checked_div(per_cluster)?;
        let width = match cluster_count {
            0 => return None,
            1..4085 => Width::OneAndAHalf,
            4085..65525 => Width::Two,
            _ => Width::Four,
        };
        let is_wide = width == Width::Four;
        let (serial, label) = if is_wide { (67, 71) } else { (39, 43) };
        let label = slice_at(bytes, label, 11).filter(|label| *label != NO_LABEL);
        let data_start = data.checked_mul(sector)?;
        Some(Self {
            width,
            cluster_bytes: per_cluster.checked_mul(sector)?,
            cluster_count,
            entries_start: if is_wide { data_start } else { root.checked_mul(sector)? },
            fixed_root_bytes: if is_wide { 0 } else { fixed_root_bytes },
            root_cluster: if is_wide { u32_at(bytes, 44)? } else { 0 },
            data_start,
            table_start: reserved.checked_mul(sector)?,
            table_bytes: table_sectors.checked_mul(sector)?,
            table_count,
            size_bytes: sectors.checked_mul(sector)?,
            serial: u32_at(bytes, serial)?,
            media: u8_at(bytes, 21)?,
            label: label.map(|label| label.trim_ascii_end().to_vec()).filter(|l| !l.is_empty()),
            from_backup: false,
        })
    }

    /// Reads the table; the second one stands in where the first cannot be read.
    ///
    /// # Errors
    /// A [`Problem`] if none can be read.
    pub(super) fn tables(&self, pages: &Pages) -> Result<(Table, Vec<Problem>), Problem> {
        let needed = self.width.bytes_for(self.cluster_count.saturating_add(2));
        let length = needed.min(self.table_bytes);
        let source = pages.source();
        let read = |number: u64| {
            let start = self.table_start.saturating_add(number.saturating_mul(self.table_bytes));
            let held = source.size_bytes().saturating_sub(start).min(length);
            let mut bytes = vec![0; short(held)];
            let mut filled = 0_usize;
            while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match source.read_at(start.saturating_add(long(filled)), rest)? {
                    0 => break,
                    more => filled = filled.saturating_add(more),
                }
            }
            bytes.truncate(filled);
            Ok::<_, Problem>(bytes)
        };
        let mut notes = Vec::new();
        if self.from_backup {
            notes.push(damaged("the boot sector is damaged: its copy was read"));
        }
        if needed > self.table_bytes {
            notes.push(damaged("the table is shorter than the volume needs"));
        }
        // A wrong number of tables would move the root directory: each of them is compared.
        let copies: Vec<_> = (1..self.table_count).map(read).collect();
        let bytes = match read(0) {
            Ok(first) => {
                notes.extend(self.compare(&first, &copies));
                first
            }
            Err(problem) => {
                let second = copies.into_iter().find_map(Result::ok);
                let second = second.ok_or_else(|| problem.clone())?;
                notes.push(Problem::new(problem.kind, "the second table of the volume is used"));
                second
            }
        };
        if bytes.first().is_some_and(|&first| first != self.media) {
            // Section 4: or the boot sector leads to a place where no table is.
            let text = "the table does not begin with the media type of the boot sector";
            notes.push(damaged(text).at(self.table_start));
        }
        if long(bytes.len()) < length {
            notes.push(Problem::new(ProblemKind::Damaged, "the image ends within the table"));
        }
        Ok((Table::new(bytes, self.width, self.cluster_count), notes))
    }

    /// Compares the first table with the others: what differs, or cannot be read.
    fn compare(&self, first: &[u8], copies: &[Result<Vec<u8>, Problem>]) -> Option<Problem> {
        copies.iter().find_map(|copy| {
            let copy = match copy {
                Ok(copy) => copy,
                Err(problem) => {
                    let text = "a copy of the table of the volume cannot be read".to_owned();
                    return Some(Problem { text, ..problem.clone() });
                }
            };
            let at = self.width.first_difference(first, copy)?;
            let text = "the tables of the volume differ; the first one is used";
            Some(damaged(text).at(self.table_start.saturating_add(at)))
        })
    }

    /// Returns the cluster that an offset of the volume lies in.
    pub(super) fn cluster_at(&self, offset: u64) -> Option<u32> {
        let within = offset.checked_sub(self.data_start)?;
        let place = within.checked_div(self.cluster_bytes)?;
        u32::try_from(place.checked_add(2)?).ok()
    }

    /// Returns ranges of clusters as ranges of the volume.
    pub(super) fn runs(&self, ranges: &[(u32, u32)]) -> Vec<Run> {
        let run = |&(first, count): &(u32, u32)| {
            let place = u64::from(first.saturating_sub(2)).saturating_mul(self.cluster_bytes);
            let size_bytes = u64::from(count).saturating_mul(self.cluster_bytes);
            Run { start: Some(self.data_start.saturating_add(place)), size_bytes }
        };
        ranges.iter().map(run).collect()
    }

    /// Returns what the volume says about itself.
    pub(super) fn facts(&self, held_bytes: u64) -> VolumeFacts {
        let mut problems = Vec::new();
        if held_bytes < self.size_bytes {
            let text = "the image ends before the volume does";
            let lost = self.size_bytes.saturating_sub(held_bytes);
            problems.push(damaged(text).at(held_bytes).losing(lost));
        }
        VolumeFacts {
            file_system: self.width.name(),
            label: self.label.clone(),
            identifier: Some(format!("{:04X}-{:04X}", self.serial >> 16, self.serial & 0xffff)),
            cluster_bytes: self.cluster_bytes,
            size_bytes: self.size_bytes,
            time_zone: Some("local time of the device that wrote it, zone not stored"),
            problems,
        }
    }
}
