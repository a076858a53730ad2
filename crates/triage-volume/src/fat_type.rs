//! Which FAT a boot sector describes. Microsoft, "FAT: General Overview of On-Disk Format" 1.03:
//! the count of clusters alone decides.

use crate::bytes::{u8_at, u16_at, u32_at};

/// Returns the type, or `None` if the boot sector is not one of FAT.
pub(crate) fn fat_type(boot: &[u8]) -> Option<&'static str> {
    let jumps = matches!(u8_at(boot, 0)?, 0xeb | 0xe9);
    let sector = u32::from(u16_at(boot, 11)?);
    let per_cluster = u32::from(u8_at(boot, 13)?);
    let reserved = u32::from(u16_at(boot, 14)?);
    let fats = u32::from(u8_at(boot, 16)?);
    let roots = u32::from(u16_at(boot, 17)?);
    let small_total = u32::from(u16_at(boot, 19)?);
    let media = u8_at(boot, 21)?;
    let makes_sense = jumps
        && matches!(sector, 512 | 1024 | 2048 | 4096)
        && per_cluster.is_power_of_two()
        && reserved > 0
        && matches!(fats, 1 | 2)
        && (media == 0xf0 || media >= 0xf8);
    if !makes_sense {
        return None;
    }
    let total = if small_total == 0 { u32_at(boot, 32)? } else { small_total };
    let small_fat = u32::from(u16_at(boot, 22)?);
    let fat = if small_fat == 0 { u32_at(boot, 36)? } else { small_fat };
    let root_sectors = roots.saturating_mul(32).div_ceil(sector);
    let before = fats.checked_mul(fat)?.checked_add(reserved)?.checked_add(root_sectors)?;
    let clusters = total.checked_sub(before)?.checked_div(per_cluster)?;
    match clusters {
        0 => None,
        1..4085 => Some("fat12"),
        4085..65525 => Some("fat16"),
        _ => Some("fat32"),
    }
    .filter(|_| fat > 0)
}
