//! SHA-256 of many short messages at once: lines, keys and nodes of trees.
//!
//! [`crate::hash_batch`] takes whole files; for a message of one or two blocks what it keeps of
//! each would cost more than the digest. Here messages are padded (FIPS 180-4, section 5.1.1)
//! where they are put, so that lanes only ever take whole blocks, and messages of about the same
//! length go side by side.

use crate::chains::{Chains, SHA256};
use crate::constants::Block;
use crate::lanes::{Columns, Engine, LANES, Rows};

/// Where the length stands in the last block.
const LENGTH_AT: usize = 56;

/// Messages waiting to be hashed; its memory is used again after [`Messages::clear`].
#[derive(Clone, Debug)]
pub struct Messages {
    engine: Option<Engine>,
    /// The state before the first block of each message.
    start: Chains,
    /// That state in every lane.
    columns: Columns,
    /// What went into that state, in bytes.
    before_bytes: u64,
    /// The padded messages, one after the other.
    bytes: Vec<u8>,
    /// Where each of them ends, in blocks.
    ends: Vec<usize>,
    /// How many blocks each has, if all have as many.
    length: Option<usize>,
}

impl Default for Messages {
    fn default() -> Self {
        Self::new()
    }
}

impl Messages {
    /// Returns a place for messages.
    #[must_use]
    pub fn new() -> Self {
        Self::with_engine(Engine::detect())
    }

    /// Returns a place for messages that all begin with `block`, which is hashed only once: the
    /// padded key of HMAC (RFC 2104).
    #[must_use]
    pub fn after(block: &[u8; 64]) -> Self {
        let mut messages = Self::new();
        messages.start.compress(SHA256, std::slice::from_ref(block));
        messages.columns = Columns::all(&messages.start);
        messages.before_bytes = 64;
        messages
    }

    /// Takes an engine, or none for one message after the other.
    fn with_engine(engine: Option<Engine>) -> Self {
        let engine = engine.filter(|engine| engine.in_lanes(SHA256, LANES) == SHA256);
        let start = Chains::new();
        let columns = Columns::all(&start);
        let (bytes, ends) = (Vec::new(), Vec::new());
        Self { engine, start, columns, before_bytes: 0, bytes, ends, length: None }
    }

    /// Makes room for more messages, which have so many bytes in all.
    pub fn reserve(&mut self, messages: usize, bytes: usize) {
        self.ends.reserve(messages);
        self.bytes.reserve(bytes.saturating_add(messages.saturating_mul(64 + 8)));
    }

    /// Adds a message, which is its parts one after the other.
    ///
    /// Parts whose lengths the compiler knows are laid into a short message without a call: of the
    /// messages of a manifest nine in ten are codes, keys and nodes.
    #[inline]
    pub fn push<const N: usize>(&mut self, parts: [&[u8]; N]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len < LENGTH_AT {
            self.push_short::<64, N>(parts, len);
        } else if len < 64 + LENGTH_AT {
            self.push_short::<128, N>(parts, len);
        } else {
            self.push_written(&mut |bytes| parts.iter().for_each(|part| bytes.extend(*part)));
        }
    }

    /// Adds a message that has `LEN` bytes when it is padded.
    #[inline]
    fn push_short<const LEN: usize, const N: usize>(&mut self, parts: [&[u8]; N], len: usize) {
        let mut bytes = [0; LEN];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes[at] = 0x80;
        bytes[LEN - 8..].copy_from_slice(&self.bits(len).to_be_bytes());
        self.bytes.extend_from_slice(&bytes);
        self.end(LEN / 64);
    }

    /// Returns what is hashed for a message of so many bytes, in bits.
    fn bits(&self, len: usize) -> u64 {
        (self.before_bytes + len as u64).wrapping_mul(8)
    }

    /// Notes the end of a message of so many blocks.
    #[inline]
    fn end(&mut self, blocks: usize) {
        if self.ends.is_empty() {
            self.length = Some(blocks);
        } else if self.length != Some(blocks) {
            self.length = None;
        }
        self.ends.push(self.bytes.len() / 64);
    }

    /// Adds a message, which is what `write` appends: to be made where it is hashed.
    pub fn push_written(&mut self, write: &mut dyn FnMut(&mut Vec<u8>)) {
        let first = 64 * self.ends.last().copied().unwrap_or(0);
        write(&mut self.bytes);
        let len = self.bytes.len() - first;
        let count = (len + 1 + 8).div_ceil(64);
        let bits = self.bits(len);
        self.bytes.push(0x80);
        self.bytes.resize(first + 64 * (count - 1) + LENGTH_AT, 0);
        self.bytes.extend_from_slice(&bits.to_be_bytes());
        self.end(count);
    }

    /// Returns how many messages there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Says whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Takes all messages out.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Returns the SHA-256 of every message, in the order in which they were added.
    #[must_use]
    pub fn sha256(&self) -> Vec<[u8; 32]> {
        let mut digests = vec![[0; 32]; self.ends.len()];
        let blocks: &[Block] = self.bytes.as_chunks().0;
        let engine = self.engine.filter(|_| self.ends.len() > 1);
        // Most messages are of one length.
        if let (Some(engine), Some(length)) = (engine, self.length) {
            let together = blocks.chunks(LANES * length).zip(digests.chunks_mut(LANES));
            together.for_each(|(blocks, digests)| {
                self.of_one_length(engine, blocks, length, digests);
            });
            return digests;
        }
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let messages: Vec<&[Block]> =
            starts.zip(&self.ends).map(|(start, &end)| &blocks[start..end]).collect();
        let Some(engine) = engine else {
            for (blocks, digest) in messages.iter().zip(&mut digests) {
                let mut chains = self.start.clone();
                chains.compress(SHA256, blocks);
                *digest = bytes_of(&chains.sha256);
            }
            return digests;
        };
        // What shares lanes should end together.
        let mut order: Vec<usize> = (0..messages.len()).collect();
        order.sort_by_key(|&place| messages[place].len());
        for places in order.chunks(LANES) {
            self.side_by_side(engine, places, &messages, &mut digests);
        }
        digests
    }

    /// Hashes messages of `length` blocks each, at most one for each lane.
    fn of_one_length(
        &self,
        engine: Engine,
        blocks: &[Block],
        length: usize,
        digests: &mut [[u8; 32]],
    ) {
        let mut columns = self.columns.clone();
        let mut rows = Rows { lanes: [&[]; LANES], blocks: length, last: 0 };
        rows.lanes.iter_mut().zip(blocks.chunks(length)).for_each(|(lane, blocks)| *lane = blocks);
        engine.advance(SHA256, &mut columns, &rows);
        for (lane, digest) in digests.iter_mut().enumerate() {
            *digest = bytes_of(&columns.sha256_of(lane));
        }
    }

    /// Hashes as many messages as there are lanes.
    fn side_by_side(
        &self,
        engine: Engine,
        places: &[usize],
        messages: &[&[Block]],
        digests: &mut [[u8; 32]],
    ) {
        let mut columns = self.columns.clone();
        let mut done = 0;
        loop {
            let left = |place: &usize| messages[*place].len().saturating_sub(done);
            let Some(step) = places.iter().map(left).filter(|&left| left > 0).min() else { return };
            let mut rows = Rows { lanes: [&[]; LANES], blocks: step, last: 0 };
            for (lane, &place) in rows.lanes.iter_mut().zip(places) {
                *lane = messages[place].get(done..).unwrap_or_default();
            }
            engine.advance(SHA256, &mut columns, &rows);
            done += step;
            for (lane, &place) in places.iter().enumerate() {
                if messages[place].len() == done {
                    digests[place] = bytes_of(&columns.sha256_of(lane));
                }
            }
        }
    }
}

fn bytes_of(words: &[u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (word, out) in words.iter().zip(bytes.as_chunks_mut::<4>().0) {
        *out = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn plain(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        hash.finalize().into()
    }

    fn engines() -> Vec<Option<Engine>> {
        let every = Engine::all();
        let forced = Engine::all().map(Engine::always);
        every.chain(forced).map(Some).chain([None]).collect()
    }

    #[test]
    fn every_length_and_count_equals_the_plain_crate() {
        let pattern: Vec<u8> = (0..=250).cycle().take(1000).collect();
        for engine in engines() {
            for count in [0, 1, 2, 15, 16, 17, 301] {
                let mut messages = Messages::with_engine(engine);
                // Twice, so that the second time uses memory that was written before.
                for shift in [0, 7] {
                    messages.clear();
                    let parts = |n: usize| {
                        let (salt, line) = pattern.split_at(16);
                        [&salt[..n % 17], &line[shift..shift + n]]
                    };
                    messages.reserve(count, count);
                    (0..count).for_each(|n| messages.push(parts(n)));
                    let expected: Vec<_> = (0..count).map(|n| plain(&parts(n))).collect();
                    assert_eq!(messages.sha256(), expected, "{engine:?}, {count} messages");
                    assert_eq!((messages.len(), messages.is_empty()), (count, count == 0));
                }
            }
        }
    }

    #[test]
    fn messages_of_one_length_equal_the_plain_crate() {
        for engine in engines() {
            for (count, length) in [(1, 64), (2, 0), (15, 55), (16, 56), (17, 200), (50, 119)] {
                let mut messages = Messages::with_engine(engine);
                let parts = |n: u8| vec![n; length];
                (0..count).for_each(|n| messages.push_written(&mut |out| out.extend(parts(n))));
                let expected: Vec<_> = (0..count).map(|n| plain(&[&parts(n)])).collect();
                assert_eq!(messages.sha256(), expected, "{engine:?}, {count} of {length}");
            }
        }
    }

    #[test]
    fn a_block_before_all_messages_counts() {
        let block = [0x36; 64];
        let mut messages = Messages::after(&block);
        for n in 0..40_usize {
            messages.push([&block[..n]]);
        }
        let expected: Vec<_> = (0..40).map(|n| plain(&[&block, &block[..n]])).collect();
        assert_eq!(messages.sha256(), expected);
    }
}
