//! The filter section: says at once of most digests that they are not in the set.
//!
//! A binary-fuse filter with 8-bit fingerprints (arXiv 2201.01174) over bytes 8 to 16 of the
//! digests, in shards by the leading bits of the first byte. The file has its own layout, so that
//! it does not depend on how a library stores its values; building is done by xorf.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use std::sync::atomic::{AtomicUsize, Ordering};

use xorf::BinaryFuse8;

use super::keys::ShortKeys;
use super::layout::{read_u32, read_u64};
use crate::Error;
use crate::spill::{Growing, Scratch, Stored};

/// Length of the description of one shard.
const SHARD_LEN: usize = 32;
/// Length of the head of the section.
const HEAD_LEN: usize = 16;
/// Keys that a shard should have at least: below, the work set of a build fits the cache anyway.
const SHARD_KEYS_LOG2: u32 = 16;
/// Most threads that build shards: each has the keys of one in memory.
const MAX_THREADS: usize = 8;
/// Memory that the build of a shard takes for each of its keys, in bytes.
const BUILD_BYTES_PER_KEY: usize = 48;
/// Most bits of the first byte that choose the shard.
const MAX_SHARD_BITS: u32 = 8;

/// One shard as the file describes it.
#[derive(Clone, Copy, Debug)]
struct Shard {
    seed: u64,
    segment_length: u32,
    segment_count_length: u32,
    start: usize,
    len: usize,
}

/// The filter of one algorithm, read from its section.
#[derive(Debug)]
pub(super) struct Filter {
    shard_bits: u32,
    shards: Vec<Shard>,
}

/// Makes the section of the keys of an index. Shards are built by several threads; each depends on
/// its own keys alone.
///
/// # Errors
/// [`Error::Io`] if a scratch file fails.
pub(super) fn build_filter(keys: &ShortKeys<'_>, scratch: &Scratch) -> Result<Stored, Error> {
    let count = keys.fan.last().copied().unwrap_or(0);
    let fan_bits = keys.fan.len().saturating_sub(1).checked_ilog2().unwrap_or(0);
    let log2 = count.checked_ilog2().unwrap_or(0);
    let shard_bits = log2.saturating_sub(SHARD_KEYS_LOG2).min(MAX_SHARD_BITS);
    let shards = 1_usize << shard_bits;
    // Both tables go by the leading bits, so that a shard has whole prefixes.
    let first = |shard: usize| {
        let place = shard << fan_bits.saturating_sub(shard_bits);
        keys.fan.get(place).copied().unwrap_or(count)
    };
    let build = |shard: usize| -> Result<Option<BinaryFuse8>, Error> {
        let mut words = keys.words(first(shard), first(shard + 1))?;
        words.sort_unstable();
        words.dedup();
        Ok(if words.is_empty() { None } else { BinaryFuse8::try_from(&words).ok() })
    };
    let shard_bytes = (count as usize / shards).saturating_mul(BUILD_BYTES_PER_KEY).max(1);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(scratch.memory_bytes / shard_bytes).clamp(1, MAX_THREADS);
    let built: Result<Vec<_>, Error> = in_parallel(shards, threads, &build).into_iter().collect();
    let built = built?;
    let mut table = Vec::new();
    let mut total = 0;
    for (shard, built) in built.iter().enumerate() {
        let is_empty = first(shard) == first(shard + 1);
        total = encode_shard(built.as_ref(), is_empty, total, &mut table);
    }
    let mut out = Growing::new(scratch)?;
    out.put(&shard_bits.to_le_bytes())?;
    out.put(&0_u32.to_le_bytes())?;
    out.put(&total.to_le_bytes())?;
    out.put(&table)?;
    for filter in built.into_iter().flatten() {
        out.put(&filter.fingerprints)?;
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

/// Appends the description of one shard whose fingerprints begin at `start`; returns where they
/// end. A shard that cannot be built has segment length 0 and lets everything pass.
fn encode_shard(
    built: Option<&BinaryFuse8>,
    is_empty: bool,
    start: u64,
    table: &mut Vec<u8>,
) -> u64 {
    let (seed, length, count_length, len) = match built {
        Some(filter) => {
            let descriptor = &filter.descriptor;
            let len = filter.fingerprints.len() as u64;
            (descriptor.seed, descriptor.segment_length, descriptor.segment_count_length, len)
        }
        None => (0, 0, u32::from(is_empty), 0),
    };
    table.extend_from_slice(&seed.to_le_bytes());
    table.extend_from_slice(&length.to_le_bytes());
    table.extend_from_slice(&count_length.to_le_bytes());
    table.extend_from_slice(&start.to_le_bytes());
    table.extend_from_slice(&len.to_le_bytes());
    start.saturating_add(len)
}

impl Filter {
    /// Reads the table of a section; the fingerprints stay where they are.
    pub(super) fn read(section: &[u8]) -> Option<Self> {
        let shard_bits = read_u32(section, 0).filter(|bits| *bits <= MAX_SHARD_BITS)?;
        let total = usize::try_from(read_u64(section, 8)?).ok()?;
        let shards = 1_usize << shard_bits;
        let base = HEAD_LEN + shards * SHARD_LEN;
        if section.len().checked_sub(base)? != total {
            return None;
        }
        let read = |shard: usize| {
            let at = HEAD_LEN + shard * SHARD_LEN;
            let start = usize::try_from(read_u64(section, at + 16)?).ok()?;
            let len = usize::try_from(read_u64(section, at + 24)?).ok()?;
            start.checked_add(len).filter(|end| *end <= total)?;
            Some(Shard {
                seed: read_u64(section, at)?,
                segment_length: read_u32(section, at + 8)?,
                segment_count_length: read_u32(section, at + 12)?,
                start: base + start,
                len,
            })
        };
        let shards: Option<Vec<Shard>> = (0..shards).map(read).collect();
        Some(Self { shard_bits, shards: shards? })
    }

    /// Returns how many bytes of the section were read and are kept.
    pub(super) fn head_len(&self) -> usize {
        HEAD_LEN.saturating_add(self.shards.len().saturating_mul(SHARD_LEN))
    }

    /// Says whether the digest may be in the set; `false` is certain. `byte` returns a byte of the
    /// section.
    #[inline]
    pub(super) fn may_contain<'a>(
        &self,
        digest: &[u8],
        byte: impl Fn(usize) -> Option<&'a u8>,
    ) -> bool {
        let Some((places, fingerprint)) = self.places(digest) else {
            // Count length 1 marks a shard without keys, 0 one that could not be built.
            let shard = self.shards.get(shard_of(digest, self.shard_bits));
            return !shard.is_some_and(|s| s.segment_length == 0 && s.segment_count_length == 1);
        };
        match places.map(|place| byte(place?)) {
            [Some(a), Some(b), Some(c)] => a ^ b ^ c == fingerprint,
            // Only a damaged index points outside: the exact search decides.
            _ => true,
        }
    }

    /// Returns the places in the section of the three bytes that are asked for a digest, and what
    /// they give together if it may be in the set. `None` if nothing is asked.
    #[inline]
    pub(super) fn places(&self, digest: &[u8]) -> Option<([Option<usize>; 3], u8)> {
        let shard = self.shards.get(shard_of(digest, self.shard_bits))?;
        let word = word(digest)?;
        if shard.segment_length == 0 {
            return None;
        }
        let hash = mix(word.wrapping_add(shard.seed));
        let high = u64::from(shard.segment_count_length);
        let first = ((u128::from(hash) * u128::from(high)) >> 64) as u32;
        let length = shard.segment_length;
        let mask = length.wrapping_sub(1);
        let second = first.wrapping_add(length);
        let third = second.wrapping_add(length) ^ (hash as u32 & mask);
        let second = second ^ ((hash >> 18) as u32 & mask);
        let at = |place: u32| {
            let place = Some(place as usize).filter(|place| *place < shard.len)?;
            shard.start.checked_add(place)
        };
        Some(([first, second, third].map(at), (hash ^ (hash >> 32)) as u8))
    }
}

/// Returns the shard of a digest: the leading bits of its first byte.
#[inline]
fn shard_of(digest: &[u8], bits: u32) -> usize {
    usize::from(digest.first().copied().unwrap_or(0)) >> (8 - bits.min(8))
}

/// Returns bytes 8 to 16 of a digest, which the filter is over. Every digest has 16 bytes.
#[inline]
fn word(digest: &[u8]) -> Option<u64> {
    read_u64(digest, 8)
}

/// The finaliser of `MurmurHash3`, by which binary-fuse filters spread their keys.
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
    use xorf::Filter as _;

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

    /// The section of whole keys of 16 bytes, in order.
    fn encode(keys: &[[u8; 16]]) -> Vec<u8> {
        let scratch = Scratch::in_memory();
        let bits = fan_bits(keys.len() as u64);
        let mut fan = vec![0; (1 << bits) + 1];
        let mut bytes = Growing::new(&scratch).unwrap();
        for key in keys {
            fan[fan_place(key, bits) + 1] += 1;
            bytes.put(key).unwrap();
        }
        (1..fan.len()).for_each(|place| fan[place] += fan[place - 1]);
        let bytes = bytes.finish().unwrap();
        let keys = ShortKeys { bytes: &bytes, width: 16, dropped: 0, fan: &fan };
        let mut section = Vec::new();
        let mut each = |bytes: &[u8]| {
            section.extend_from_slice(bytes);
            Ok(())
        };
        build_filter(&keys, &scratch).unwrap().read_all(&mut each).unwrap();
        section
    }

    #[test]
    fn no_key_is_missed_at_any_size_and_few_others_pass() {
        for count in (0..40).chain([1000, 70_000, 300_000]) {
            let section = encode(&keys(count));
            let filter = Filter::read(&section).unwrap();
            assert!(
                keys(count).iter().all(|key| filter.may_contain(key, |at| section.get(at))),
                "{count}"
            );
            let others = &keys(count + 20_000);
            let passed =
                others.iter().filter(|key| filter.may_contain(*key, |at| section.get(at))).count();
            let extra = passed - usize::try_from(count).unwrap();
            assert!(extra < 200, "{extra} of 20000 pass a filter of {count}");
        }
    }

    #[test]
    fn our_reading_agrees_with_the_library() {
        let keys = keys(5000);
        let words: Vec<u64> = keys.iter().filter_map(|key| word(key)).collect();
        let library = BinaryFuse8::try_from(&words).unwrap();
        let section = encode(&keys);
        let filter = Filter::read(&section).unwrap();
        for n in 0..50_000_u64 {
            let mut digest = [0; 16];
            digest[8..].copy_from_slice(&mix(n).to_le_bytes());
            assert_eq!(
                filter.may_contain(&digest, |at| section.get(at)),
                library.contains(&mix(n)),
                "{n}"
            );
        }
    }
}
