//! Turns what `statx(2)` says into an entry.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Mode, Statx, StatxFlags, StatxTimestamp, readlinkat, statx};
use triage_evidence::{Device, Entry, FileId, Kind, Location, Ownership, Problem, Time, Times};

use crate::errno::problem;

/// What is asked for: everything that every file system has, and the time of birth.
const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);
/// The unit of `stx_blocks`, whatever the file system's own block size is (statx(2)).
const BLOCK_BYTES: u64 = 512;

/// Examines a name in an open directory without following it.
pub(super) fn examine_name(
    directory: BorrowedFd<'_>,
    name: &[u8],
    location: Location,
) -> Result<Entry, Problem> {
    let failed = |errno| problem("cannot examine the entry", errno);
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let found = statx(directory, name, flags, WANTED).map_err(failed)?;
    let mut entry = entry_of(&found, location);
    if entry.kind == Kind::Symlink {
        let target = readlinkat(directory, name, Vec::new()).map_err(failed)?;
        entry.target = Some(target.into_bytes());
    }
    Ok(entry)
}

/// Examines what a descriptor refers to.
pub(super) fn examine_open(fd: BorrowedFd<'_>, location: Location) -> Result<Entry, Problem> {
    let found = statx(fd, c"", AtFlags::EMPTY_PATH, WANTED)
        .map_err(|errno| problem("cannot examine the open entry", errno))?;
    Ok(entry_of(&found, location))
}

/// Returns the kind of a file type.
pub(super) const fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::Unknown => Kind::Unknown,
    }
}

fn entry_of(found: &Statx, location: Location) -> Entry {
    let kind = kind_of(FileType::from_raw_mode(u32::from(found.stx_mode)));
    let is_node = matches!(kind, Kind::BlockDevice | Kind::CharDevice);
    let has_birth = found.stx_mask & StatxFlags::BTIME.bits() != 0;
    let device = Device { major: found.stx_dev_major, minor: found.stx_dev_minor };
    Entry {
        size_bytes: matches!(kind, Kind::File | Kind::Symlink).then_some(found.stx_size),
        allocated_bytes: (kind == Kind::File)
            .then_some(found.stx_blocks.saturating_mul(BLOCK_BYTES)),
        times: Times {
            modified: Some(time(&found.stx_mtime)),
            accessed: Some(time(&found.stx_atime)),
            changed: Some(time(&found.stx_ctime)),
            born: has_birth.then(|| time(&found.stx_btime)),
        },
        id: Some(FileId { device, inode: found.stx_ino }),
        links: Some(u64::from(found.stx_nlink)),
        ownership: Some(Ownership {
            user: found.stx_uid,
            group: found.stx_gid,
            mode: Mode::from_raw_mode(u32::from(found.stx_mode)).bits() & 0o7777,
        }),
        node: is_node
            .then_some(Device { major: found.stx_rdev_major, minor: found.stx_rdev_minor }),
        ..Entry::unexamined(location, kind)
    }
}

const fn time(stamp: &StatxTimestamp) -> Time {
    Time { seconds: stamp.tv_sec, nanoseconds: stamp.tv_nsec }
}
