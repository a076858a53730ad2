//! Cryptographic digests of a stream: several algorithms in one pass over the bytes.
//!
//! [`Algorithms`] says which digests are wanted, [`Hasher`] computes them from chunks,
//! [`hash_bytes`] from a whole buffer, and [`hash_batch`] from many whole buffers side by side in
//! vector lanes; [`Messages`] does the same for short messages, [`update_many`] for streams that
//! advance together. [`Digest`] is one typed value, [`Digests`] the set that one read produced. MD5
//! and SHA-1 are here because hash sets use them; integrity rests on SHA-256. [`self_test`]
//! compares every algorithm, on every code path that [`simd_paths`] names, with known answers.

mod algorithm;
mod batch;
mod chains;
mod constants;
mod digest;
mod digests;
mod hasher;
mod known_answers;
mod lane_limit;
mod lanes;
mod md5_rounds;
mod messages;
mod paths;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
mod thresholds;

pub use algorithm::{Algorithm, Algorithms, UnknownAlgorithm};
pub use batch::{has_lanes, hash_batch, update_many};
pub use digest::{BadDigest, Digest};
pub use digests::Digests;
pub use hasher::{Hasher, hash_bytes};
pub use known_answers::{KnownAnswer, self_test};
pub use lane_limit::{BadLanes, Lanes};
pub use messages::Messages;
pub use paths::simd_paths;
