//! Reads of a device that go around the page cache (`O_DIRECT`, open(2)).
//!
//! The kernel caches a device in pages of 4,096 bytes, and gives none of a page that holds one bad
//! sector. Only asked directly does a device tell which sector it is. Offset, length and memory
//! must then be aligned to a sector, which is done here.

use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::bytes::{long, short};

/// What memory is aligned to: a page, which every device is content with.
const ALIGNMENT: usize = 4096;

/// A device that was opened a second time.
pub(crate) struct Direct {
    file: OwnedFd,
    sector_bytes: u64,
}

impl Direct {
    /// Opens a device again, given how it was opened; `None` where the kernel refuses.
    pub(crate) fn open(device: BorrowedFd<'_>, sector_bytes: u64) -> Option<Self> {
        // The name may lead elsewhere by now; this leads to what is open.
        let path = PathBuf::from(format!("/proc/self/fd/{}", device.as_raw_fd()));
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::DIRECT;
        let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
        Some(Self { file, sector_bytes })
    }

    /// Fills a buffer from an offset, by way of the sectors that hold it.
    ///
    /// # Errors
    /// What the device says, or `EINVAL` if it does not want to be read like this.
    pub(crate) fn read(&self, offset: u64, out: &mut [u8]) -> Result<usize, Errno> {
        let start = offset - offset % self.sector_bytes;
        let within = short(offset - start);
        let length = long(within + out.len()).next_multiple_of(self.sector_bytes);
        let length = short(length);
        let mut room = vec![0; length + ALIGNMENT];
        let skip = room.as_ptr().align_offset(ALIGNMENT);
        let sectors = room.get_mut(skip..skip.saturating_add(length)).ok_or(Errno::INVAL)?;
        let read = loop {
            match rustix::io::pread(&self.file, &mut *sectors, start) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        };
        let held = read.saturating_sub(within).min(out.len());
        out[..held].copy_from_slice(&sectors[within..within + held]);
        Ok(held)
    }
}
