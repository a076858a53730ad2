//! SHA-1 and SHA-256 of one stream, or SHA-256 of two streams, side by side, with the SHA
//! instructions of x86.
//!
//! Either chain alone leaves the unit idle half of the time. Four steps of one alternate with four
//! of the other: 960 MiB/s for the two, where one after the other they reach 720 (1,500 and 1,380),
//! on one core of a Xeon at 2.6 GHz. Two streams of both need more registers than there are; two of
//! SHA-256 alone reach 2,380 MiB/s together, on a Xeon where one reaches 1,850.
//!
//! Steps: FIPS 180-4 sections 6.1.2 and 6.2.2. What the instructions compute: Intel 64 and IA-32
//! Architectures Software Developer's Manual, volume 2, SHA1MSG1 to SHA256RNDS2. Tested against
//! the crates of RustCrypto.
#![expect(unsafe_code, reason = "vector loads and calls that need instructions seen at run time")]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_loadu_si128, _mm_set_epi32, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sha1msg1_epu32, _mm_sha1msg2_epu32, _mm_sha1nexte_epu32,
    _mm_sha1rnds4_epu32, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_storeu_si128, _mm_xor_si128,
};

use crate::constants::{Block, SHA256_K};
use crate::paths;

/// Proof that this machine has the SHA instructions, SSSE3 and SSE4.1; only `detect` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShaNi(());

impl ShaNi {
    /// Looks for the instructions.
    pub(crate) fn detect() -> Option<Self> {
        paths::has_sha_ni().then_some(Self(()))
    }

    /// Advances the states of a stream by `blocks`.
    pub(crate) fn compress(self, sha1: &mut [u32; 5], sha256: &mut [u32; 8], blocks: &[Block]) {
        // SAFETY: `self` exists only if `detect` saw the three instruction sets on this machine.
        unsafe { compress(sha1, sha256, blocks) }
    }

    /// Advances the SHA-256 states of two streams, each by its blocks: as many as both have.
    pub(crate) fn compress_two(self, states: [&mut [u32; 8]; 2], blocks: [&[Block]; 2]) {
        // SAFETY: `self` exists only if `detect` saw the three instruction sets on this machine.
        unsafe { compress_two(states, blocks) }
    }
}

/// A block as four vectors of four words.
type Words = [[u8; 16]; 4];

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: 16 readable bytes; this load asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn load_constants(words: &[u32; 4]) -> __m128i {
    // SAFETY: 16 readable bytes; this load asks for no alignment.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

/// Returns the words of a vector, that of the highest part first.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn words(vector: __m128i) -> [u32; 4] {
    let mut words = [0; 4];
    // SAFETY: 16 writable bytes; this store asks for no alignment.
    unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), vector) }
    words.reverse();
    words
}

/// Returns a vector of these words, the first one in the highest part.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn vector(words: [u32; 4]) -> __m128i {
    let [a, b, c, d] = words.map(u32::cast_signed);
    _mm_set_epi32(a, b, c, d)
}

/// The state of SHA-1, as its instructions want it.
#[derive(Clone, Copy)]
struct Sha1 {
    abcd: __m128i,
    /// What E comes from: `abcd` of four steps before. Its highest part is used.
    before: __m128i,
}

impl Sha1 {
    /// Does steps `4 n` to `4 n + 3` and keeps the last sixteen words of the schedule.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn four(&mut self, n: usize, schedule: &mut [__m128i; 4], block: &Words) {
        let word = |n: usize| schedule[n % 4];
        schedule[n % 4] = if n < 4 {
            let reversed = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
            _mm_shuffle_epi8(load(&block[n]), reversed)
        } else {
            let early = _mm_xor_si128(_mm_sha1msg1_epu32(word(n), word(n + 1)), word(n + 2));
            _mm_sha1msg2_epu32(early, word(n + 3))
        };
        let next = match n {
            0 => _mm_add_epi32(self.before, schedule[0]),
            _ => _mm_sha1nexte_epu32(self.before, schedule[n % 4]),
        };
        self.before = self.abcd;
        self.abcd = match n / 5 {
            0 => _mm_sha1rnds4_epu32::<0>(self.abcd, next),
            1 => _mm_sha1rnds4_epu32::<1>(self.abcd, next),
            2 => _mm_sha1rnds4_epu32::<2>(self.abcd, next),
            _ => _mm_sha1rnds4_epu32::<3>(self.abcd, next),
        };
    }
}

/// The state of SHA-256, as its instructions want it.
#[derive(Clone, Copy)]
struct Sha256 {
    abef: __m128i,
    cdgh: __m128i,
}

impl Sha256 {
    /// Takes a state over.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn of([a, b, c, d, e, f, g, h]: [u32; 8]) -> Self {
        Self { abef: vector([a, b, e, f]), cdgh: vector([c, d, g, h]) }
    }

    /// Returns the state.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn state(self) -> [u32; 8] {
        let [a, b, e, f] = words(self.abef);
        let [c, d, g, h] = words(self.cdgh);
        [a, b, c, d, e, f, g, h]
    }

    /// Adds the state from before a block.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn add(&mut self, before: Self) {
        self.abef = _mm_add_epi32(self.abef, before.abef);
        self.cdgh = _mm_add_epi32(self.cdgh, before.cdgh);
    }

    /// Does steps `4 n` to `4 n + 3` and keeps the last sixteen words of the schedule.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn four(&mut self, n: usize, schedule: &mut [__m128i; 4], block: &Words) {
        let word = |n: usize| schedule[n % 4];
        schedule[n % 4] = if n < 4 {
            let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
            _mm_shuffle_epi8(load(&block[n]), big_endian)
        } else {
            let seven_back = _mm_alignr_epi8::<4>(word(n + 3), word(n + 2));
            let early = _mm_add_epi32(_mm_sha256msg1_epu32(word(n), word(n + 1)), seven_back);
            _mm_sha256msg2_epu32(early, word(n + 3))
        };
        let constants = &SHA256_K[n / 4].as_chunks().0[n % 4];
        let added = _mm_add_epi32(schedule[n % 4], load_constants(constants));
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, added);
        let high = _mm_shuffle_epi32::<0x0e>(added);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, high);
    }
}

/// Does all steps of a block: twenty groups of SHA-1 beside sixteen of SHA-256. Written out, since
/// in a loop the schedules are in memory and all takes half as long again.
macro_rules! steps {
    ($one:ident, $two:ident, $schedules:ident, $block:expr, $($n:literal)*) => {$(
        $two.four($n, &mut $schedules[1], $block);
        $one.four($n + $n / 4, &mut $schedules[0], $block);
        if $n % 4 == 3 {
            $one.four($n + $n / 4 + 1, &mut $schedules[0], $block);
        }
    )*};
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn compress(sha1: &mut [u32; 5], sha256: &mut [u32; 8], blocks: &[Block]) {
    let [a, b, c, d, e] = *sha1;
    let mut one = Sha1 { abcd: vector([a, b, c, d]), before: vector([e, 0, 0, 0]) };
    let mut two = Sha256::of(*sha256);
    for block in blocks {
        let mut parts = [[0; 16]; 4];
        parts.as_flattened_mut().copy_from_slice(block);
        let (one_before, two_before) = (one, two);
        let mut schedules = [[_mm_setzero_si128(); 4]; 2];
        steps!(one, two, schedules, &parts, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        one.before = _mm_sha1nexte_epu32(one.before, one_before.before);
        one.abcd = _mm_add_epi32(one.abcd, one_before.abcd);
        two.add(two_before);
    }
    let [a, b, c, d] = words(one.abcd);
    *sha1 = [a, b, c, d, words(one.before)[0]];
    *sha256 = two.state();
}

/// The same steps of two streams. Written out for the same reason.
macro_rules! steps_of_two {
    ($one:ident, $two:ident, $schedules:ident, $blocks:expr, $($n:literal)*) => {$(
        $one.four($n, &mut $schedules[0], &$blocks[0]);
        $two.four($n, &mut $schedules[1], &$blocks[1]);
    )*};
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn compress_two(states: [&mut [u32; 8]; 2], blocks: [&[Block]; 2]) {
    let [first, second] = states;
    let (mut one, mut two) = (Sha256::of(*first), Sha256::of(*second));
    for (block, other) in blocks[0].iter().zip(blocks[1]) {
        let mut parts = [[[0; 16]; 4]; 2];
        parts[0].as_flattened_mut().copy_from_slice(block);
        parts[1].as_flattened_mut().copy_from_slice(other);
        let (one_before, two_before) = (one, two);
        let mut schedules = [[_mm_setzero_si128(); 4]; 2];
        steps_of_two!(one, two, schedules, &parts, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        one.add(one_before);
        two.add(two_before);
    }
    (*first, *second) = (one.state(), two.state());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{SHA1_START, SHA256_START};

    /// Numbers that follow from the first one.
    fn numbers(mut number: u32) -> impl FnMut() -> u32 {
        move || {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            number
        }
    }

    fn blocks(count: usize, next: &mut impl FnMut() -> u32) -> Vec<Block> {
        (0..count).map(|_| [(); 64].map(|()| next().to_be_bytes()[0])).collect()
    }

    /// Against the crates, which go block by block and one after the other, from any state on.
    #[test]
    fn states_are_those_of_the_crates() {
        let Some(sha_ni) = ShaNi::detect() else { return };
        let mut next = numbers(1);
        let (mut one, mut two) = (SHA1_START, SHA256_START);
        for count in 0..=40 {
            let blocks = blocks(count, &mut next);
            let (mut sha1, mut sha256) = (one, two);
            sha_ni.compress(&mut one, &mut two, &blocks);
            sha1::block_api::compress(&mut sha1, &blocks);
            sha2::block_api::compress256(&mut sha256, &blocks);
            assert_eq!((one, two), (sha1, sha256), "{count} blocks");
            // Any state, not only those that a stream of so many blocks leads to.
            one = [(); 5].map(|()| next());
            two = [(); 8].map(|()| next());
        }
    }

    #[test]
    fn two_streams_have_each_their_own_state() {
        let Some(sha_ni) = ShaNi::detect() else { return };
        let mut next = numbers(7);
        for count in 0..=40 {
            let (first, second) = (blocks(count, &mut next), blocks(count, &mut next));
            let (mut one, mut two) = ([(); 8].map(|()| next()), [(); 8].map(|()| next()));
            let (mut expected_one, mut expected_two) = (one, two);
            sha_ni.compress_two([&mut one, &mut two], [&first, &second]);
            sha2::block_api::compress256(&mut expected_one, &first);
            sha2::block_api::compress256(&mut expected_two, &second);
            assert_eq!((one, two), (expected_one, expected_two), "{count} blocks");
        }
    }
}
