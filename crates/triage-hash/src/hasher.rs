//! Several digests in one pass over one stream.
//!
//! Many whole buffers at once are in `batch.rs`, which is several times as fast.

use sha2::Digest as _;

use crate::chains::{CHAINED, Chains};
use crate::constants::Block;
use crate::{Algorithm, Algorithms, Digest, Digests};

/// Bytes given to each algorithm in turn, so that the next one finds them in the first-level cache.
const STEP: usize = 16 * 1024;

/// Computes several digests of one stream, chunk by chunk.
#[derive(Clone)]
pub struct Hasher {
    chained: Algorithms,
    pub(crate) chains: Chains,
    /// The bytes after the last whole block; the first `len_bytes % 64` count.
    rest: Block,
    len_bytes: u64,
    sha512: Option<sha2::Sha512>,
    sha3_256: Option<sha3::Sha3_256>,
    blake3: Option<Box<blake3::Hasher>>,
}

impl Hasher {
    /// Returns a hasher of the empty stream for these algorithms.
    #[must_use]
    pub fn new(algorithms: Algorithms) -> Self {
        let wants = |algorithm| algorithms.contains(algorithm);
        Self {
            chained: algorithms.intersection(CHAINED),
            chains: Chains::new(),
            rest: [0; 64],
            len_bytes: 0,
            sha512: wants(Algorithm::Sha512).then(sha2::Sha512::new),
            sha3_256: wants(Algorithm::Sha3_256).then(sha3::Sha3_256::default),
            blake3: wants(Algorithm::Blake3).then(|| Box::new(blake3::Hasher::new())),
        }
    }

    /// Takes the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        for step in bytes.chunks(STEP) {
            if !self.chained.is_empty() {
                self.update_chains(step);
            }
            self.update_steps(step);
        }
        self.update_blake3(bytes);
    }

    /// Takes MD5 out, whose chain is what a stream waits for: the returned hasher computes it of
    /// this stream, on another thread, and this one the others. Nothing if MD5 has no company.
    ///
    /// Both must take the same bytes until [`Hasher::give_back`].
    pub fn take_md5(&mut self) -> Option<Self> {
        let md5 = Algorithms::NONE.with(Algorithm::Md5);
        let others = self.chained.without(md5);
        if !self.chained.contains(Algorithm::Md5) || others.is_empty() {
            return None;
        }
        self.chained = others;
        let (chains, rest, len_bytes) = (self.chains.clone(), self.rest, self.len_bytes);
        Some(Self { chained: md5, chains, rest, len_bytes, ..Self::new(Algorithms::NONE) })
    }

    /// Takes back what [`Hasher::take_md5`] returned.
    pub fn give_back(&mut self, md5: &Self) {
        debug_assert_eq!(self.len_bytes, md5.len_bytes, "both have taken the same bytes");
        self.chains.md5 = md5.chains.md5;
        self.chained = self.chained.with(Algorithm::Md5);
    }

    /// Gives the next bytes to the algorithms that have no lanes, and to no others.
    pub(crate) fn update_alone(&mut self, bytes: &[u8]) {
        self.update_steps(bytes);
        self.update_blake3(bytes);
    }

    /// Counts whole blocks with which `chains` is advanced from outside.
    pub(crate) fn skip_blocks(&mut self, len_bytes: usize) {
        self.len_bytes = self.len_bytes.wrapping_add(len_bytes as u64);
    }

    /// Returns those of the algorithms whose states are in `chains`.
    pub(crate) const fn chained(&self) -> Algorithms {
        self.chained
    }

    /// Says whether only whole blocks came so far, so that `chains` has seen every byte.
    pub(crate) const fn is_at_block(&self) -> bool {
        self.rest_len() == 0
    }

    fn update_steps(&mut self, step: &[u8]) {
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(step);
        }
        if let Some(sha3) = &mut self.sha3_256 {
            sha3::digest::Update::update(sha3, step);
        }
    }

    /// BLAKE3 hashes subtrees side by side: it wants the whole chunk, not steps.
    fn update_blake3(&mut self, bytes: &[u8]) {
        if let Some(blake3) = &mut self.blake3 {
            blake3.update(bytes);
        }
    }

    /// Fills the block that is begun, compresses whole blocks, and keeps what is left.
    pub(crate) fn update_chains(&mut self, mut bytes: &[u8]) {
        let begun = self.rest_len();
        self.len_bytes = self.len_bytes.wrapping_add(bytes.len() as u64);
        if begun > 0 {
            let (fill, after) = bytes.split_at(bytes.len().min(64 - begun));
            self.rest[begun..begun + fill.len()].copy_from_slice(fill);
            if begun + fill.len() < 64 {
                return;
            }
            self.chains.compress(self.chained, &[self.rest]);
            bytes = after;
        }
        let (blocks, rest) = bytes.as_chunks();
        self.chains.compress(self.chained, blocks);
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    /// Returns how many bytes of a begun block are kept.
    const fn rest_len(&self) -> usize {
        (self.len_bytes % 64) as usize
    }

    /// Returns the digests of everything taken.
    #[must_use]
    pub fn finish(mut self) -> Digests {
        let mut digests = Digests::new();
        let rest_len = self.rest_len();
        self.chains.end(self.chained, &self.rest[..rest_len], self.len_bytes);
        self.chains.put(self.chained, &mut digests);
        let mut put = |algorithm, bytes: Option<&[u8]>| {
            if let Some(Ok(digest)) = bytes.map(|bytes| Digest::from_bytes(algorithm, bytes)) {
                digests.insert(digest);
            }
        };
        put(Algorithm::Sha512, self.sha512.map(|h| h.finalize()).as_deref());
        let sha3 = self.sha3_256.map(sha3::digest::FixedOutput::finalize_fixed);
        put(Algorithm::Sha3_256, sha3.as_deref());
        let blake3 = self.blake3.map(|h| *h.finalize().as_bytes());
        put(Algorithm::Blake3, blake3.as_ref().map(|bytes| &bytes[..]));
        digests
    }
}

/// Returns the digests of a whole buffer.
#[must_use]
pub fn hash_bytes(algorithms: Algorithms, bytes: &[u8]) -> Digests {
    // The state of a BLAKE3 stream is 2 KiB: making, moving and freeing it took a tenth of the
    // time of 8 KiB. A whole buffer needs none.
    let others = algorithms.without(Algorithms::NONE.with(Algorithm::Blake3));
    let mut digests = Digests::new();
    if !others.is_empty() {
        let mut hasher = Hasher::new(others);
        hasher.update(bytes);
        digests = hasher.finish();
    }
    if algorithms.contains(Algorithm::Blake3)
        && let Ok(digest) = Digest::from_bytes(Algorithm::Blake3, blake3::hash(bytes).as_bytes())
    {
        digests.insert(digest);
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5_goes_its_own_way_and_comes_back() {
        let every: Algorithms = Algorithm::ALL.into_iter().collect();
        let bytes: Vec<u8> = (0..1000_u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut hasher = Hasher::new(every);
        hasher.update(&bytes[..100]);
        let mut md5 = hasher.take_md5().unwrap();
        assert!(hasher.take_md5().is_none(), "it is taken");
        hasher.update(&bytes[100..777]);
        md5.update(&bytes[100..777]);
        hasher.give_back(&md5);
        hasher.update(&bytes[777..]);
        assert_eq!(hasher.finish(), hash_bytes(every, &bytes));
        assert!(Hasher::new(Algorithms::NONE.with(Algorithm::Md5)).take_md5().is_none());
    }
}
