//! A file or block device, byte by byte. The only place of this crate that opens a path.

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::{FileType, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bad_sectors::{BadRange, BadSectors};
use crate::bytes::short;
use crate::direct::Direct;

/// A regular file or a block device that was opened for reading.
pub(crate) struct RawFile {
    file: OwnedFd,
    size_bytes: u64,
    sector_bytes: u32,
    /// The major and minor number, if it is a block device.
    pub(crate) device: Option<(u32, u32)>,
    bad: BadSectors,
    /// The device without the page cache, opened when a first read fails.
    direct: OnceLock<Option<Direct>>,
}

impl RawFile {
    /// Opens a path. Links are followed: the operator typed it.
    ///
    /// # Errors
    /// A [`Problem`] if it cannot be opened or is neither a regular file nor a block device.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        Self::open_with(path, OFlags::empty())
    }

    /// Opens a file that another file names; a link is not followed.
    ///
    /// # Errors
    /// A [`Problem`] as [`RawFile::open`].
    pub(crate) fn open_named(path: &Path) -> Result<Self, Problem> {
        let raw = Self::open_with(path, OFlags::NOFOLLOW)?;
        match raw.device {
            None => Ok(raw),
            Some(_) => Err(refused("only a regular file can be a part of an image")),
        }
    }

    fn open_with(path: &Path, more: OFlags) -> Result<Self, Problem> {
        // A pipe must not hold us up, whatever stands behind the name.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | more;
        let open = |flags| rustix::fs::open(path, flags, Mode::empty());
        // Only the owner of a file may leave its time of access alone.
        let file = open(flags | OFlags::NOATIME).or_else(|_| open(flags));
        let file = file.map_err(|errno| failed("open", errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| failed("examine", errno))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let size_bytes = u64::try_from(stat.st_size).unwrap_or(0);
                Ok(Self::new(file, size_bytes, 512, None))
            }
            FileType::BlockDevice => {
                let end = rustix::fs::seek(&file, SeekFrom::End(0));
                let size_bytes = end.map_err(|errno| failed("measure", errno))?;
                let (major, minor) =
                    (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
                let sector_bytes = crate::device::sector_bytes(major, minor);
                Ok(Self::new(file, size_bytes, sector_bytes, Some((major, minor))))
            }
            _ => Err(refused("neither a regular file nor a block device")),
        }
    }

    fn new(file: OwnedFd, size_bytes: u64, sector_bytes: u32, device: Option<(u32, u32)>) -> Self {
        let (bad, direct) = (BadSectors::default(), OnceLock::new());
        Self { file, size_bytes, sector_bytes, device, bad, direct }
    }

    fn read_once(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        loop {
            match rustix::io::pread(self.file.as_fd(), &mut *buffer, offset) {
                Err(Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// Reads a range of which a part cannot be read, around its first bad sector.
    fn read_around(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, BadRange> {
        let sector_bytes = u64::from(self.sector_bytes.max(512));
        let direct = self.direct.get_or_init(|| {
            self.device.and_then(|_| Direct::open(self.file.as_fd(), sector_bytes))
        });
        let mut read = |at: u64, out: &mut [u8]| match direct {
            Some(direct) => match direct.read(at, out) {
                Err(Errno::INVAL) => self.read_once(at, out),
                other => other,
            },
            None => self.read_once(at, out),
        };
        self.bad.read_around(sector_bytes, offset, buffer, &mut read)
    }
}

impl ByteSource for RawFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let rest = self.size_bytes.saturating_sub(offset);
        let length = short(rest).min(buffer.len());
        let buffer = &mut buffer[..length];
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match self.bad.first_in(offset, length) {
            Some(bad) => Err(bad),
            None => match self.read_once(offset, buffer) {
                Ok(read) => Ok(read),
                Err(_) => self.read_around(offset, buffer),
            },
        };
        read.map_err(|bad| {
            let start = bad.start.max(offset);
            failed("read", bad.errno).at(start).losing(bad.end.saturating_sub(start))
        })
    }

    fn sector_bytes(&self) -> u32 {
        self.sector_bytes
    }
}

/// Reads a small file that the kernel provides about a device.
pub(crate) fn read_sysfs(path: &Path) -> Option<String> {
    let text = String::from_utf8(read_sysfs_bytes(path)?).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads a small file of the kernel that need not be text.
pub(crate) fn read_sysfs_bytes(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read as _;
    /// The kernel gives at most a page.
    const LIMIT_BYTES: u64 = 4096;
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut bytes = Vec::new();
    File::from(file).take(LIMIT_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn refused(text: &str) -> Problem {
    Problem::new(ProblemKind::Unsupported, text)
}

fn failed(act: &str, errno: Errno) -> Problem {
    let text = format!("cannot {act} the image: {}", std::io::Error::from(errno));
    Problem::new(ProblemKind::Unreadable, text).with_code(code(errno))
}

fn code(errno: Errno) -> String {
    match errno {
        Errno::IO => "EIO".to_owned(),
        Errno::NODATA => "ENODATA".to_owned(),
        Errno::NOENT => "ENOENT".to_owned(),
        Errno::ACCESS => "EACCES".to_owned(),
        Errno::PERM => "EPERM".to_owned(),
        Errno::LOOP => "ELOOP".to_owned(),
        Errno::NXIO => "ENXIO".to_owned(),
        Errno::NOMEDIUM => "ENOMEDIUM".to_owned(),
        Errno::REMOTEIO => "EREMOTEIO".to_owned(),
        other => format!("errno {}", other.raw_os_error()),
    }
}
