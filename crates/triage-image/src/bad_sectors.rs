//! Sectors that cannot be read: found one by one, and not asked for twice.
//!
//! A failed read of a disk takes seconds, and what lies around a bad sector is evidence too. So a
//! range that failed is read again in pieces, the failed piece sector by sector, and the sector
//! that fails is remembered: it is not asked for again in this run, and every reader is told the
//! same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::bytes::{long, short};

/// The largest piece that is read while the bad sector is sought: one failure more at most.
const PIECE_BYTES: u64 = 32 * 1024;
/// The most ranges that are remembered: beyond them a bad sector is found anew each time.
const LIMIT_RANGES: usize = 64 * 1024;

/// One read of a device, from an offset on.
type Read<'a> = dyn FnMut(u64, &mut [u8]) -> Result<usize, Errno> + 'a;

/// A range of bytes that cannot be read, and what the operating system said of its first sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadRange {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) errno: Errno,
}

/// The ranges that are known to be bad.
#[derive(Default)]
pub(crate) struct BadSectors {
    /// A disk without a bad sector costs one look at this.
    is_any: AtomicBool,
    /// By their start; sorted and apart.
    ranges: Mutex<BTreeMap<u64, BadRange>>,
}

impl BadSectors {
    fn ranges(&self) -> MutexGuard<'_, BTreeMap<u64, BadRange>> {
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the first bad range that is known to touch so many bytes at an offset.
    pub(crate) fn first_in(&self, offset: u64, length: usize) -> Option<BadRange> {
        if !self.is_any.load(Ordering::Acquire) {
            return None;
        }
        let end = offset.saturating_add(long(length));
        let ranges = self.ranges();
        let before = ranges.range(..=offset).next_back().filter(|(_, bad)| bad.end > offset);
        before.or_else(|| ranges.range(offset..end).next()).map(|(_, bad)| *bad)
    }

    /// Remembers a bad range; one that follows another makes it longer.
    fn note(&self, bad: BadRange) {
        let mut ranges = self.ranges();
        let has_room = ranges.len() < LIMIT_RANGES;
        let before = ranges.range_mut(..=bad.start).next_back();
        match before.filter(|(_, before)| before.end >= bad.start) {
            Some((_, before)) => before.end = before.end.max(bad.end),
            None if has_room => {
                ranges.insert(bad.start, bad);
            }
            None => {}
        }
        drop(ranges);
        self.is_any.store(true, Ordering::Release);
    }

    /// Reads a range of which a part could not be read, around its first bad sector. Returns how
    /// much was read: all of it, unless the source ends.
    ///
    /// # Errors
    /// The sector that cannot be read.
    pub(crate) fn read_around(
        &self,
        sector_bytes: u64,
        offset: u64,
        buffer: &mut [u8],
        read: &mut Read<'_>,
    ) -> Result<usize, BadRange> {
        let mut done = 0;
        let mut piece = sector_bytes;
        // Up to here a piece failed: single sectors find out which.
        let mut suspect = offset;
        while done < buffer.len() {
            let at = offset.saturating_add(long(done));
            if at < suspect {
                piece = sector_bytes;
            }
            let start = at - at % sector_bytes;
            let end = start.saturating_add(piece);
            let length = short(end - at).min(buffer.len() - done);
            match read(at, &mut buffer[done..done + length]) {
                Ok(0) => break,
                Ok(more) => {
                    done += more;
                    piece = (piece * 2).min(PIECE_BYTES.max(sector_bytes));
                }
                Err(errno) if piece <= sector_bytes => {
                    let bad = BadRange { start, end, errno };
                    self.note(bad);
                    return Err(bad);
                }
                Err(_) => suspect = end,
            }
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk of so many sectors, each filled with its number, of which some are bad.
    struct Disk {
        sectors: u64,
        bad: Vec<u64>,
        /// How many reads failed: each of them costs seconds.
        failures: u32,
    }

    impl Disk {
        fn read(&mut self, at: u64, out: &mut [u8]) -> Result<usize, Errno> {
            let end = (at + long(out.len())).min(self.sectors * 512);
            if self.bad.iter().any(|bad| bad * 512 < end && (bad + 1) * 512 > at) {
                self.failures += 1;
                return Err(Errno::IO);
            }
            for (place, byte) in out.iter_mut().enumerate() {
                *byte = ((at + long(place)) / 512) as u8;
            }
            Ok(short(end.saturating_sub(at)))
        }
    }

    /// Reads a range as a reader of streams does: up to what is bad, then on behind it.
    fn drain(disk: &mut Disk, known: &BadSectors, range: std::ops::Range<u64>) -> Vec<(u64, u64)> {
        let mut lost = Vec::new();
        let mut at = range.start;
        let mut end = range.end;
        while at < range.end {
            let mut buffer = vec![0; short(end - at)];
            let bad = match known.first_in(at, buffer.len()) {
                Some(bad) => Err(bad),
                None => known.read_around(512, at, &mut buffer, &mut |at, out| disk.read(at, out)),
            };
            match bad {
                Ok(read) => {
                    for (place, byte) in buffer[..read].iter().enumerate() {
                        assert_eq!(*byte, ((at + long(place)) / 512) as u8);
                    }
                    at += long(read);
                    end = range.end;
                }
                Err(bad) if bad.start > at => end = bad.start,
                Err(bad) => {
                    lost.push((at, bad.end.min(range.end) - at));
                    at = bad.end;
                    end = range.end;
                }
            }
        }
        lost
    }

    #[test]
    fn one_bad_sector_costs_one_sector_and_three_failed_reads() {
        let mut disk = Disk { sectors: 1000, bad: vec![137], failures: 0 };
        let known = BadSectors::default();
        let all = 0..1000 * 512;
        assert_eq!(drain(&mut disk, &known, all.clone()), [(137 * 512, 512)]);
        assert!(disk.failures <= 3, "{} failed reads", disk.failures);
        // Whoever comes next is told without asking the disk.
        disk.failures = 0;
        assert_eq!(drain(&mut disk, &known, all), [(137 * 512, 512)]);
        assert_eq!(disk.failures, 0);
        // A range that begins or ends within the sector loses that part.
        assert_eq!(drain(&mut disk, &known, 137 * 512 + 100..140 * 512), [(137 * 512 + 100, 412)]);
        assert_eq!(drain(&mut disk, &known, 130 * 512..137 * 512 + 7), [(137 * 512, 7)]);
    }

    #[test]
    fn neighbours_are_one_range_and_others_stay_apart() {
        let mut disk = Disk { sectors: 500, bad: vec![0, 7, 8, 9, 300, 499], failures: 0 };
        let known = BadSectors::default();
        let lost = drain(&mut disk, &known, 0..500 * 512);
        let sectors: Vec<u64> = lost.iter().map(|(at, _)| at / 512).collect();
        assert_eq!(sectors, [0, 7, 8, 9, 300, 499]);
        assert!(lost.iter().all(|(_, bytes)| *bytes == 512));
        let ranges: Vec<_> = known.ranges().values().map(|bad| (bad.start, bad.end)).collect();
        assert_eq!(ranges.len(), 4);
        assert_eq!(ranges[1], (7 * 512, 10 * 512));
        assert_eq!(known.first_in(10 * 512, 512), None);
        assert_eq!(known.first_in(9 * 512 + 5, 1).map(|bad| bad.start), Some(7 * 512));
    }

    #[test]
    fn a_source_that_ends_is_no_bad_sector() {
        let mut disk = Disk { sectors: 3, bad: Vec::new(), failures: 0 };
        let known = BadSectors::default();
        let mut buffer = [0; 4000];
        let read = known.read_around(512, 100, &mut buffer, &mut |at, out| disk.read(at, out));
        assert_eq!(read, Ok(3 * 512 - 100));
        assert_eq!(known.first_in(0, 10_000), None);
    }
}
