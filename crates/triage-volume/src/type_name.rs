//! What the type fields of partition tables mean.

/// Types of MBR partitions, as listed by A. Brouwer, "List of partition identifiers for PCs", and
/// used by Linux `fdisk`.
const MBR: &[(u8, &str)] = &[
    (0x01, "FAT12"),
    (0x04, "FAT16 below 32 MiB"),
    (0x05, "extended"),
    (0x06, "FAT16"),
    (0x07, "NTFS, exFAT or HPFS"),
    (0x0b, "FAT32"),
    (0x0c, "FAT32, LBA"),
    (0x0e, "FAT16, LBA"),
    (0x0f, "extended, LBA"),
    (0x11, "hidden FAT12"),
    (0x14, "hidden FAT16 below 32 MiB"),
    (0x16, "hidden FAT16"),
    (0x17, "hidden NTFS or HPFS"),
    (0x1b, "hidden FAT32"),
    (0x1c, "hidden FAT32, LBA"),
    (0x1e, "hidden FAT16, LBA"),
    (0x27, "Windows recovery"),
    (0x42, "Windows dynamic disk"),
    (0x82, "Linux swap"),
    (0x83, "Linux"),
    (0x85, "Linux extended"),
    (0x8e, "Linux LVM"),
    (0xa5, "FreeBSD"),
    (0xa6, "OpenBSD"),
    (0xa8, "macOS UFS"),
    (0xa9, "NetBSD"),
    (0xab, "macOS boot"),
    (0xaf, "HFS or HFS+"),
    (0xee, "GPT protective"),
    (0xef, "EFI system"),
    (0xfb, "VMware VMFS"),
    (0xfd, "Linux RAID"),
];

/// Types of GPT partitions: UEFI specification 2.10 table 5-7, the Discoverable Partitions
/// Specification, and Microsoft's `PARTITION_INFORMATION_GPT`.
const GPT: &[(&str, &str)] = &[
    ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"),
    ("21686148-6449-6e6f-744e-656564454649", "BIOS boot"),
    ("e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"),
    ("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Microsoft basic data"),
    ("de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"),
    ("5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "Windows dynamic disk metadata"),
    ("af9b60a0-1431-4f62-bc68-3311714a69ad", "Windows dynamic disk data"),
    ("e75caf8f-f680-4cee-afa3-b001e56efc2d", "Windows Storage Spaces"),
    ("0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux data"),
    ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root, x86-64"),
    ("933ac7e1-2eb4-4f13-b844-0e14e2aef915", "Linux home"),
    ("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"),
    ("e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"),
    ("a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"),
    ("ca7d7ccb-63ed-4c53-861c-1742536059cc", "Linux LUKS"),
    ("7ffec5c9-2d00-49b7-8941-3ea10a5586b7", "Linux dm-crypt"),
    ("48465300-0000-11aa-aa11-00306543ecac", "HFS+"),
    ("7c3457ef-0000-11aa-aa11-00306543ecac", "APFS"),
    ("53746f72-6167-11aa-aa11-00306543ecac", "Apple Core Storage"),
    ("426f6f74-0000-11aa-aa11-00306543ecac", "Apple boot"),
    ("6a898cc3-1dd2-11b2-99a6-080020736631", "ZFS"),
    ("516e7cb4-6ecf-11d6-8ff8-00022d09712b", "FreeBSD data"),
];

/// Names a type of an MBR partition.
pub(crate) fn of_mbr(kind: u8) -> String {
    let name = MBR.iter().find(|row| row.0 == kind).map_or("unknown", |row| row.1);
    format!("0x{kind:02x} {name}")
}

/// Names a type of a GPT partition.
pub(crate) fn of_gpt(guid: &str) -> String {
    GPT.iter().find(|row| row.0 == guid).map_or_else(|| guid.to_owned(), |row| row.1.to_owned())
}
