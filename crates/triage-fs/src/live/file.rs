//! The content of a regular file, read once from start to end.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Advice, SeekFrom, fadvise, seek};
use rustix::io::{Errno, pread};
use triage_evidence::{Chunk, Entry, FileId, Kind, Location, Problem, ProblemKind, Stream, Time};

use super::{examine, replaced};
use crate::errno::problem;

/// How far a file is followed that grows while it is read. A log or a download ends well within;
/// a file that grows without end must not keep a scan for ever.
const LIMIT_GROWTH_BYTES: u64 = 64 * 1024 * 1024;
/// From this size on the kernel is told that the file is read from start to end, which doubles
/// its read-ahead. Below it the call costs more than it gives.
const ADVISE_BYTES: u64 = 4 * 1024 * 1024;

/// An open regular file.
pub(super) struct LiveFile {
    fd: OwnedFd,
    position: u64,
    /// Where the data region ends that the reader is in, for a sparse file.
    data_end: Option<u64>,
    is_sparse: bool,
    ended: bool,
    size_bytes: u64,
    id: Option<FileId>,
    modified: Option<Time>,
    changed: Option<Time>,
}

impl LiveFile {
    /// Wraps a descriptor that was opened for that entry.
    pub(super) fn new(fd: OwnedFd, entry: &Entry) -> Self {
        let size_bytes = entry.size_bytes.unwrap_or(0);
        if size_bytes >= ADVISE_BYTES {
            // Advice that is not taken costs speed, nothing else.
            let _untaken = fadvise(&fd, 0, None, Advice::Sequential);
        }
        Self {
            fd,
            position: 0,
            data_end: None,
            is_sparse: entry.is_sparse(),
            ended: false,
            size_bytes,
            id: entry.id,
            modified: entry.times.modified,
            changed: entry.times.changed,
        }
    }

    /// Checks that the descriptor is the regular file that was examined.
    pub(super) fn check_same(&self) -> Result<(), Problem> {
        let now = examine::examine_open(self.fd.as_fd(), Location::root())?;
        if now.kind != Kind::File || now.id != self.id { Err(replaced()) } else { Ok(()) }
    }

    /// Says what lies at the position of a sparse file: a hole's length, or `None` for data.
    fn hole(&mut self) -> Result<Option<u64>, Errno> {
        if self.data_end.is_some_and(|end| self.position < end) {
            return Ok(None);
        }
        let hole_end = match seek(&self.fd, SeekFrom::Data(self.position)) {
            Ok(data) => data,
            // No data from here to the end.
            Err(Errno::NXIO) => {
                let size = seek(&self.fd, SeekFrom::End(0))?;
                return Ok(Some(size.saturating_sub(self.position)).filter(|&left| left > 0));
            }
            // The file system does not know of holes: everything is data.
            Err(_) => {
                self.is_sparse = false;
                return Ok(None);
            }
        };
        if hole_end > self.position {
            return Ok(Some(hole_end - self.position));
        }
        self.data_end = seek(&self.fd, SeekFrom::Hole(self.position)).ok();
        self.is_sparse = self.data_end.is_some();
        Ok(None)
    }

    fn grown(&self) -> Problem {
        let text = "the file grew without end while it was read";
        Problem::new(ProblemKind::Changed, text).at(self.position)
    }
}

impl Stream for LiveFile {
    fn read(&mut self, buffer: &mut [u8]) -> Result<Chunk, Problem> {
        if self.ended || buffer.is_empty() {
            return Ok(Chunk::End);
        }
        if self.position > self.size_bytes.saturating_add(LIMIT_GROWTH_BYTES) {
            return Err(self.grown());
        }
        let failed = |position, errno| problem("cannot read the content", errno).at(position);
        let mut room = buffer.len();
        if self.is_sparse {
            if let Some(length) = self.hole().map_err(|errno| failed(self.position, errno))? {
                self.position += length;
                return Ok(Chunk::Hole(length));
            }
            let left = self.data_end.map_or(u64::MAX, |end| end.saturating_sub(self.position));
            room = room.min(usize::try_from(left).unwrap_or(usize::MAX)).max(1);
        }
        loop {
            match pread(&self.fd, &mut buffer[..room], self.position) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(Chunk::End);
                }
                Ok(length) => {
                    self.position += length as u64;
                    // A regular file gives fewer bytes than asked for only at its end.
                    self.ended = length < room && self.position >= self.size_bytes;
                    return Ok(Chunk::Data(length));
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(self.position, errno)),
            }
        }
    }

    fn skip(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes);
    }

    fn check_unchanged(&mut self) -> Result<(), Problem> {
        let now = examine::examine_open(self.fd.as_fd(), Location::root())?;
        let what = if now.size_bytes != Some(self.size_bytes) {
            "its size"
        } else if now.times.modified != self.modified {
            "its time of modification"
        } else if now.times.changed != self.changed {
            "its time of inode change"
        } else {
            return Ok(());
        };
        let text = format!("{what} changed between being examined and being read to the end");
        Err(Problem::new(ProblemKind::Changed, text))
    }

    /// The first extent that the file system tells. Not asked for with the flag that would make
    /// it write what waits in memory.
    #[cfg(target_os = "linux")]
    fn begins_at(&self) -> Option<u64> {
        use fiemap::FiemapExtentFlags as Flags;
        let first = fiemap::Fiemap::new(self.fd.as_fd()).next()?.ok()?;
        let known = !first.fe_flags.intersects(Flags::UNKNOWN | Flags::DATA_INLINE);
        known.then_some(first.fe_physical)
    }
}
