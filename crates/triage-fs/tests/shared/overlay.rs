//! A disk of which some bytes were changed, its end was cut off, or a range cannot be read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::limits::Draw;

/// A disk in memory with changes laid over it: nothing is copied.
#[derive(Clone)]
pub(crate) struct Overlay {
    base: Arc<Vec<u8>>,
    changed: BTreeMap<usize, u8>,
    size: usize,
    bad: Range<u64>,
    /// Whether a read tells of one sector of the bad range, not of all of it.
    by_sector: bool,
}

impl Overlay {
    pub(crate) fn new(base: &Arc<Vec<u8>>) -> Self {
        let (base, size) = (Arc::clone(base), base.len());
        Self { base, changed: BTreeMap::new(), size, bad: 0..0, by_sector: false }
    }

    /// Returns a byte as it is now.
    pub(crate) fn byte(&self, at: usize) -> u8 {
        self.changed.get(&at).copied().unwrap_or(self.base[at])
    }

    /// Writes bytes over others.
    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.changed.extend((at..).zip(bytes.iter().copied()));
    }

    /// Cuts the end off.
    pub(crate) fn truncate(&mut self, size: usize) {
        self.size = size;
    }

    /// Makes a range unreadable.
    pub(crate) fn spoil(&mut self, range: Range<u64>) {
        self.bad = range;
    }

    /// Makes a range unreadable, of which each read tells one sector.
    pub(crate) fn spoil_sectors(&mut self, range: Range<u64>) {
        self.spoil(range);
        self.by_sector = true;
    }

    /// Flips bits or replaces bytes in up to 16 of these sectors.
    pub(crate) fn damage(&mut self, sectors: &[usize], draw: &mut Draw) {
        for _ in 0..=draw.next(16) {
            let at = sectors[draw.next(sectors.len())] + draw.next(512);
            let byte = match draw.next(2) {
                0 => self.byte(at) ^ 1 << draw.next(8),
                _ => draw.next(256) as u8,
            };
            self.put(at, &[byte]);
        }
    }
}

impl ByteSource for Overlay {
    fn size_bytes(&self) -> u64 {
        self.size as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.size);
        let length = buffer.len().min(self.size - start);
        let end = offset + length as u64;
        if offset < self.bad.end && end > self.bad.start {
            let at = offset.max(self.bad.start);
            let problem = Problem::new(ProblemKind::Unreadable, "bad sector");
            let lost = self.bad.end - at;
            return Err(problem.at(at).losing(if self.by_sector { lost.min(512) } else { lost }));
        }
        buffer[..length].copy_from_slice(&self.base[start..start + length]);
        for (&at, &byte) in self.changed.range(start..start + length) {
            buffer[at - start] = byte;
        }
        Ok(length)
    }
}
