//! Known answers for every algorithm and code path, compared at each start and by `doctor`.
//!
//! The short inputs are the examples of RFC 1321, FIPS 180-4 and FIPS 202 and the usual first
//! vectors of the others. No standard publishes all six digests of a long input: those of the long
//! pattern (that of the BLAKE3 test vectors: byte `i` is `i % 251`) were computed with coreutils,
//! openssl and b3sum. The larger published vectors are in this crate's tests.

use crate::batch::hash_batch_with;
use crate::chains::SHA256;
use crate::lanes::Engine;
use crate::paths::{has_sha_ni, one_stream_path};
use crate::{Algorithm, Algorithms, Digests, Hasher, hash_bytes};

/// One comparison of the self-test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAnswer {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// What was hashed, in words.
    pub input: &'static str,
    /// Which code path computed it.
    pub path: &'static str,
    /// The value that a right computation gives, lower-case hex: published by the standard where it
    /// has one for that input, else computed by an independent program.
    pub expected: &'static str,
    /// What this program computed on this machine.
    pub actual: String,
}

impl KnownAnswer {
    /// Says whether the computed value is the expected one.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.expected == self.actual
    }
}

/// Computes all known answers and returns each comparison.
///
/// Each algorithm takes one stream whole and another in odd chunks, and every kernel of vector
/// lanes that the machine can run takes a batch, also the kernels that are not the fastest here.
#[must_use]
pub fn self_test() -> Vec<KnownAnswer> {
    let period: Vec<u8> = (0..=250).collect();
    let pattern = period.repeat(Input::LONGEST.div_ceil(period.len()));
    let every: Algorithms = Algorithm::ALL.into_iter().collect();
    let mut answers = Vec::new();
    for input in Input::ALL {
        let wanted = input.algorithms(every);
        let digests = hash_bytes(wanted, input.bytes(&pattern));
        for algorithm in wanted.iter() {
            answers.push(compare(algorithm, input, one_stream_path(algorithm), &[&digests]));
        }
    }
    for input in Input::FOR_MANY {
        for algorithm in Algorithm::ALL {
            let digests = hash_in_odd_chunks(algorithm, input.bytes(&pattern));
            answers.push(compare(algorithm, input, "odd chunks", &[&digests]));
        }
    }
    for engine in Engine::all() {
        in_lanes(engine.always(), &pattern, &mut answers);
    }
    if let Some(engine) = Engine::all().last().filter(|_| has_sha_ni()) {
        in_pairs(engine, &pattern, &mut answers);
    }
    answers
}

/// Hashes three copies of each input by SHA-256 alone: two side by side, and one.
fn in_pairs(engine: Engine, pattern: &[u8], answers: &mut Vec<KnownAnswer>) {
    for input in Input::FOR_MANY {
        let digests = hash_batch_with(engine, SHA256, &[input.bytes(pattern); 3]);
        let copies: Vec<&Digests> = digests.iter().collect();
        answers.push(compare(Algorithm::Sha256, input, "sha256/sha-ni, two streams", &copies));
    }
}

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Empty,
    Abc,
    TwoBlocks,
    Pattern64Kib,
    Pattern1Mib,
}

impl Input {
    const ALL: [Self; 5] =
        [Self::Empty, Self::Abc, Self::TwoBlocks, Self::Pattern64Kib, Self::Pattern1Mib];

    /// Those that are hashed many times over; the longest would cost every start milliseconds.
    const FOR_MANY: [Self; 4] = [Self::Empty, Self::Abc, Self::TwoBlocks, Self::Pattern64Kib];

    /// Length of the longest input in bytes.
    const LONGEST: usize = (1 << 20) + 1;

    /// Only the tree of BLAKE3 does anything with a mebibyte that it does not do with less; the
    /// others would cost every start milliseconds.
    fn algorithms(self, every: Algorithms) -> Algorithms {
        match self {
            Self::Pattern1Mib => Algorithms::NONE.with(Algorithm::Blake3),
            _ => every,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Empty => "nothing",
            Self::Abc => "\"abc\"",
            Self::TwoBlocks => "\"abcdbcdecdef...nopq\"",
            Self::Pattern64Kib => "65,537 bytes i % 251",
            Self::Pattern1Mib => "1,048,577 bytes i % 251",
        }
    }

    /// Returns the input; `pattern` is at least as long as the longest.
    fn bytes(self, pattern: &[u8]) -> &[u8] {
        match self {
            Self::Empty => b"",
            Self::Abc => b"abc",
            Self::TwoBlocks => b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            Self::Pattern64Kib => pattern.get(..65_537).unwrap_or_default(),
            Self::Pattern1Mib => pattern.get(..Self::LONGEST).unwrap_or_default(),
        }
    }
}

/// Hashes one algorithm alone, in chunks that begin and end inside blocks.
fn hash_in_odd_chunks(algorithm: Algorithm, mut bytes: &[u8]) -> Digests {
    let mut hasher = Hasher::new(Algorithms::NONE.with(algorithm));
    for len in [1, 62, 63, 64, 65, 0, 127, 1021, 4099].into_iter().cycle() {
        let (chunk, after) = bytes.split_at(bytes.len().min(len));
        hasher.update(chunk);
        bytes = after;
        if bytes.is_empty() {
            return hasher.finish();
        }
    }
    hasher.finish()
}

/// Hashes copies of the inputs in all lanes, more than there are lanes, so that some are refilled.
fn in_lanes(engine: Engine, pattern: &[u8], answers: &mut Vec<KnownAnswer>) {
    const COPIES: usize = 5;
    let buffers: Vec<&[u8]> =
        Input::FOR_MANY.iter().flat_map(|input| [input.bytes(pattern); COPIES]).collect();
    let digests = hash_batch_with(engine, Algorithms::DEFAULT, &buffers);
    for (input, copies) in Input::FOR_MANY.into_iter().zip(digests.chunks(COPIES)) {
        let copies: Vec<&Digests> = copies.iter().collect();
        for algorithm in Algorithms::DEFAULT.iter() {
            if let Some(path) = engine.path(algorithm) {
                answers.push(compare(algorithm, input, path, &copies));
            }
        }
    }
}

/// Compares all copies with the known value; if one differs, that one is the actual value.
fn compare(
    algorithm: Algorithm,
    input: Input,
    path: &'static str,
    copies: &[&Digests],
) -> KnownAnswer {
    let expected = expected(input)[algorithm as usize];
    let hex = |copy: &&Digests| copy.get(algorithm).map(|d| d.to_string()).unwrap_or_default();
    let mut values = copies.iter().map(hex);
    let first = values.next().unwrap_or_default();
    let wrong = if first == expected { values.find(|value| value != expected) } else { None };
    KnownAnswer { algorithm, input: input.name(), path, expected, actual: wrong.unwrap_or(first) }
}

/// Returns the known digests of an input, in the order of [`Algorithm::ALL`].
const fn expected(input: Input) -> [&'static str; 6] {
    match input {
        Input::Empty => [
            "d41d8cd98f00b204e9800998ecf8427e",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
             47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        ],
        Input::Abc => [
            "900150983cd24fb0d6963f7d28e17f72",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ],
        Input::TwoBlocks => [
            "8215ef0796a20bcaaae116d3876c664a",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335\
             96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445",
            "41c0dba2a9d6240849100376a8235e2c82e1b9998a999e21db32dd97496d3376",
            "c19012cc2aaf0dc3d8e5c45a1b79114d2df42abb2a410bf54be09e891af06ff8",
        ],
        Input::Pattern64Kib => [
            "4c2641c7fe5c93d3aed7c406629ff0ab",
            "74c69f8e2c886f87f68d52d16c30e9b4790513c9",
            "237356e18b503616912abb8ffaed3a72591e397d4ac294c4637917d48a3f529d",
            "40224346b91b835ee1ed51d2c849bc6701ea8d969c8038bea206d19118ef30ec\
             5a37d52330d38ef3c8938fc86319dc9869fc65935223753c54535abc8980bac3",
            "21014f64282e56d8bb9f5ac983116242f7df2f0f9ce064d6dea6ccde3815905c",
            "7c99f9840a73dfcb6e5bfe4ff6d1558acab7e015640790c26411818bdbe17eca",
        ],
        Input::Pattern1Mib => [
            "79b67c7fbf43b76e5b7f182328bdc4b6",
            "ffbc30b06f6bd51da52f9640804c9d0c4f6e2af2",
            "5769f52bc3eef28afa39c6fc68cadb7d0bd69812ae3a3d71452f519ec3c7aa56",
            "5e354eab69ae16c75df3a8a5d2a4c725e331c5163b2b96156df815b10495cf74\
             b0ce8c2e38811d3afa6abaf13d122df1b07920ec402b0921f016376d9132e0ef",
            "05d897b4e5534cce6b55d144fb0672d2de5ac89fe6367566a52e27b1eb8e6a3d",
            "2f053cd7472cf0cd2f9adaf45c1180255b91b9a865404a63671a0ee5f792ed33",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd_paths;

    #[test]
    fn every_known_answer_holds() {
        for answer in self_test() {
            assert!(answer.passed(), "{answer:?}");
        }
    }

    #[test]
    fn every_path_in_use_is_tested_with_a_long_input() {
        let answers = self_test();
        for path in simd_paths() {
            let long = |answer: &&KnownAnswer| answer.path == path && answer.input.contains("i %");
            assert!(answers.iter().any(|answer| long(&answer)), "{path} is not tested");
        }
    }

    #[test]
    fn a_wrong_copy_is_seen_wherever_it_is() {
        let right = hash_bytes(Algorithms::DEFAULT, b"abc");
        let wrong = hash_bytes(Algorithms::DEFAULT, b"abd");
        for copies in [[&wrong, &right, &right], [&right, &wrong, &right], [&right, &right, &wrong]]
        {
            assert!(!compare(Algorithm::Sha1, Input::Abc, "test", &copies).passed());
        }
        assert!(!compare(Algorithm::Md5, Input::Abc, "test", &[]).passed());
        assert!(!compare(Algorithm::Blake3, Input::Abc, "test", &[&right]).passed());
    }
}
