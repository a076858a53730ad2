//! Pseudo file systems: windows into the running kernel, not content of an exhibit.

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

/// Returns the name of the pseudo file system that a directory lies on, if it does.
pub(crate) fn pseudo_name(fd: BorrowedFd<'_>) -> Option<&'static str> {
    let found = rustix::fs::fstatfs(fd).ok()?;
    let magic = u64::try_from(found.f_type).ok()? & 0xffff_ffff;
    PSEUDO.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}
