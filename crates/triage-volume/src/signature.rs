//! Where the signatures of file systems and containers stand.

use triage_evidence::ByteSource;

use crate::bytes::{has, read, u8_at, u16_at, u32_at, u64_at};
use crate::content::Content;
use crate::fat_type::fat_type;

/// The magic number of the superblock of ext2, ext3 and ext4, at 1024 + 56.
const EXT_MAGIC: u16 = 0xef53;
/// Where mdraid 1.1 and 1.2 have their superblock: Linux `drivers/md/md.c`.
const MDRAID: [usize; 2] = [0, 4096];
/// The magic number of mdraid.
const MDRAID_MAGIC: u32 = 0xa92b_4efc;
/// Apple File System Reference, `nx_superblock_t`: `nx_magic` behind the object header, and the
/// number of blocks of `nx_keylocker`.
const NX_MAGIC: usize = 32;
const NX_KEYLOCKER_BLOCKS: usize = 1304;
/// The last ten bytes of a page of swap: Linux `include/linux/swap.h`.
const SWAP: &[u8] = b"SWAPSPACE2";

/// The length of a label of ZFS, and where in it the ring of uberblocks stands.
const ZFS_LABEL_BYTES: u64 = 256 * 1024;
const ZFS_RING: u64 = 128 * 1024;
const ZFS_RING_BYTES: usize = 128 * 1024;
/// The magic number of an uberblock.
const ZFS_MAGIC: u64 = 0x00ba_b10c;

/// One signature: where, which bytes, what it says.
type Row = (usize, &'static [u8], Content);

/// Signatures that decide alone, in the order in which they are asked: what encrypts a volume comes
/// before what it holds.
const ROWS: &[Row] = &[
    // [MS-FVE], BitLocker Drive Encryption: the OEM name.
    (3, b"-FVE-FS-", Content::Encrypted("BitLocker")),
    // BitLocker To Go keeps a FAT32 boot sector; the identifier stands at 424.
    (
        424,
        b"\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01",
        Content::Encrypted("BitLocker To Go"),
    ),
    // LUKS1 On-Disk Format Specification 1.2.3, LUKS2 On-Disk Format Specification 1.0.0.
    (0, b"LUKS\xba\xbe\x00\x01", Content::Encrypted("LUKS1")),
    (0, b"LUKS\xba\xbe\x00\x02", Content::Encrypted("LUKS2")),
    // J. Metz, "FileVault Drive Encryption (FVDE)": the volume header. Fusion drives have it too.
    (88, b"CS\x01\x00", Content::Container("Apple Core Storage (FileVault 2, Fusion Drive)")),
    (3, b"NTFS    ", Content::FileSystem("ntfs")),
    (3, b"EXFAT   ", Content::FileSystem("exfat")),
    (3, b"ReFS\0\0\0\0", Content::FileSystem("refs")),
    (0, b"XFSB", Content::FileSystem("xfs")),
    (0, b"hsqs", Content::FileSystem("squashfs")),
    (1024, b"\x10\x20\xf5\xf2", Content::FileSystem("f2fs")),
    (1024, b"H+\x00\x04", Content::FileSystem("hfsplus")),
    (1024, b"HX\x00\x05", Content::FileSystem("hfsplus")),
    (1024, b"\xe2\xe1\xf5\xe0", Content::FileSystem("erofs")),
    (32768, b"JFS1", Content::FileSystem("jfs")),
    (65588, b"ReIsEr", Content::FileSystem("reiserfs")),
    (0x10040, b"_BHRfS_M", Content::FileSystem("btrfs")),
    (32769, b"BEA01", Content::FileSystem("udf")),
    (32769, b"CD001", Content::FileSystem("iso9660")),
    // LVM2 label: in one of the first four sectors.
    (0, b"LABELONE", Content::Container("LVM2")),
    (512, b"LABELONE", Content::Container("LVM2")),
    (1024, b"LABELONE", Content::Container("LVM2")),
    (1536, b"LABELONE", Content::Container("LVM2")),
    // Logical disk manager of Windows: PRIVHEAD at sector 6 of the disk.
    (3072, b"PRIVHEAD", Content::Container("Windows dynamic disk")),
    (
        4096,
        b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81",
        Content::Container("bcache"),
    ),
];

/// Returns what the first bytes of a volume say.
pub(crate) fn by_signature(first: &[u8]) -> Option<Content> {
    if let Some(row) = ROWS.iter().find(|row| has(first, row.0, row.1)) {
        return Some(row.2);
    }
    if has(first, NX_MAGIC, b"NXSB") {
        return Some(Content::Container(apfs(first)));
    }
    if MDRAID.iter().any(|&at| u32_at(first, at) == Some(MDRAID_MAGIC)) {
        return Some(Content::Container("Linux RAID"));
    }
    if u16_at(first, 1024 + 56) == Some(EXT_MAGIC) && u32_at(first, 1024 + 32).unwrap_or(0) > 0 {
        return Some(Content::FileSystem(ext(first)));
    }
    if [4086, 8182, 16374, 65526].iter().any(|&at| has(first, at, SWAP)) {
        return Some(Content::Swap);
    }
    if has(first, 510, &[0x55, 0xaa]) || u8_at(first, 21) == u8_at(first, 512) {
        return fat_type(first).map(Content::FileSystem);
    }
    None
}

/// Returns what stands at the end of a volume: of mdraid 0.90 and 1.0, and the last label of ZFS.
/// Asked when the beginning says nothing: a mirror begins as what it holds.
pub(crate) fn by_last_bytes(source: &dyn ByteSource) -> Option<Content> {
    let size_bytes = source.size_bytes();
    // Linux `include/uapi/linux/raid/md_p.h`, MD_NEW_SIZE_SECTORS; `drivers/md/md.c`,
    // super_1_load.
    let old = (size_bytes & !0xffff).checked_sub(0x1_0000);
    let new = (size_bytes >> 9).checked_sub(16).map(|sectors| (sectors & !7) << 9);
    for at in old.into_iter().chain(new) {
        let magic = u32_at(&read(source, at, 4), 0);
        if magic.is_some_and(|magic| magic == MDRAID_MAGIC || magic == MDRAID_MAGIC.swap_bytes()) {
            return Some(Content::Container("Linux RAID"));
        }
    }
    let label = (size_bytes & !(ZFS_LABEL_BYTES - 1)).checked_sub(ZFS_LABEL_BYTES)?;
    has_uberblock(source, label).then_some(Content::Container("ZFS"))
}

/// Says whether a label of ZFS has an uberblock. OpenZFS, "On-Disk Format", section 1.3.
pub(crate) fn has_uberblock(source: &dyn ByteSource, label: u64) -> bool {
    let ring = read(source, label.saturating_add(ZFS_RING), ZFS_RING_BYTES);
    ring.chunks_exact(1024).any(|block| {
        let magic = u64_at(block, 0);
        magic == Some(ZFS_MAGIC) || magic == Some(ZFS_MAGIC.swap_bytes())
    })
}

/// A container with a key bag has volumes that are encrypted, or can be.
fn apfs(first: &[u8]) -> &'static str {
    match u64_at(first, NX_KEYLOCKER_BLOCKS) {
        None | Some(0) => "an APFS container",
        Some(_) => "an APFS container with a key bag (FileVault)",
    }
}

/// Which of the three: a journal makes ext3, any feature newer than that ext4. Linux kernel
/// documentation, "ext4 Data Structures", super block.
fn ext(first: &[u8]) -> &'static str {
    const HAS_JOURNAL: u32 = 0x4;
    /// filetype, needs_recovery, journal_dev.
    const EXT3_INCOMPAT: u32 = 0x2 | 0x4 | 0x8;
    /// sparse_super, large_file, btree_dir.
    const EXT3_RO_COMPAT: u32 = 0x1 | 0x2 | 0x4;
    let field = |at: usize| u32_at(first, at.saturating_add(1024)).unwrap_or(0);
    if field(96) & !EXT3_INCOMPAT != 0 || field(100) & !EXT3_RO_COMPAT != 0 {
        "ext4"
    } else if field(92) & HAS_JOURNAL != 0 {
        "ext3"
    } else {
        "ext2"
    }
}
