//! MD5, SHA-1 and SHA-256 of sixteen streams in the 32-bit lanes of AVX-512 registers.
//!
//! The sixteen blocks are read and transposed once for the three digests, and their steps
//! alternate, so that the latency of one chain hides behind the work of the others. Tested
//! against the one-stream implementations, lane by lane. Steps: RFC 1321 section 3.4; FIPS 180-4
//! section 6.
#![expect(unsafe_code, reason = "vector loads and calls that need instructions seen at run time")]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_load_si512, _mm512_loadu_si512, _mm512_mask_mov_epi32,
    _mm512_rol_epi32, _mm512_ror_epi32, _mm512_set1_epi32, _mm512_set4_epi32, _mm512_setzero_si512,
    _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_srli_epi32, _mm512_store_si512,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64, _mm512_xor_si512,
};

use super::{Column, Columns, LANES, Rows};
use crate::constants::{Block, MD5_K, SHA1_K, SHA256_K};
use crate::{Algorithm, Algorithms};

/// Proof that this machine has AVX-512F and AVX-512BW; only `detect` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512(());

/// Truth tables of three-operand logic.
const CHOOSE: i32 = 0xca;
const MAJORITY: i32 = 0xe8;
const PARITY: i32 = 0x96;
/// MD5's G: the third operand chooses between the first and the second.
const MD5_G: i32 = 0xe4;
/// MD5's I: `c ^ (b | !d)`.
const MD5_I: i32 = 0x39;

impl Avx512 {
    /// Looks for the instructions.
    pub(super) fn detect() -> Option<Self> {
        let seen = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw");
        seen.then_some(Self(()))
    }

    /// Advances the states of `algorithms` in all lanes; every lane must have `rows.blocks` blocks.
    pub(super) fn advance(self, algorithms: Algorithms, columns: &mut Columns, rows: &Rows<'_>) {
        let has = |algorithm| algorithms.contains(algorithm);
        let three = (has(Algorithm::Md5), has(Algorithm::Sha1), has(Algorithm::Sha256));
        // SAFETY: `self` exists only if `detect` saw both instruction sets on this machine.
        unsafe {
            match three {
                (true, true, true) => advance::<true, true, true>(columns, rows),
                (true, true, false) => advance::<true, true, false>(columns, rows),
                (true, false, true) => advance::<true, false, true>(columns, rows),
                (true, false, false) => advance::<true, false, false>(columns, rows),
                (false, true, true) => advance::<false, true, true>(columns, rows),
                (false, true, false) => advance::<false, true, false>(columns, rows),
                (false, false, true) => advance::<false, false, true>(columns, rows),
                (false, false, false) => {}
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn add(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn splat(k: u32) -> __m512i {
    _mm512_set1_epi32(k.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_column(column: &Column) -> __m512i {
    // SAFETY: a column is 64 readable bytes, aligned to 64 by its type.
    unsafe { _mm512_load_si512(column.0.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store_column(column: &mut Column, words: __m512i) {
    // SAFETY: a column is 64 writable bytes, aligned to 64 by its type.
    unsafe { _mm512_store_si512(column.0.as_mut_ptr().cast(), words) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_block(block: &Block) -> __m512i {
    // SAFETY: a block is 64 readable bytes; this load asks for no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

/// Loads block `at` of every lane and returns word `i` of all lanes in vector `i`, as in memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_transposed(lanes: &[&[Block]; LANES], at: usize) -> [__m512i; 16] {
    let mut rows = [_mm512_setzero_si512(); 16];
    for (row, blocks) in rows.iter_mut().zip(lanes) {
        *row = load_block(&blocks[at]);
    }
    let mut pairs = [_mm512_setzero_si512(); 16];
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    // Vector 4 i + j now gets, in 128-bit part p, word 4 p + j of lanes 4 i to 4 i + 3.
    let mut fours = [_mm512_setzero_si512(); 16];
    for i in 0..4 {
        fours[4 * i] = _mm512_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 1] = _mm512_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 2] = _mm512_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        fours[4 * i + 3] = _mm512_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    }
    let mut words = [_mm512_setzero_si512(); 16];
    for j in 0..4 {
        let even_low = _mm512_shuffle_i32x4::<0x88>(fours[j], fours[4 + j]);
        let odd_low = _mm512_shuffle_i32x4::<0xdd>(fours[j], fours[4 + j]);
        let even_high = _mm512_shuffle_i32x4::<0x88>(fours[8 + j], fours[12 + j]);
        let odd_high = _mm512_shuffle_i32x4::<0xdd>(fours[8 + j], fours[12 + j]);
        words[j] = _mm512_shuffle_i32x4::<0x88>(even_low, even_high);
        words[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even_low, even_high);
        words[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd_low, odd_high);
        words[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd_low, odd_high);
    }
    words
}

/// One MD5 step: table, shift, the four state words, message word, constant.
macro_rules! md5_step {
    ($f:ident, $s:literal, $a:ident, $b:ident, $c:ident, $d:ident, $w:expr, $k:expr) => {
        let early = add($a, add($w, splat($k)));
        let f = _mm512_ternarylogic_epi32::<$f>($b, $c, $d);
        $a = add(_mm512_rol_epi32::<$s>(add(early, f)), $b);
    };
}

/// Four MD5 steps, number `4 * q` on of round `r`, whose words are `at + stride * step`.
macro_rules! md5_four {
    ($f:ident, [$s0:literal, $s1:literal, $s2:literal, $s3:literal], $r:literal, $q:ident,
     $at:literal, $stride:literal, $s:ident, $w:ident) => {
        let [mut a, mut b, mut c, mut d] = $s;
        let (i, k) = (4 * $q, &MD5_K[$r]);
        md5_step!($f, $s0, a, b, c, d, $w[($at + $stride * i) & 15], k[i]);
        md5_step!($f, $s1, d, a, b, c, $w[($at + $stride * (i + 1)) & 15], k[i + 1]);
        md5_step!($f, $s2, c, d, a, b, $w[($at + $stride * (i + 2)) & 15], k[i + 2]);
        md5_step!($f, $s3, b, c, d, a, $w[($at + $stride * (i + 3)) & 15], k[i + 3]);
        $s = [a, b, c, d];
    };
}

/// One SHA-1 step on the five state words.
macro_rules! sha1_step {
    ($f:ident, $k:ident, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $w:expr) => {
        let f = _mm512_ternarylogic_epi32::<$f>($b, $c, $d);
        let early = add(add($e, $k), $w);
        $e = add(add(early, f), _mm512_rol_epi32::<5>($a));
        $b = _mm512_rol_epi32::<30>($b);
    };
}

/// Returns message word `t` of SHA-1; from the 16th on it takes the place of word `t - 16`.
macro_rules! sha1_word {
    ($w:ident, $t:expr) => {{
        let t: usize = $t;
        if t >= 16 {
            let three = _mm512_ternarylogic_epi32::<PARITY>(
                $w[(t + 13) & 15],
                $w[(t + 8) & 15],
                $w[(t + 2) & 15],
            );
            $w[t & 15] = _mm512_rol_epi32::<1>(_mm512_xor_si512(three, $w[t & 15]));
        }
        $w[t & 15]
    }};
}

/// Five SHA-1 steps, number `5 * q` on of round `r`: after five, the words are in place again.
macro_rules! sha1_five {
    ($f:ident, $r:literal, $q:ident, $s:ident, $w:ident) => {
        let [mut a, mut b, mut c, mut d, mut e] = $s;
        let (t, k) = (20 * $r + 5 * $q, splat(SHA1_K[$r]));
        sha1_step!($f, k, a, b, c, d, e, sha1_word!($w, t));
        sha1_step!($f, k, e, a, b, c, d, sha1_word!($w, t + 1));
        sha1_step!($f, k, d, e, a, b, c, sha1_word!($w, t + 2));
        sha1_step!($f, k, c, d, e, a, b, sha1_word!($w, t + 3));
        sha1_step!($f, k, b, c, d, e, a, sha1_word!($w, t + 4));
        $s = [a, b, c, d, e];
    };
}

/// Exclusive or of three rotations to the right.
macro_rules! three_rotations {
    ($x:expr, $r0:literal, $r1:literal, $r2:literal) => {
        _mm512_ternarylogic_epi32::<PARITY>(
            _mm512_ror_epi32::<$r0>($x),
            _mm512_ror_epi32::<$r1>($x),
            _mm512_ror_epi32::<$r2>($x),
        )
    };
}

/// Exclusive or of two rotations and one shift to the right.
macro_rules! two_rotations_shift {
    ($x:expr, $r0:literal, $r1:literal, $shift:literal) => {
        _mm512_ternarylogic_epi32::<PARITY>(
            _mm512_ror_epi32::<$r0>($x),
            _mm512_ror_epi32::<$r1>($x),
            _mm512_srli_epi32::<$shift>($x),
        )
    };
}

/// One SHA-256 step; from round 1 on, word `i` is first replaced by the one sixteen later.
macro_rules! sha256_step {
    ($r:literal, $i:expr, $w:ident, $a:ident, $b:ident, $c:ident, $d:ident,
     $e:ident, $f:ident, $g:ident, $h:ident) => {
        let i: usize = $i;
        if $r > 0 {
            let near = two_rotations_shift!($w[(i + 14) & 15], 17, 19, 10);
            let far = two_rotations_shift!($w[(i + 1) & 15], 7, 18, 3);
            $w[i] = add(add($w[i], $w[(i + 9) & 15]), add(near, far));
        }
        let early = add($h, add($w[i], splat(SHA256_K[$r][i])));
        let choose = _mm512_ternarylogic_epi32::<CHOOSE>($e, $f, $g);
        let t1 = add(add(early, choose), three_rotations!($e, 6, 11, 25));
        let majority = _mm512_ternarylogic_epi32::<MAJORITY>($a, $b, $c);
        $d = add($d, t1);
        $h = add(t1, add(majority, three_rotations!($a, 2, 13, 22)));
    };
}

/// Four SHA-256 steps, number `4 * q` on of round `r`; the halves of the state then swap roles.
macro_rules! sha256_four {
    ($r:literal, $q:ident, $s:ident, $w:ident) => {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = $s;
        sha256_step!($r, 4 * $q, $w, a, b, c, d, e, f, g, h);
        sha256_step!($r, 4 * $q + 1, $w, h, a, b, c, d, e, f, g);
        sha256_step!($r, 4 * $q + 2, $w, g, h, a, b, c, d, e, f);
        sha256_step!($r, 4 * $q + 3, $w, f, g, h, a, b, c, d, e);
        $s = [e, f, g, h, a, b, c, d];
    };
}

/// A quarter of a block for each of the three: 16 steps of MD5 and SHA-256, 20 of SHA-1.
macro_rules! quarter {
    ($r:literal, $md5_f:ident, $shifts:tt, $at:literal, $stride:literal, $sha1_f:ident,
     $md5:ident, $little:ident, $sha1:ident, $short:ident, $sha256:ident, $long:ident) => {
        for q in 0..4 {
            if MD5 {
                md5_four!($md5_f, $shifts, $r, q, $at, $stride, $md5, $little);
            }
            if SHA256 {
                sha256_four!($r, q, $sha256, $long);
            }
            if SHA1 {
                sha1_five!($sha1_f, $r, q, $sha1, $short);
            }
        }
    };
}

/// Advances the asked-for states by `rows.blocks` blocks of every lane.
#[target_feature(enable = "avx512f,avx512bw")]
fn advance<const MD5: bool, const SHA1: bool, const SHA256: bool>(
    columns: &mut Columns,
    rows: &Rows<'_>,
) {
    let swap = _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
    let mut md5 = [_mm512_setzero_si512(); 4];
    let mut sha1 = [_mm512_setzero_si512(); 5];
    let mut sha256 = [_mm512_setzero_si512(); 8];
    load_columns(&mut md5, &columns.md5);
    load_columns(&mut sha1, &columns.sha1);
    load_columns(&mut sha256, &columns.sha256);
    for at in 0..rows.blocks {
        let mut little = load_transposed(&rows.lanes, at);
        let mut short = little;
        for word in &mut short {
            *word = _mm512_shuffle_epi8(*word, swap);
        }
        let mut long = short;
        // The length of a stream is big-endian in the block; MD5 wants it low word first.
        little[14] = _mm512_mask_mov_epi32(little[14], rows.last, long[15]);
        little[15] = _mm512_mask_mov_epi32(little[15], rows.last, long[14]);
        let (md5_before, sha1_before, sha256_before) = (md5, sha1, sha256);
        quarter!(0, CHOOSE, [7, 12, 17, 22], 0, 1, CHOOSE, md5, little, sha1, short, sha256, long);
        quarter!(1, MD5_G, [5, 9, 14, 20], 1, 5, PARITY, md5, little, sha1, short, sha256, long);
        quarter!(
            2,
            PARITY,
            [4, 11, 16, 23],
            5,
            3,
            MAJORITY,
            md5,
            little,
            sha1,
            short,
            sha256,
            long
        );
        quarter!(3, MD5_I, [6, 10, 15, 21], 0, 7, PARITY, md5, little, sha1, short, sha256, long);
        add_all(&mut md5, &md5_before);
        add_all(&mut sha1, &sha1_before);
        add_all(&mut sha256, &sha256_before);
    }
    if MD5 {
        store_columns(&mut columns.md5, &md5);
    }
    if SHA1 {
        store_columns(&mut columns.sha1, &sha1);
    }
    if SHA256 {
        store_columns(&mut columns.sha256, &sha256);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_columns(state: &mut [__m512i], columns: &[Column]) {
    for (words, column) in state.iter_mut().zip(columns) {
        *words = load_column(column);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store_columns(columns: &mut [Column], state: &[__m512i]) {
    for (column, words) in columns.iter_mut().zip(state) {
        store_column(column, *words);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn add_all(state: &mut [__m512i], before: &[__m512i]) {
    for (words, earlier) in state.iter_mut().zip(before) {
        *words = add(*words, *earlier);
    }
}
