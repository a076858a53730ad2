//! Cryptographic digests of a stream: several algorithms in one pass over the bytes.
//!
//! [`Algorithms`] says which digests are wanted, [`Hasher`] computes them from chunks, and
//! [`hash_bytes`] from a whole buffer. [`Digest`] is one typed value, [`Digests`] the set that one
//! read produced. MD5 and SHA-1 are here because hash sets use them; integrity rests on SHA-256.
//! [`self_test`] compares every algorithm with published known answers.

mod algorithm;
mod batch;
mod chains;
mod constants;
mod digest;
mod digests;
mod hasher;
mod known_answers;
mod lanes;
mod md5_rounds;

pub use algorithm::{Algorithm, Algorithms, UnknownAlgorithm};
pub use batch::{hash_batch, update_many};
pub use digest::{BadDigest, Digest};
pub use digests::Digests;
pub use hasher::{Hasher, hash_bytes};
pub use known_answers::{KnownAnswer, self_test};
pub use lanes::simd_paths;
