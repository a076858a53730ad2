//! The filter section: says at once of most digests that they are not in the set.
//!
//! A binary-fuse filter with 8-bit fingerprints (arXiv 2201.01174) over bytes 8 to 16 of the
//! digests, in shards by the leading bits of the first byte. The file has its own layout, so that
//! it does not depend on how a library stores its values; building is done by xorf.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use xorf::BinaryFuse8;

use super::layout::{read_u32, read_u64};

/// Length of the description of one shard.
const SHARD_LEN: usize = 32;
/// Length of the head of the section.
const HEAD_LEN: usize = 16;
/// Keys that a shard should have at least: below, the work set of a build fits the cache anyway.
const SHARD_KEYS_LOG2: u32 = 16;
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

/// Makes the section of unique digests that come in order, shard by shard.
pub(super) struct FilterBuilder {
    shard_bits: u32,
    shard: usize,
    words: Vec<u64>,
    table: Vec<u8>,
    fingerprints: Vec<u8>,
}

impl FilterBuilder {
    /// Expects `count` digests.
    pub(super) fn new(count: u64) -> Self {
        let log2 = count.checked_ilog2().unwrap_or(0);
        let shard_bits = log2.saturating_sub(SHARD_KEYS_LOG2).min(MAX_SHARD_BITS);
        let (words, table, fingerprints) = (Vec::new(), Vec::new(), Vec::new());
        Self { shard_bits, shard: 0, words, table, fingerprints }
    }

    /// Takes the next digest.
    pub(super) fn push(&mut self, digest: &[u8]) {
        while self.shard < shard_of(digest, self.shard_bits) {
            self.end_shard();
        }
        self.words.extend(word(digest));
    }

    fn end_shard(&mut self) {
        self.words.sort_unstable();
        self.words.dedup();
        encode_shard(&self.words, &mut self.table, &mut self.fingerprints);
        self.words.clear();
        self.shard = self.shard.saturating_add(1);
    }

    /// Returns the bytes of the section.
    pub(super) fn finish(mut self) -> Vec<u8> {
        while self.shard < 1 << self.shard_bits {
            self.end_shard();
        }
        let length = HEAD_LEN + self.table.len() + self.fingerprints.len();
        let mut out = Vec::with_capacity(length);
        out.extend_from_slice(&self.shard_bits.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&(self.fingerprints.len() as u64).to_le_bytes());
        out.append(&mut self.table);
        out.append(&mut self.fingerprints);
        out
    }
}

/// Appends one shard. A shard that cannot be built has segment length 0 and lets everything pass.
fn encode_shard(words: &[u64], table: &mut Vec<u8>, fingerprints: &mut Vec<u8>) {
    let built = if words.is_empty() { None } else { BinaryFuse8::try_from(words).ok() };
    let start = fingerprints.len() as u64;
    let (seed, length, count_length) = match &built {
        Some(filter) => {
            fingerprints.extend_from_slice(&filter.fingerprints);
            let descriptor = &filter.descriptor;
            (descriptor.seed, descriptor.segment_length, descriptor.segment_count_length)
        }
        None => (0, 0, u32::from(words.is_empty())),
    };
    table.extend_from_slice(&seed.to_le_bytes());
    table.extend_from_slice(&length.to_le_bytes());
    table.extend_from_slice(&count_length.to_le_bytes());
    table.extend_from_slice(&start.to_le_bytes());
    table.extend_from_slice(&(fingerprints.len() as u64 - start).to_le_bytes());
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

    /// Says whether the digest may be in the set; `false` is certain. `section` is that of `read`.
    #[inline]
    pub(super) fn may_contain(&self, section: &[u8], digest: &[u8]) -> bool {
        let shard = self.shards.get(shard_of(digest, self.shard_bits));
        let (Some(shard), Some(word)) = (shard, word(digest)) else { return true };
        if shard.segment_length == 0 {
            // Count length 1 marks a shard without keys, 0 one that could not be built.
            return shard.segment_count_length != 1;
        }
        let hash = mix(word.wrapping_add(shard.seed));
        let high = u64::from(shard.segment_count_length);
        let first = ((u128::from(hash) * u128::from(high)) >> 64) as u32;
        let length = shard.segment_length;
        let mask = length.wrapping_sub(1);
        let second = first.wrapping_add(length);
        let third = second.wrapping_add(length) ^ (hash as u32 & mask);
        let second = second ^ ((hash >> 18) as u32 & mask);
        let fingerprints = section.get(shard.start..).and_then(|rest| rest.get(..shard.len));
        let at = |place: u32| fingerprints.and_then(|all| all.get(place as usize)).copied();
        match (at(first), at(second), at(third)) {
            (Some(a), Some(b), Some(c)) => a ^ b ^ c == (hash ^ (hash >> 32)) as u8,
            // Only a damaged index points outside: the exact search decides.
            _ => true,
        }
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

    fn encode(keys: &[u8], width: usize) -> Vec<u8> {
        let mut builder = FilterBuilder::new((keys.len() / width) as u64);
        keys.chunks_exact(width).for_each(|key| builder.push(key));
        builder.finish()
    }

    #[test]
    fn no_key_is_missed_at_any_size_and_few_others_pass() {
        for count in (0..40).chain([1000, 70_000, 300_000]) {
            let section = encode(keys(count).as_flattened(), 16);
            let filter = Filter::read(&section).unwrap();
            assert!(keys(count).iter().all(|key| filter.may_contain(&section, key)), "{count}");
            let others = &keys(count + 20_000);
            let passed = others.iter().filter(|key| filter.may_contain(&section, *key)).count();
            let extra = passed - usize::try_from(count).unwrap();
            assert!(extra < 200, "{extra} of 20000 pass a filter of {count}");
        }
    }

    #[test]
    fn our_reading_agrees_with_the_library() {
        let keys = keys(5000);
        let words: Vec<u64> = keys.iter().filter_map(|key| word(key)).collect();
        let library = BinaryFuse8::try_from(&words).unwrap();
        let section = encode(keys.as_flattened(), 16);
        let filter = Filter::read(&section).unwrap();
        for n in 0..50_000_u64 {
            let mut digest = [0; 16];
            digest[8..].copy_from_slice(&mix(n).to_le_bytes());
            assert_eq!(filter.may_contain(&section, &digest), library.contains(&mix(n)), "{n}");
        }
    }
}
