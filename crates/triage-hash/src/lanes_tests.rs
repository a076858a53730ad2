//! Lanes, batches and streams against the one-stream crates of RustCrypto, which share no code with
//! them for MD5 and no padding for SHA.

use sha2::Digest as _;

use super::{Engine, LANES};
use crate::batch::hash_batch_with;
use crate::{Algorithm, Algorithms, Digest, Digests, Hasher, hash_batch, hash_bytes, update_many};

/// A fixed sequence of numbers that look random (xorshift64).
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| (self.next() >> 32) as u8).collect()
    }
}

fn reference(algorithms: Algorithms, bytes: &[u8]) -> Digests {
    algorithms
        .iter()
        .map(|algorithm| {
            let value = match algorithm {
                Algorithm::Md5 => md5::Md5::digest(bytes).to_vec(),
                Algorithm::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
                Algorithm::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
                Algorithm::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
                Algorithm::Sha3_256 => sha3::Sha3_256::digest(bytes).to_vec(),
                Algorithm::Blake3 => blake3::hash(bytes).as_bytes().to_vec(),
            };
            Digest::from_bytes(algorithm, &value).unwrap()
        })
        .collect()
}

/// Every kernel, both as it is used and with all its algorithms forced into lanes.
fn engines() -> Vec<Engine> {
    Engine::all().flat_map(|engine| [engine, engine.always()]).collect()
}

/// Every set of MD5, SHA-1 and SHA-256 that is not empty.
fn sets() -> Vec<Algorithms> {
    let every: Vec<Algorithm> = Algorithms::DEFAULT.iter().collect();
    (1..8).map(|bits| (0..3).filter(|i| bits & 1 << i != 0).map(|i| every[i]).collect()).collect()
}

fn check(engine: Engine, algorithms: Algorithms, buffers: &[Vec<u8>]) {
    let slices: Vec<&[u8]> = buffers.iter().map(Vec::as_slice).collect();
    let digests = hash_batch_with(engine, algorithms, &slices);
    assert_eq!(digests.len(), buffers.len());
    for (i, (got, bytes)) in digests.iter().zip(buffers).enumerate() {
        let expected = reference(algorithms, bytes);
        assert_eq!(*got, expected, "{engine:?}, buffer {i} of {} bytes", bytes.len());
    }
}

/// Equal lengths keep their order, so that buffer `i` is in lane `i`.
#[test]
fn every_length_is_right_in_every_lane() {
    let mut sequence = Sequence(1);
    for len in 0..=300 {
        let buffers: Vec<Vec<u8>> = (0..LANES).map(|_| sequence.bytes(len)).collect();
        for engine in engines() {
            check(engine, Algorithms::DEFAULT, &buffers);
        }
    }
}

#[test]
fn every_length_next_to_every_other_is_right_with_refills() {
    let mut sequence = Sequence(2);
    let mut buffers: Vec<Vec<u8>> = (0..=300).map(|len| sequence.bytes(len)).collect();
    buffers.rotate_left(77);
    for engine in engines() {
        for algorithms in sets() {
            check(engine, algorithms, &buffers);
        }
    }
}

#[test]
fn few_buffers_and_random_mixes_are_right() {
    let mut sequence = Sequence(3);
    for round in 0..120 {
        let count = if round < 40 { round % 20 } else { sequence.below(50) };
        let longest = [64, 200, 5_000, 20_000][sequence.below(4)];
        let buffers: Vec<Vec<u8>> = (0..count)
            .map(|_| {
                let len = sequence.below(longest);
                sequence.bytes(len)
            })
            .collect();
        let algorithms = sets()[sequence.below(7)];
        for engine in engines() {
            check(engine, algorithms, &buffers);
        }
    }
}

#[test]
fn a_batch_gives_every_algorithm_and_agrees_with_one_stream() {
    let mut sequence = Sequence(4);
    let every: Algorithms = Algorithm::ALL.into_iter().collect();
    let buffers: Vec<Vec<u8>> = [0, 1, 55, 56, 63, 64, 65, 70_000, 127, 128, 300_001]
        .into_iter()
        .map(|len| sequence.bytes(len))
        .collect();
    let slices: Vec<&[u8]> = buffers.iter().map(Vec::as_slice).collect();
    for (got, bytes) in hash_batch(every, &slices).iter().zip(&slices) {
        assert_eq!(*got, reference(every, bytes));
        assert_eq!(*got, hash_bytes(every, bytes));
    }
    assert!(hash_batch(every, &[]).is_empty());
    assert!(hash_batch(Algorithms::NONE, &slices).iter().all(Digests::is_empty));
}

#[test]
fn one_stream_is_right_for_every_length_and_way_to_cut_it() {
    let mut sequence = Sequence(5);
    for len in (0..=300).chain([4_095, 4_096, 4_097, 16_384, 50_000]) {
        let bytes = sequence.bytes(len);
        for algorithms in sets() {
            let mut hasher = Hasher::new(algorithms);
            let mut left = bytes.as_slice();
            while !left.is_empty() {
                let (chunk, after) = left.split_at(sequence.below(200).min(left.len()));
                hasher.update(chunk);
                left = after;
            }
            assert_eq!(hasher.finish(), reference(algorithms, &bytes), "{len} bytes");
            assert_eq!(hash_bytes(algorithms, &bytes), reference(algorithms, &bytes));
        }
    }
}

#[test]
fn streams_that_advance_together_are_as_if_alone() {
    let every: Algorithms = Algorithm::ALL.into_iter().collect();
    for algorithms in sets().into_iter().chain([every]) {
        for count in [1, 2, 3, 15, 16, 17, 40] {
            advance_together(algorithms, count);
        }
    }
}

fn advance_together(algorithms: Algorithms, count: usize) {
    let mut sequence = Sequence(6);
    let mut hashers = vec![Hasher::new(algorithms); count];
    let mut whole = vec![Vec::new(); count];
    // The odd length in the middle leaves a begun block, after which lanes are not possible.
    for (turn, len) in [4_096, 64, 8_192, 100, 128, 0, 5].into_iter().enumerate() {
        let mut chunks: Vec<Vec<u8>> = (0..count).map(|_| sequence.bytes(len)).collect();
        if turn == 2 {
            chunks[0].truncate(64);
        }
        let slices = chunks.iter().map(Vec::as_slice);
        update_many(hashers.iter_mut().zip(slices).collect());
        for (bytes, chunk) in whole.iter_mut().zip(&chunks) {
            bytes.extend_from_slice(chunk);
        }
    }
    for (hasher, bytes) in hashers.into_iter().zip(&whole) {
        assert_eq!(hasher.finish(), reference(algorithms, bytes), "{count} streams");
    }
}

/// Chunks of one block each.
const CHUNKS: [&[u8]; 7] = [&[0; 64], &[1; 64], &[2; 64], &[3; 64], &[4; 64], &[5; 64], &[6; 64]];

#[test]
fn hashers_of_different_algorithms_are_not_mixed() {
    let mut hashers: Vec<Hasher> = (0..6)
        .map(|i| Hasher::new(if i % 2 == 0 { Algorithms::DEFAULT } else { sets()[0] }))
        .collect();
    update_many(hashers.iter_mut().zip([1, 2, 3, 4, 5, 6].map(|i| CHUNKS[i])).collect());
    for (i, hasher) in hashers.into_iter().enumerate() {
        let algorithms = if i % 2 == 0 { Algorithms::DEFAULT } else { sets()[0] };
        assert_eq!(hasher.finish(), reference(algorithms, CHUNKS[i + 1]), "hasher {i}");
    }
}
