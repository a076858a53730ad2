//! Pages of a volume that were read lately: structures lie close together and are asked for one by
//! one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use triage_evidence::{ByteSource, Problem, read_around};

use crate::bytes::{damaged, long, short};

/// The length of a page: 256 inodes of 256 bytes.
const PAGE_BYTES: u64 = 64 * 1024;
/// How many parts the store has, each with its own lock.
const SHARDS: u64 = 16;
/// How many pages a part keeps: 32 MiB in all.
const LIMIT_PAGES: usize = 32;

/// How many bad places of one structure are read around: each may cost seconds of a failing medium.
const LIMIT_BAD_PLACES: usize = 64;

/// Parts of a range with where each begins in the volume, and why others are missing.
pub(crate) type Parts = (Vec<(u64, Vec<u8>)>, Option<Problem>);

/// One part of the store: the pages with the time of their last use.
#[derive(Default)]
struct Shard {
    pages: HashMap<u64, (u64, Arc<Vec<u8>>)>,
    clock: u64,
}

/// A source with the pages of it that were read lately.
pub(crate) struct Pages {
    source: Arc<dyn ByteSource>,
    shards: Vec<Mutex<Shard>>,
}

impl Pages {
    /// Takes a source.
    pub(crate) fn new(source: Arc<dyn ByteSource>) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { source, shards }
    }

    /// Returns the source.
    pub(crate) const fn source(&self) -> &Arc<dyn ByteSource> {
        &self.source
    }

    fn page(&self, number: u64) -> Result<Arc<Vec<u8>>, Problem> {
        let place = usize::try_from(number.rem_euclid(SHARDS)).unwrap_or(0);
        let missing = || damaged("there is no such page");
        let shard = self.shards.get(place).ok_or_else(missing)?;
        {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.clock = shard.clock.saturating_add(1);
            let now = shard.clock;
            if let Some((used, page)) = shard.pages.get_mut(&number) {
                *used = now;
                return Ok(Arc::clone(page));
            }
        }
        let mut page = vec![0; short(PAGE_BYTES)];
        let at = number.saturating_mul(PAGE_BYTES);
        let mut filled = 0_usize;
        while let Some(rest) = page.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read_at(at.saturating_add(long(filled)), rest)? {
                0 => break,
                more => filled = filled.saturating_add(more),
            }
        }
        page.truncate(filled);
        let page = Arc::new(page);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.pages.len() >= LIMIT_PAGES {
            let oldest = shard.pages.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                shard.pages.remove(&oldest);
            }
        }
        let now = shard.clock;
        shard.pages.insert(number, (now, Arc::clone(&page)));
        Ok(page)
    }

    /// Fills a buffer.
    ///
    /// # Errors
    /// A [`Problem`] if the source ends before, or cannot be read. A page that cannot be read in
    /// one piece is read as the buffer asks.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        let mut filled = 0_usize;
        while filled < buffer.len() {
            let at = offset.saturating_add(long(filled));
            let number = at.div_euclid(PAGE_BYTES);
            let within = short(at.rem_euclid(PAGE_BYTES));
            let Some(rest) = buffer.get_mut(filled..) else { break };
            let Ok(page) = self.page(number) else {
                return self.read_past(at, rest);
            };
            let part = page.get(within..).unwrap_or_default();
            let length = part.len().min(rest.len());
            if length == 0 {
                return Err(damaged("it lies behind the end of the volume").at(at));
            }
            if let (Some(to), Some(from)) = (rest.get_mut(..length), part.get(..length)) {
                to.copy_from_slice(from);
            }
            filled = filled.saturating_add(length);
        }
        Ok(())
    }

    fn read_past(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read_at(offset.saturating_add(long(filled)), rest)? {
                0 => return Err(damaged("it lies behind the end of the volume").at(offset)),
                more => filled = filled.saturating_add(more),
            }
        }
        Ok(())
    }

    /// Reads what can be read of a range: the parts around what is bad, in multiples of `unit`
    /// bytes of the volume.
    pub(crate) fn around(&self, offset: u64, length: usize, unit: u64) -> Parts {
        let problem = match self.vec(offset, length) {
            Ok(bytes) => return (vec![(offset, bytes)], None),
            Err(problem) => problem,
        };
        let held = self.source.size_bytes().saturating_sub(offset).min(long(length));
        let mut bytes = vec![0; short(held)];
        let around = read_around(&self.source, offset, &mut bytes, LIMIT_BAD_PLACES);
        let mut parts = Vec::new();
        let mut part = |from: u64, until: u64| {
            let from = from.checked_next_multiple_of(unit).unwrap_or(u64::MAX);
            let length = until.saturating_sub(until.checked_rem(unit).unwrap_or(0));
            let length = short(length.saturating_sub(from));
            let within = bytes.get(short(from.saturating_sub(offset))..);
            if let Some(part) = within.and_then(|bytes| bytes.get(..length))
                && !part.is_empty()
            {
                parts.push((from, part.to_vec()));
            }
        };
        let mut next = offset;
        for bad in &around.bad {
            let start = bad.offset.unwrap_or(next);
            part(next, start);
            next = start.saturating_add(bad.lost_bytes.unwrap_or(0));
        }
        part(next, offset.saturating_add(long(around.held)));
        (parts, around.bad.into_iter().next().or(Some(problem)))
    }

    /// Reads so many bytes.
    ///
    /// # Errors
    /// A [`Problem`] as [`Pages::read`].
    pub(crate) fn vec(&self, offset: u64, length: usize) -> Result<Vec<u8>, Problem> {
        let end = offset.saturating_add(long(length));
        if end > self.source.size_bytes() {
            return Err(damaged("it lies behind the end of the volume").at(offset));
        }
        let mut bytes = vec![0; length];
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }
}
