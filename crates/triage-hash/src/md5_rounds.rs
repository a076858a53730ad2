//! MD5 of one stream, RFC 1321 section 3.4, written so that other work can run inside it.
//!
//! MD5 is one chain of 64 dependent steps for each block; a core has most of its units idle
//! meanwhile. [`compress`] calls back between the four rounds, and the caller puts the other
//! digests of the same block there, so that they run in those units. The round functions are
//! written for the shortest chain: what does not need the newest word is computed beside it.

use crate::constants::{Block, MD5_K};

/// One of the three gaps between the four rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    First,
    Second,
    Third,
}

/// Does four steps; the words are read at `at`, `at + stride`, and so on, modulo 16.
macro_rules! four_steps {
    ($f:ident, [$s0:literal, $s1:literal, $s2:literal, $s3:literal],
     $words:ident, $k:expr, $i:literal, $at:literal, $stride:literal,
     $a:ident, $b:ident, $c:ident, $d:ident) => {
        $a = step($f($b, $c, $d), $a, $b, $words[($at + $stride * $i) % 16], $k[$i], $s0);
        $d = step($f($a, $b, $c), $d, $a, $words[($at + $stride * ($i + 1)) % 16], $k[$i + 1], $s1);
        $c = step($f($d, $a, $b), $c, $d, $words[($at + $stride * ($i + 2)) % 16], $k[$i + 2], $s2);
        $b = step($f($c, $d, $a), $b, $c, $words[($at + $stride * ($i + 3)) % 16], $k[$i + 3], $s3);
    };
}

/// Does the sixteen steps of one round.
macro_rules! round {
    ($f:ident, $shifts:tt, $words:ident, $k:expr, $at:literal, $stride:literal,
     $a:ident, $b:ident, $c:ident, $d:ident) => {
        four_steps!($f, $shifts, $words, $k, 0, $at, $stride, $a, $b, $c, $d);
        four_steps!($f, $shifts, $words, $k, 4, $at, $stride, $a, $b, $c, $d);
        four_steps!($f, $shifts, $words, $k, 8, $at, $stride, $a, $b, $c, $d);
        four_steps!($f, $shifts, $words, $k, 12, $at, $stride, $a, $b, $c, $d);
    };
}

/// Advances `state` by one block and calls `between` in each of the three gaps of the rounds.
#[inline(always)]
pub(crate) fn compress(state: &mut [u32; 4], block: &Block, mut between: impl FnMut(Gap)) {
    let mut words = [0u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    round!(f, [7, 12, 17, 22], words, MD5_K[0], 0, 1, a, b, c, d);
    between(Gap::First);
    round!(g, [5, 9, 14, 20], words, MD5_K[1], 1, 5, a, b, c, d);
    between(Gap::Second);
    round!(h, [4, 11, 16, 23], words, MD5_K[2], 5, 3, a, b, c, d);
    between(Gap::Third);
    round!(i, [6, 10, 15, 21], words, MD5_K[3], 0, 7, a, b, c, d);
    for (word, added) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(added);
    }
}

/// Does the part of a step that all rounds share.
#[inline(always)]
const fn step(f: (u32, u32), a: u32, b: u32, word: u32, k: u32, shift: u32) -> u32 {
    let early = a.wrapping_add(word).wrapping_add(k).wrapping_add(f.0);
    early.wrapping_add(f.1).rotate_left(shift).wrapping_add(b)
}

// Each function returns two addends: what is known early, and what needs the newest word `b`.

#[inline(always)]
const fn f(b: u32, c: u32, d: u32) -> (u32, u32) {
    (0, d ^ (b & (c ^ d)))
}

/// The two masked halves share no bit, so that their sum is their union.
#[inline(always)]
const fn g(b: u32, c: u32, d: u32) -> (u32, u32) {
    (c & !d, b & d)
}

#[inline(always)]
const fn h(b: u32, c: u32, d: u32) -> (u32, u32) {
    (0, b ^ (c ^ d))
}

#[inline(always)]
const fn i(b: u32, c: u32, d: u32) -> (u32, u32) {
    (0, c ^ (b | !d))
}
