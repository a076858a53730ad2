//! SHA-256 of many short messages at once: lines, keys and nodes of trees.
//!
//! [`crate::hash_batch`] takes whole files; for a message of one or two blocks what it keeps of
//! each would cost more than the digest. Here messages are padded (FIPS 180-4, section 5.1.1)
//! where they are put, so that lanes only ever take whole blocks, and messages of about the same
//! length go side by side.

use crate::Algorithm;
use crate::Algorithms;
use crate::chains::Chains;
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
    /// What went into that state, in bytes.
    before_bytes: u64,
    /// The padded messages, one after the other.
    blocks: Vec<Block>,
    /// Where each of them ends, in blocks.
    ends: Vec<usize>,
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
        messages.before_bytes = 64;
        messages
    }

    /// Takes an engine, or none for one message after the other.
    fn with_engine(engine: Option<Engine>) -> Self {
        let engine = engine.filter(|engine| engine.in_lanes(LANES).contains(Algorithm::Sha256));
        let (blocks, ends) = (Vec::new(), Vec::new());
        Self { engine, start: Chains::new(), before_bytes: 0, blocks, ends }
    }

    /// Adds a message, which is its parts one after the other.
    pub fn push(&mut self, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let count = (len + 1 + 8).div_ceil(64);
        let first = self.blocks.len();
        self.blocks.resize(first + count, [0; 64]);
        let bytes = self.blocks[first..].as_flattened_mut();
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes[at] = 0x80;
        let bits = (self.before_bytes + len as u64).wrapping_mul(8);
        let length_at = 64 * (count - 1) + LENGTH_AT;
        bytes[length_at..length_at + 8].copy_from_slice(&bits.to_be_bytes());
        self.ends.push(self.blocks.len());
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
        self.blocks.clear();
        self.ends.clear();
    }

    /// Returns the SHA-256 of every message, in the order in which they were added.
    #[must_use]
    pub fn sha256(&self) -> Vec<[u8; 32]> {
        let mut digests = vec![[0; 32]; self.ends.len()];
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let messages: Vec<&[Block]> =
            starts.zip(&self.ends).map(|(start, &end)| &self.blocks[start..end]).collect();
        let Some(engine) = self.engine.filter(|_| messages.len() > 1) else {
            for (blocks, digest) in messages.iter().zip(&mut digests) {
                let mut chains = self.start.clone();
                chains.compress(SHA256, blocks);
                *digest = bytes_of(&chains);
            }
            return digests;
        };
        let mut order: Vec<usize> = (0..messages.len()).collect();
        // What shares lanes should end together. Most messages are of one length already.
        if messages.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
            order.sort_by_key(|&place| messages[place].len());
        }
        for places in order.chunks(LANES) {
            self.side_by_side(engine, places, &messages, &mut digests);
        }
        digests
    }

    /// Hashes as many messages as there are lanes.
    fn side_by_side(
        &self,
        engine: Engine,
        places: &[usize],
        messages: &[&[Block]],
        digests: &mut [[u8; 32]],
    ) {
        let mut columns = Columns::new();
        for lane in 0..places.len() {
            columns.set(lane, &self.start);
        }
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
                    digests[place] = bytes_of(&columns.get(lane));
                }
            }
        }
    }
}

const SHA256: Algorithms = Algorithms::NONE.with(Algorithm::Sha256);

fn bytes_of(chains: &Chains) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (word, out) in chains.sha256.iter().zip(bytes.as_chunks_mut::<4>().0) {
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
        let every = Engine::all().into_iter();
        let forced = Engine::all().into_iter().map(Engine::always);
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
                    (0..count).for_each(|n| messages.push(&parts(n)));
                    let expected: Vec<_> = (0..count).map(|n| plain(&parts(n))).collect();
                    assert_eq!(messages.sha256(), expected, "{engine:?}, {count} messages");
                    assert_eq!((messages.len(), messages.is_empty()), (count, count == 0));
                }
            }
        }
    }

    #[test]
    fn a_block_before_all_messages_counts() {
        let block = [0x36; 64];
        let mut messages = Messages::after(&block);
        for n in 0..40_usize {
            messages.push(&[&block[..n]]);
        }
        let expected: Vec<_> = (0..40).map(|n| plain(&[&block, &block[..n]])).collect();
        assert_eq!(messages.sha256(), expected);
    }
}
