//! The running states of MD5, SHA-1 and SHA-256, and how a stream ends.
//!
//! The three are Merkle-Damgard functions over blocks of 64 bytes with the same padding; only the
//! byte order of the length differs (RFC 1321 section 3.2; FIPS 180-4 section 5.1.1). Keeping the
//! bare states lets one stream overlap the three and lets lanes carry sixteen streams at once.

use crate::constants::{Block, MD5_START, SHA1_START, SHA256_START};
use crate::md5_rounds::{self, Gap};
#[cfg(target_arch = "x86_64")]
use crate::sha_ni::ShaNi;
use crate::{Algorithm, Algorithms, Digest, Digests};

/// The algorithms whose states are here.
pub(crate) const CHAINED: Algorithms =
    Algorithms::NONE.with(Algorithm::Md5).with(Algorithm::Sha1).with(Algorithm::Sha256);
/// SHA-256 without the others.
pub(crate) const SHA256: Algorithms = Algorithms::NONE.with(Algorithm::Sha256);

/// The states of one stream; those of algorithms not asked for stay at their start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chains {
    pub(crate) md5: [u32; 4],
    pub(crate) sha1: [u32; 5],
    pub(crate) sha256: [u32; 8],
}

impl Chains {
    /// Returns the states before the first block.
    pub(crate) const fn new() -> Self {
        Self { md5: MD5_START, sha1: SHA1_START, sha256: SHA256_START }
    }

    /// Advances the states of `algorithms` by `blocks`.
    ///
    /// With MD5, the others run inside its gaps. Measured with `examples/throughput.rs` in the
    /// release profile, MD5, SHA-1 and SHA-256 of one stream on one core of a Xeon with SHA-NI, in
    /// MiB/s: `update` of the plain crates in turn 412 in steps of 16 KiB and 465 in steps of one
    /// block; inside the gaps 560. The bound is the MD5 chain, 713 alone.
    pub(crate) fn compress(&mut self, algorithms: Algorithms, blocks: &[Block]) {
        let sha1 = algorithms.contains(Algorithm::Sha1);
        let sha256 = algorithms.contains(Algorithm::Sha256);
        if !algorithms.contains(Algorithm::Md5) {
            #[cfg(target_arch = "x86_64")]
            if sha1
                && sha256
                && let Some(sha_ni) = ShaNi::detect()
            {
                sha_ni.compress(&mut self.sha1, &mut self.sha256, blocks);
                return;
            }
            if sha1 {
                sha1::block_api::compress(&mut self.sha1, blocks);
            }
            if sha256 {
                sha2::block_api::compress256(&mut self.sha256, blocks);
            }
            return;
        }
        for block in blocks {
            md5_rounds::compress(&mut self.md5, block, |gap| match gap {
                Gap::First if sha1 => {
                    sha1::block_api::compress(&mut self.sha1, std::slice::from_ref(block));
                }
                Gap::Second if sha256 => {
                    sha2::block_api::compress256(&mut self.sha256, std::slice::from_ref(block));
                }
                _ => {}
            });
        }
    }

    /// Ends the stream: `rest` is what follows the last whole block, `len_bytes` the whole length.
    pub(crate) fn end(&mut self, algorithms: Algorithms, rest: &[u8], len_bytes: u64) {
        let tail = Tail::new(rest, len_bytes);
        if let Some((last, before)) = tail.blocks().split_last() {
            self.compress_row(algorithms, before, false);
            self.compress_row(algorithms, std::slice::from_ref(last), true);
        }
    }

    /// Like [`Self::compress`]; if `is_last`, the only block ends the stream, as [`Tail`] made it.
    pub(crate) fn compress_row(&mut self, algorithms: Algorithms, blocks: &[Block], is_last: bool) {
        let md5 = Algorithms::NONE.with(Algorithm::Md5);
        match blocks {
            [last] if is_last => {
                self.compress(algorithms.without(md5), blocks);
                let mut last = *last;
                last[LENGTH_AT..].reverse();
                self.compress(algorithms.intersection(md5), &[last]);
            }
            _ => self.compress(algorithms, blocks),
        }
    }

    /// Puts the digests of an ended stream into `digests`.
    pub(crate) fn put(&self, algorithms: Algorithms, digests: &mut Digests) {
        for algorithm in algorithms.intersection(CHAINED).iter() {
            let mut bytes = [0; 32];
            let (words, little): (&[u32], bool) = match algorithm {
                Algorithm::Md5 => (&self.md5, true),
                Algorithm::Sha1 => (&self.sha1, false),
                _ => (&self.sha256, false),
            };
            for (word, out) in words.iter().zip(bytes.as_chunks_mut::<4>().0) {
                *out = if little { word.to_le_bytes() } else { word.to_be_bytes() };
            }
            if let Ok(digest) = Digest::from_bytes(algorithm, &bytes[..algorithm.len_bytes()]) {
                digests.insert(digest);
            }
        }
    }
}

/// Where the length stands in the last block.
const LENGTH_AT: usize = 56;

/// The one or two padded blocks that end a stream, with the length big-endian as in SHA.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    blocks: [Block; 2],
    count: usize,
}

impl Tail {
    /// Pads `rest`, the bytes after the last whole block of a stream of `len_bytes`.
    pub(crate) fn new(rest: &[u8], len_bytes: u64) -> Self {
        debug_assert!(rest.len() < 64, "whole blocks are compressed before the tail");
        let mut bytes = [0; 128];
        let kept = rest.len().min(63);
        bytes[..kept].copy_from_slice(&rest[..kept]);
        bytes[kept] = 0x80;
        let count = if kept < LENGTH_AT { 1 } else { 2 };
        let length_at = 64 * count - 8;
        // Lengths are modulo 2^64 bits in all three standards' word formats.
        let bits = len_bytes.wrapping_mul(8);
        bytes[length_at..length_at + 8].copy_from_slice(&bits.to_be_bytes());
        let mut blocks = [[0; 64]; 2];
        blocks.as_flattened_mut().copy_from_slice(&bytes);
        Self { blocks, count }
    }

    /// Returns the blocks in order; the last one carries the length.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks[..self.count]
    }
}
