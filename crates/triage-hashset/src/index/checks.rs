//! The page checks of an index file: a CRC-32 for each page, compared when the page is first used.
//!
//! An index of 10^8 digests has gigabytes; a scan asks a few megabytes of it. Reading all of it
//! before would cost more than many a scan. So each page that an answer rests on is checked the
//! first time that it is touched, and a page that is not as it was written is remembered: the
//! answers are then not to be relied on, and whoever asked must say so ([`Index::damage`]).
//!
//! [`Index::damage`]: super::Index::damage

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::{ALIGN, read_u32};

/// Page checks of an index that is being written: takes the bytes from the first section on.
pub(super) struct PageSums {
    sums: Vec<u8>,
    hasher: crc32fast::Hasher,
    filled: usize,
}

impl PageSums {
    pub(super) fn new() -> Self {
        Self { sums: Vec::new(), hasher: crc32fast::Hasher::new(), filled: 0 }
    }

    /// Takes the next bytes.
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = ALIGN.saturating_sub(self.filled);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.hasher.update(now);
            self.filled = self.filled.saturating_add(now.len());
            bytes = later;
            if self.filled == ALIGN {
                let hasher = std::mem::replace(&mut self.hasher, crc32fast::Hasher::new());
                self.sums.extend_from_slice(&hasher.finalize().to_le_bytes());
                self.filled = 0;
            }
        }
    }

    /// Returns the section. Everything ends at a page.
    pub(super) fn finish(self) -> Vec<u8> {
        self.sums
    }
}

/// Which pages of a mapped index were checked, and what was found.
#[derive(Debug)]
pub(super) struct Checks {
    /// Where the first checked page begins.
    first: usize,
    /// The section.
    sums: Range<usize>,
    /// A bit for each page that was found as it was written.
    seen: Vec<AtomicU64>,
    /// Where the first damaged page that was met begins, plus 1.
    damage: AtomicU64,
}

impl Checks {
    /// Returns the checks of pages from `first` to the section `sums`, none of them seen.
    pub(super) fn new(first: usize, sums: Range<usize>) -> Option<Self> {
        let pages = sums.len() / size_of::<u32>();
        let end = first.checked_add(pages.checked_mul(ALIGN)?)?;
        if end != sums.start || !first.is_multiple_of(ALIGN) {
            return None;
        }
        let seen = std::iter::repeat_with(AtomicU64::default).take(pages.div_ceil(64)).collect();
        Some(Self { first, sums, seen, damage: AtomicU64::new(0) })
    }

    /// Returns where the first damaged page that was met begins.
    pub(super) fn damage(&self) -> Option<u64> {
        self.damage.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Checks the pages of a range that were not seen before.
    #[inline]
    pub(super) fn touch(&self, bytes: &[u8], range: &Range<usize>) {
        let Some(start) = range.start.checked_sub(self.first) else { return };
        let end = range.end.saturating_sub(self.first);
        let mut page = start / ALIGN;
        while page.saturating_mul(ALIGN) < end {
            let (word, bit) = (page / 64, 1_u64 << (page % 64));
            let seen = self.seen.get(word).map(|word| word.load(Ordering::Relaxed));
            if seen.is_none_or(|seen| seen & bit == 0) {
                self.check(bytes, page);
            }
            page = page.saturating_add(1);
        }
    }

    /// Checks one page.
    #[cold]
    fn check(&self, bytes: &[u8], page: usize) {
        let start = self.first.saturating_add(page.saturating_mul(ALIGN));
        let expected = bytes.get(self.sums.clone()).unwrap_or_default();
        let Some(expected) = read_u32(expected, page.saturating_mul(4)) else { return };
        let content = bytes.get(start..start.saturating_add(ALIGN)).unwrap_or_default();
        if crc32fast::hash(content) == expected {
            if let Some(word) = self.seen.get(page / 64) {
                word.fetch_or(1 << (page % 64), Ordering::Relaxed);
            }
            return;
        }
        // A page that is not as it was written is never "seen".
        self.damaged(start);
    }

    /// Remembers the page of that byte as damaged. The first one that was met stays.
    #[cold]
    pub(super) fn damaged(&self, at: usize) {
        let place = ((at - at % ALIGN) as u64).saturating_add(1);
        let _ = self.damage.compare_exchange(0, place, Ordering::Relaxed, Ordering::Relaxed);
    }
}
