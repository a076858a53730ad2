//! The filter section: says at once of most digests that they are not in the set.
//!
//! A blocked Bloom filter. Each digest has one line of 64 bytes, chosen by its leading bits, and in
//! it a few of 480 bits: a lookup waits for main memory once. The last four bytes of a line are its
//! own check, so that nobody reads a page of 4,096 bytes to trust 64 of them: in a scan of 100,000
//! small files with 10^8 digests that was half of what the set cost.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use std::sync::atomic::{AtomicUsize, Ordering};

use super::keys::ShortKeys;
use super::layout::{ALIGN, read_u32, read_u64};
use crate::Error;
use crate::spill::{Growing, Scratch, Stored};

/// Length of a line: a line of the processor's caches.
pub(super) const LINE_LEN: usize = 64;
/// Where in a line its check stands.
const CHECK_AT: usize = 60;
/// Bits of a line.
const LINE_BITS: u64 = 8 * CHECK_AT as u64;
/// Bits of the filter for four digests: about 0.4 % of other digests pass, and each of them costs
/// the check of a page or two.
const BITS_PER_FOUR: u64 = 49;
/// Bits that are set for each digest.
const PROBES: u32 = 7;
/// Keys that a shard should have at least: below, a thread for it is not worth it.
const SHARD_KEYS_LOG2: u32 = 16;
/// Most threads that build shards: each has the lines of one in memory.
const MAX_THREADS: usize = 8;
/// Most bits of the first byte that choose the shard.
const MAX_SHARD_BITS: u32 = 8;

/// A line: its bits and its check.
pub(super) type Line = [u8; LINE_LEN];

/// The filter of one algorithm: so many lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    lines: u64,
}

/// Makes the section of the keys of an index. Shards are built by several threads; each has its
/// own lines.
///
/// # Errors
/// [`Error::Io`] if a scratch file fails.
pub(super) fn build_filter(keys: &ShortKeys<'_>, scratch: &Scratch) -> Result<Stored, Error> {
    let count = keys.fan.last().copied().unwrap_or(0);
    let fan_bits = keys.fan.len().saturating_sub(1).checked_ilog2().unwrap_or(0);
    let log2 = count.checked_ilog2().unwrap_or(0);
    let shard_bits = log2.saturating_sub(SHARD_KEYS_LOG2).min(MAX_SHARD_BITS);
    let filter = Filter::of(u64::from(count), shard_bits);
    let shards = 1_usize << shard_bits;
    let lines = filter.lines >> shard_bits;
    // Both tables go by the leading bits, so that a shard has whole prefixes.
    let first = |shard: usize| shard << fan_bits.saturating_sub(shard_bits);
    let build = |shard: usize| -> Result<Vec<u8>, Error> {
        let start = shard as u64 * lines;
        let mut section = vec![0; lines as usize * LINE_LEN];
        // With fewer prefixes than shards there is one shard, which has all of them.
        let prefixes = first(shard)..first(shard + 1).min(keys.fan.len().saturating_sub(1));
        keys.each(prefixes, &mut |leading, word| {
            let line = filter.line_of(leading).saturating_sub(start) as usize;
            if let Some(line) = section.as_chunks_mut::<LINE_LEN>().0.get_mut(line) {
                places(word).for_each(|(byte, bit)| {
                    if let Some(byte) = line.get_mut(byte) {
                        *byte |= bit;
                    }
                });
            }
        })?;
        for (number, line) in (start..).zip(section.as_chunks_mut::<LINE_LEN>().0) {
            let check = check_of(number, line).to_le_bytes();
            line.iter_mut().skip(CHECK_AT).zip(check).for_each(|(byte, check)| *byte = check);
        }
        Ok(section)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let most = scratch.memory_bytes / (lines as usize * LINE_LEN).max(1);
    let threads = threads.min(most).clamp(1, MAX_THREADS);
    let mut out = Growing::new(scratch)?;
    // As many shards at a time as there are threads: all of them together are large.
    for begun in (0..shards).step_by(threads) {
        let some = threads.min(shards - begun);
        for section in in_parallel(some, threads, &|place| build(begun + place)) {
            out.put(&section?)?;
        }
    }
    out.finish()
}

/// Does `count` pieces of work on several threads and returns what they gave, in their order.
fn in_parallel<T: Send>(
    count: usize,
    threads: usize,
    work: &(dyn Fn(usize) -> T + Sync),
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let one_thread = || {
        let places = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        places.take_while(|place| *place < count).map(|place| (place, work(place))).collect()
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(one_thread)).collect();
        let mut done: Vec<(usize, T)> = one_thread();
        for worker in workers {
            match worker.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, value)| value).collect()
}

impl Filter {
    /// Returns the lines for so many digests in so many shards: whole pages of them, and as many
    /// for each shard.
    fn of(count: u64, shard_bits: u32) -> Self {
        let together = (ALIGN / LINE_LEN).max(1 << shard_bits) as u64;
        let lines = (count * BITS_PER_FOUR).div_ceil(4 * LINE_BITS).max(1);
        Self { lines: lines.next_multiple_of(together) }
    }

    /// Returns the filter of a section of so many bytes; `None` if that is not one or more lines.
    pub(super) fn read(section_len: usize) -> Option<Self> {
        let lines = (section_len / LINE_LEN) as u64;
        (lines > 0 && section_len.is_multiple_of(LINE_LEN)).then_some(Self { lines })
    }

    /// Returns the number of the line of a digest. Every digest has 16 bytes.
    #[inline]
    pub(super) fn line(self, digest: &[u8]) -> u64 {
        let leading = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        self.line_of(leading)
    }

    #[inline]
    fn line_of(self, leading: u64) -> u64 {
        ((u128::from(leading) * u128::from(self.lines)) >> 64) as u64
    }
}

/// Says whether a digest may be in the set, given its line; `false` is certain.
#[inline]
pub(super) fn may_contain(line: &Line, digest: &[u8]) -> bool {
    let word = read_u64(digest, 8).unwrap_or(0);
    // All of them: where to stop is a guess that the processor gets wrong half of the time.
    let is_set = |(byte, bit)| line.get(byte).is_none_or(|byte: &u8| byte & bit != 0);
    places(word).fold(true, |all, place| all & is_set(place))
}

/// Says whether a line is as it was written.
#[inline]
pub(super) fn is_sound(number: u64, line: &Line) -> bool {
    read_u32(line, CHECK_AT) == Some(check_of(number, line))
}

/// Returns the CRC-32 of the number of a line, as four bytes, and its bits.
#[inline]
fn check_of(number: u64, line: &Line) -> u32 {
    let mut bytes = *line;
    let number = (number as u32).to_le_bytes();
    bytes.iter_mut().skip(CHECK_AT).zip(number).for_each(|(byte, part)| *byte = part);
    crc32fast::hash(&bytes)
}

/// Returns the bytes and bits in a line of a digest, of which bytes 8 to 16 are given.
#[inline]
fn places(word: u64) -> impl Iterator<Item = (usize, u8)> {
    let hash = mix(word);
    let (start, step) = (hash as u32, (hash >> 32) as u32 | 1);
    (0..PROBES).map(move |probe| {
        let hash = start.wrapping_add(probe.wrapping_mul(step));
        let bit = (u64::from(hash) * LINE_BITS) >> 32;
        ((bit / 8) as usize, 1 << (bit % 8))
    })
}

/// The finaliser of `MurmurHash3`: bits that differ in few places differ in many behind it.
#[inline]
const fn mix(mut key: u64) -> u64 {
    key ^= key >> 33;
    key = key.wrapping_mul(0xff51_afd7_ed55_8ccd);
    key ^= key >> 33;
    key = key.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ key >> 33
}

#[cfg(test)]
mod tests {
    use super::super::encode::fan_place;
    use super::super::layout::fan_bits;
    use super::*;

    /// Sixteen-byte keys without duplicates, in order.
    fn keys(count: u64) -> Vec<[u8; 16]> {
        let key = |n: u64| {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&mix(n + 1).to_be_bytes());
            key[8..].copy_from_slice(&mix(!n).to_le_bytes());
            key
        };
        let mut keys: Vec<_> = (0..count).map(key).collect();
        keys.sort_unstable();
        keys
    }

    /// The lines of whole keys, in order, of which the section of keys leaves the prefix out.
    fn encode(keys: &[[u8; 16]]) -> Vec<Line> {
        let scratch = Scratch::in_memory();
        let bits = fan_bits(keys.len() as u64);
        let dropped = (bits / 8) as usize;
        let mut fan = vec![0; (1 << bits) + 1];
        let mut bytes = Growing::new(&scratch).unwrap();
        for key in keys {
            fan[fan_place(key, bits) + 1] += 1;
            bytes.put(&key[dropped..]).unwrap();
        }
        (1..fan.len()).for_each(|place| fan[place] += fan[place - 1]);
        let bytes = bytes.finish().unwrap();
        let keys = ShortKeys { bytes: &bytes, width: 16 - dropped, dropped, fan: &fan };
        let mut section = Vec::new();
        let mut each = |bytes: &[u8]| {
            section.extend_from_slice(bytes);
            Ok(())
        };
        build_filter(&keys, &scratch).unwrap().read_all(&mut each).unwrap();
        section.as_chunks().0.to_vec()
    }

    fn passes(lines: &[Line], key: &[u8; 16]) -> bool {
        let filter = Filter::read(lines.len() * LINE_LEN).unwrap();
        let number = filter.line(key);
        let line = &lines[usize::try_from(number).unwrap()];
        assert!(is_sound(number, line), "line {number}");
        may_contain(line, key)
    }

    #[test]
    fn no_key_is_missed_at_any_size_and_few_others_pass() {
        for count in (0..40).chain([1000, 70_000, 300_000]) {
            let lines = encode(&keys(count));
            assert!(lines.len().is_multiple_of(64), "whole pages");
            assert!(keys(count).iter().all(|key| passes(&lines, key)), "{count}");
            let others = &keys(count + 20_000);
            let passed = others.iter().filter(|key| passes(&lines, key)).count();
            let extra = passed - usize::try_from(count).unwrap();
            assert!(extra < 150, "{extra} of 20000 pass a filter of {count}");
        }
    }

    #[test]
    fn keys_that_all_begin_alike_are_not_missed() {
        let alike = |n: u64| {
            let mut key = [0; 16];
            key[8..].copy_from_slice(&n.to_be_bytes());
            key
        };
        let keys: Vec<_> = (0..5_000).map(alike).collect();
        let lines = encode(&keys);
        assert!(keys.iter().all(|key| passes(&lines, key)));
        assert!(!passes(&lines, &[0xff; 16]), "another line");
    }

    #[test]
    fn a_line_that_was_changed_or_stands_elsewhere_is_not_sound() {
        let lines = encode(&keys(1000));
        for place in 0..LINE_LEN {
            let mut line = lines[5];
            line[place] ^= 4;
            assert!(!is_sound(5, &line), "byte {place}");
        }
        assert!(is_sound(5, &lines[5]) && !is_sound(6, &lines[5]));
        assert!(!is_sound(0, &[0; LINE_LEN]) && !is_sound(5, &[0xff; LINE_LEN]));
    }

    #[test]
    fn sections_that_are_no_lines_are_refused() {
        assert!([0, 1, 63, 65, 4095].into_iter().all(|len| Filter::read(len).is_none()));
        assert!(Filter::read(64).is_some());
    }
}
