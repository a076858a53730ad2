//! How long a file system says that it is: where a volume ends that no table names.
//!
//! Specifications: Microsoft "FAT: General Overview of On-Disk Format" 1.03 and exFAT section 3.1;
//! NTFS boot sector, libfsntfs documentation; Linux `fs/ext4/ext4.h`, `struct ext4_super_block`.

use crate::bytes::{u8_at, u16_at, u32_at, u64_at};
use crate::content::Content;

/// Where the superblock of ext2, ext3 and ext4 stands.
const EXT: usize = 1024;
/// The incompatible feature of ext4 that makes block numbers 64 bits wide.
const EXT_64BIT: u32 = 0x80;

/// Returns the size in bytes from the first bytes of a volume; `None` if this format does not say,
/// or says nothing that makes sense.
pub(crate) fn stated_size(first: &[u8], content: Content) -> Option<u64> {
    let Content::FileSystem(name) = content else { return None };
    let size_bytes = match name {
        "fat12" | "fat16" | "fat32" => fat(first),
        "ntfs" => ntfs(first),
        "exfat" => exfat(first),
        "ext2" | "ext3" | "ext4" => ext(first),
        _ => None,
    };
    size_bytes.filter(|&size_bytes| size_bytes > 0)
}

fn fat(first: &[u8]) -> Option<u64> {
    let sectors = match u16_at(first, 19)? {
        0 => u64::from(u32_at(first, 32)?),
        small => u64::from(small),
    };
    sectors.checked_mul(u64::from(u16_at(first, 11)?))
}

/// The last sector, the copy of the boot sector, is not counted.
fn ntfs(first: &[u8]) -> Option<u64> {
    let sectors = u64_at(first, 40)?.checked_add(1).filter(|&sectors| sectors > 1)?;
    sectors.checked_mul(u64::from(u16_at(first, 11)?))
}

fn exfat(first: &[u8]) -> Option<u64> {
    let sector_bytes = 1_u64.checked_shl(u32::from(u8_at(first, 108)?))?;
    u64_at(first, 72)?.checked_mul(sector_bytes)
}

fn ext(first: &[u8]) -> Option<u64> {
    let block_bytes = 1024_u64.checked_shl(u32_at(first, EXT + 24)?)?;
    let wide = u32_at(first, EXT + 96)? & EXT_64BIT != 0;
    let high = if wide { u64::from(u32_at(first, EXT + 336)?) << 32 } else { 0 };
    (high | u64::from(u32_at(first, EXT + 4)?)).checked_mul(block_bytes)
}
