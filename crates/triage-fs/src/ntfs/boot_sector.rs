//! The boot sector: where the MFT lies and how large clusters and records are.
//!
//! Not the boot code, which is not read. Spec: the BIOS parameter block of NTFS in the Linux
//! kernel, `fs/ntfs3/ntfs.h`, `struct NTFS_BOOT`; [MS-FSCC] has no on-disk layout.

use triage_evidence::Problem;

use super::bytes::{damaged, short, slice_at, u8_at, u16_at, u64_at};

/// The size of a boot sector in bytes that holds every field.
pub(super) const BOOT_BYTES: usize = 512;
/// Sectors of disks are 512 to 4096 bytes; 256 is the smallest that mkntfs makes.
const SECTOR_BYTES: std::ops::RangeInclusive<u64> = 256..=4096;
/// Windows makes clusters of 512 bytes to 2 MiB.
const LIMIT_CLUSTER_BYTES: u64 = 2 * 1024 * 1024;
/// A record of the MFT is 1 or 4 KiB; an index block 4 KiB or a cluster. 64 KiB leaves room for
/// both without letting a hostile size reserve memory.
const LIMIT_RECORD_BYTES: u64 = 64 * 1024;
/// A record holds at least its header, two attributes and the fixups of one sector.
const LEAST_RECORD_BYTES: u64 = 512;

/// The measures of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BootSector {
    /// The size of a sector in bytes.
    pub(super) sector_bytes: u64,
    /// The size of a cluster in bytes.
    pub(super) cluster_bytes: u64,
    /// How many sectors the volume has, its backup boot sector not counted.
    pub(super) total_sectors: u64,
    /// The first cluster of the MFT.
    pub(super) mft_cluster: u64,
    /// The first cluster of the copy of its first records.
    pub(super) mirror_cluster: u64,
    /// The size of a record of the MFT in bytes.
    pub(super) record_bytes: usize,
    /// The size of an index block in bytes.
    pub(super) index_bytes: usize,
    /// The serial number of the volume.
    pub(super) serial: u64,
}

impl BootSector {
    /// Reads a boot sector.
    ///
    /// # Errors
    /// A [`Problem`] if it is not one of NTFS, or if its sizes are impossible.
    pub(super) fn parse(sector: &[u8]) -> Result<Self, Problem> {
        if slice_at(sector, 3, 8) != Some(b"NTFS    ") {
            return Err(damaged("there is no boot sector of NTFS"));
        }
        Self::fields(sector)
            .ok_or_else(|| damaged("the boot sector of NTFS has sizes that are impossible"))
    }

    fn fields(sector: &[u8]) -> Option<Self> {
        let sector_bytes = u64::from(u16_at(sector, 0x0b)?);
        if !SECTOR_BYTES.contains(&sector_bytes) || !sector_bytes.is_power_of_two() {
            return None;
        }
        let per_cluster = match u8_at(sector, 0x0d)? {
            count @ 0..=0x80 => u64::from(count),
            // Clusters above 64 KiB: the number is a negative power of two.
            power => 1_u64.checked_shl(u32::from(power.wrapping_neg()))?,
        };
        let cluster_bytes = sector_bytes.checked_mul(per_cluster)?;
        if !cluster_bytes.is_power_of_two() || cluster_bytes > LIMIT_CLUSTER_BYTES {
            return None;
        }
        let total_sectors = u64_at(sector, 0x28)?;
        total_sectors.checked_mul(sector_bytes).filter(|&size| size > 0)?;
        Some(Self {
            sector_bytes,
            cluster_bytes,
            total_sectors,
            mft_cluster: u64_at(sector, 0x30)?,
            mirror_cluster: u64_at(sector, 0x38)?,
            record_bytes: record_bytes(u8_at(sector, 0x40)?, cluster_bytes)?,
            index_bytes: record_bytes(u8_at(sector, 0x44)?, cluster_bytes)?,
            serial: u64_at(sector, 0x48)?,
        })
    }

    /// Returns the size of the volume in bytes.
    pub(super) const fn size_bytes(&self) -> u64 {
        self.total_sectors.saturating_mul(self.sector_bytes)
    }

    /// Returns how many clusters the volume has.
    pub(super) fn clusters(&self) -> u64 {
        self.size_bytes().checked_div(self.cluster_bytes).unwrap_or(0)
    }
}

/// Returns a size that is given in clusters or, if negative, as a power of two in bytes.
fn record_bytes(field: u8, cluster_bytes: u64) -> Option<usize> {
    let bytes = match i8::from_le_bytes([field]) {
        clusters @ 1.. => u64::try_from(clusters).ok()?.checked_mul(cluster_bytes)?,
        power => 1_u64.checked_shl(u32::from(power.unsigned_abs()))?,
    };
    let possible = (LEAST_RECORD_BYTES..=LIMIT_RECORD_BYTES).contains(&bytes);
    (possible && bytes.is_power_of_two()).then(|| short(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sector(per_cluster: u8, record: u8) -> Vec<u8> {
        let mut sector = vec![0; BOOT_BYTES];
        sector[3..11].copy_from_slice(b"NTFS    ");
        sector[0x0b..0x0d].copy_from_slice(&512_u16.to_le_bytes());
        sector[0x0d] = per_cluster;
        sector[0x28..0x30].copy_from_slice(&1_000_000_u64.to_le_bytes());
        sector[0x40] = record;
        sector[0x44] = 1;
        sector
    }

    #[test]
    fn sizes_are_counts_or_negative_powers() {
        let boot = BootSector::parse(&sector(8, 0xf6)).unwrap();
        assert_eq!((boot.cluster_bytes, boot.record_bytes, boot.index_bytes), (4096, 1024, 4096));
        assert_eq!(boot.clusters(), 125_000);
        let boot = BootSector::parse(&sector(0xf4, 0xf4));
        assert!(boot.is_err(), "an index block of a cluster of 2 MiB is beyond the limit");
        let mut large = sector(0xf4, 0xf4);
        large[0x44] = 0xf4;
        let boot = BootSector::parse(&large).unwrap();
        assert_eq!((boot.cluster_bytes, boot.record_bytes), (2 * 1024 * 1024, 4096));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (per_cluster, record) in [(0, 0xf6), (3, 0xf6), (8, 0x80), (8, 0), (0x81, 0xf6)] {
            assert!(BootSector::parse(&sector(per_cluster, record)).is_err());
        }
        assert!(BootSector::parse(b"NTFS    ").is_err());
        assert!(BootSector::parse(&[]).is_err());
    }
}
