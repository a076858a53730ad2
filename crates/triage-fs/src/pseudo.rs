//! What kind of file system a directory lies on: pseudo file systems are windows into the running
//! kernel, not content of an exhibit; memory and network have no head that moves.

use std::os::fd::BorrowedFd;

/// The magic numbers of `statfs(2)` (linux/magic.h) of file systems that hold no stored content.
const PSEUDO: [(u64, &str); 22] = [
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x1cd1, "devpts"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0x6165_676c, "pstore"),
    (0xcafe_4a11, "bpf"),
    (0x6265_6570, "configfs"),
    (0x6573_5543, "fusectl"),
    (0x1980_0202, "mqueue"),
    (0x9584_58f6, "hugetlbfs"),
    (0x4249_4e4d, "binfmt_misc"),
    (0xf97c_ff8c, "selinuxfs"),
    (0xde5e_81e4, "efivarfs"),
    (0x0187, "autofs"),
    (0x6759_6969, "rpc_pipefs"),
    (0x6e73_6673, "nsfs"),
    (0x5346_414f, "afs-root"),
    (0x4341_5d53, "smackfs"),
];

/// The same numbers of file systems in memory or on another computer. FUSE is not among them: it
/// is what many external disks are mounted through.
const WITHOUT_HEAD: [u64; 9] = [
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
    0x6969,      // nfs
    0x517b,      // smb
    0xff53_4d42, // cifs
    0xfe53_4d42, // smb2
    0x00c3_6400, // ceph
    0x0102_1997, // 9p
    0x5346_414f, // afs
];

fn magic(fd: BorrowedFd<'_>) -> Option<u64> {
    let found = rustix::fs::fstatfs(fd).ok()?;
    Some(u64::try_from(found.f_type).ok()? & 0xffff_ffff)
}

/// Says whether a directory lies in memory or on another computer.
pub(crate) fn is_without_head(fd: BorrowedFd<'_>) -> bool {
    magic(fd).is_some_and(|magic| WITHOUT_HEAD.contains(&magic))
}

/// Returns the name of the pseudo file system that a directory lies on, if it does.
pub(crate) fn pseudo_name(fd: BorrowedFd<'_>) -> Option<&'static str> {
    let magic = magic(fd)?;
    PSEUDO.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}
