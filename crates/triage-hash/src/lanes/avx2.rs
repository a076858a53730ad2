//! MD5 of sixteen streams as two halves of eight 32-bit lanes in AVX2 registers.
//!
//! The two halves alternate step by step, which hides the latency of the chain. There is no SHA
//! here: without rotations and three-operand logic, eight lanes lose to the SHA instructions.
//! Steps: RFC 1321 section 3.4.
#![expect(unsafe_code, reason = "vector loads and calls that need instructions seen at run time")]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_loadu_si256, _mm256_or_si256,
    _mm256_permute2x128_si256, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_slli_epi32,
    _mm256_srli_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::{Columns, Rows};
use crate::constants::{Block, MD5_K};

/// Lanes in one register.
const HALF: usize = 8;

/// Proof that this machine has AVX2; only `detect` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    /// Looks for the instructions.
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Advances the MD5 states in all lanes; every lane must have `rows.blocks` blocks.
    pub(super) fn advance(self, columns: &mut Columns, rows: &Rows<'_>) {
        // SAFETY: `self` exists only if `detect` saw AVX2 on this machine.
        unsafe { advance(columns, rows) }
    }
}

/// Four state words, or sixteen message words, of two halves.
type Halves<const N: usize> = [[__m256i; N]; 2];

#[inline]
#[target_feature(enable = "avx2")]
fn load(words: &[u8; 32]) -> __m256i {
    // SAFETY: 32 readable bytes; this load asks for no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_words(words: &[u32; HALF]) -> __m256i {
    // SAFETY: 32 readable bytes; this load asks for no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_words(words: &mut [u32; HALF], vector: __m256i) {
    // SAFETY: 32 writable bytes; this store asks for no alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi32(a, b)
}

/// Transposes eight rows of eight words.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [__m256i; 8]) -> [__m256i; 8] {
    let mut pairs = rows;
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    let mut fours = pairs;
    for i in 0..2 {
        fours[4 * i] = _mm256_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 1] = _mm256_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 2] = _mm256_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        fours[4 * i + 3] = _mm256_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    }
    let mut words = fours;
    for j in 0..4 {
        words[j] = _mm256_permute2x128_si256::<0x20>(fours[j], fours[4 + j]);
        words[4 + j] = _mm256_permute2x128_si256::<0x31>(fours[j], fours[4 + j]);
    }
    words
}

/// Loads block `at` of eight lanes and returns word `i` of all of them in vector `i`.
#[inline]
#[target_feature(enable = "avx2")]
fn load_transposed(lanes: &[&[Block]], at: usize) -> [__m256i; 16] {
    let mut words = [_mm256_setzero_si256(); 16];
    for part in 0..2 {
        let mut rows = [_mm256_setzero_si256(); 8];
        for (row, blocks) in rows.iter_mut().zip(lanes) {
            *row = load(&blocks[at].as_chunks::<32>().0[part]);
        }
        words[8 * part..8 * part + 8].copy_from_slice(&transpose(rows));
    }
    words
}

/// F: the first operand chooses between the second and the third.
macro_rules! choose {
    ($b:expr, $c:expr, $d:expr) => {
        _mm256_xor_si256($d, _mm256_and_si256($b, _mm256_xor_si256($c, $d)))
    };
}

/// G: the third operand chooses between the first and the second.
macro_rules! choose_last {
    ($b:expr, $c:expr, $d:expr) => {
        choose!($d, $b, $c)
    };
}

/// H.
macro_rules! parity {
    ($b:expr, $c:expr, $d:expr) => {
        _mm256_xor_si256($b, _mm256_xor_si256($c, $d))
    };
}

/// I.
macro_rules! or_not {
    ($b:expr, $c:expr, $d:expr) => {
        _mm256_xor_si256($c, _mm256_or_si256($b, _mm256_xor_si256($d, _mm256_set1_epi32(-1))))
    };
}

/// One step of one half.
macro_rules! step {
    ($f:ident, $s:literal, $a:ident, $b:ident, $c:ident, $d:ident, $word:expr, $k:ident) => {
        let sum = add(add($a, add($word, $k)), $f!($b, $c, $d));
        let left = _mm256_slli_epi32::<$s>(sum);
        let right = _mm256_srli_epi32::<{ 32 - $s }>(sum);
        $a = add(_mm256_or_si256(left, right), $b);
    };
}

/// One step of both halves, whose state words are named apart: in an array they would not stay in
/// registers.
macro_rules! step_both {
    ($f:ident, $s:literal, $words:ident, $at:expr, $k:expr,
     [$a:ident, $b:ident, $c:ident, $d:ident], [$e:ident, $g:ident, $h:ident, $i:ident]) => {
        let k = _mm256_set1_epi32($k.cast_signed());
        step!($f, $s, $a, $b, $c, $d, $words[0][$at & 15], k);
        step!($f, $s, $e, $g, $h, $i, $words[1][$at & 15], k);
    };
}

/// The sixteen steps of round `r`, whose words are `at + stride * step`.
macro_rules! round {
    ($f:ident, [$s0:literal, $s1:literal, $s2:literal, $s3:literal], $r:literal,
     $at:literal, $stride:literal, $state:ident, $words:ident) => {
        let [[mut a, mut b, mut c, mut d], [mut e, mut g, mut h, mut i]] = $state;
        for q in 0..4 {
            let (n, k) = (4 * q, &MD5_K[$r]);
            let at = $at + $stride * n;
            step_both!($f, $s0, $words, at, k[n], [a, b, c, d], [e, g, h, i]);
            step_both!($f, $s1, $words, (at + $stride), k[n + 1], [d, a, b, c], [i, e, g, h]);
            step_both!($f, $s2, $words, (at + 2 * $stride), k[n + 2], [c, d, a, b], [h, i, e, g]);
            step_both!($f, $s3, $words, (at + 3 * $stride), k[n + 3], [b, c, d, a], [g, h, i, e]);
        }
        $state = [[a, b, c, d], [e, g, h, i]];
    };
}

/// Advances the states by `rows.blocks` blocks of every lane.
#[target_feature(enable = "avx2")]
fn advance(columns: &mut Columns, rows: &Rows<'_>) {
    let mut state: Halves<4> = [[_mm256_setzero_si256(); 4]; 2];
    for (i, column) in columns.md5.iter().enumerate() {
        for (half, words) in state.iter_mut().zip(column.0.as_chunks().0) {
            half[i] = load_words(words);
        }
    }
    let (first, second) = rows.lanes.split_at(HALF);
    for at in 0..rows.blocks {
        let mut words: Halves<16> = [load_transposed(first, at), load_transposed(second, at)];
        swap_lengths(&mut words, rows.last);
        let before = state;
        round!(choose, [7, 12, 17, 22], 0, 0, 1, state, words);
        round!(choose_last, [5, 9, 14, 20], 1, 1, 5, state, words);
        round!(parity, [4, 11, 16, 23], 2, 5, 3, state, words);
        round!(or_not, [6, 10, 15, 21], 3, 0, 7, state, words);
        for (half, earlier) in state.iter_mut().zip(before) {
            for (word, earlier) in half.iter_mut().zip(earlier) {
                *word = add(*word, earlier);
            }
        }
    }
    for (i, column) in columns.md5.iter_mut().enumerate() {
        for (half, words) in state.iter().zip(column.0.as_chunks_mut().0) {
            store_words(words, half[i]);
        }
    }
}

/// In lanes that end, turns the length from big-endian to little-endian, low word first.
#[inline]
#[target_feature(enable = "avx2")]
fn swap_lengths(words: &mut Halves<16>, last: u16) {
    if last == 0 {
        return;
    }
    for (half, words) in words.iter_mut().enumerate() {
        let (mut high, mut low) = ([0; HALF], [0; HALF]);
        store_words(&mut high, words[14]);
        store_words(&mut low, words[15]);
        for lane in 0..HALF {
            if last & 1 << (HALF * half + lane) != 0 {
                (high[lane], low[lane]) = (low[lane].swap_bytes(), high[lane].swap_bytes());
            }
        }
        words[14] = load_words(&high);
        words[15] = load_words(&low);
    }
}
