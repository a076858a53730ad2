//! How random the bytes of a volume look: without any signature, a suspicion of encryption.

use triage_evidence::ByteSource;

use crate::bytes::read_around;

/// How many places are looked at, and how many bytes at each.
const SAMPLES: u64 = 64;
const SAMPLE_BYTES: usize = 4096;
/// From here on bytes look random, in bits per byte: 256 KiB of random bytes have 7.9993,
/// compressed pictures stay below.
pub(crate) const RANDOM_BITS: f64 = 7.995;

/// What a look at places spread over a volume gave.
pub(crate) struct Sampled {
    /// Shannon's entropy in bits per byte.
    pub(crate) bits_per_byte: f64,
    /// Whether every byte looked at is zero.
    pub(crate) is_zero: bool,
    /// Whether every place could be read.
    pub(crate) is_whole: bool,
}

/// Looks at places spread evenly over a source.
pub(crate) fn sample(source: &dyn ByteSource) -> Sampled {
    let mut counts = [0_u32; 256];
    let mut is_whole = true;
    let step = (source.size_bytes() / SAMPLES).max(1);
    for place in 0..SAMPLES {
        let held = read_around(source, place.saturating_mul(step), SAMPLE_BYTES);
        is_whole &= held.is_whole;
        // The zeros in place of what could not be read say nothing.
        for byte in held.bytes.into_iter().filter(|byte| held.is_whole || *byte != 0) {
            if let Some(count) = counts.get_mut(usize::from(byte)) {
                *count = count.saturating_add(1);
            }
        }
    }
    let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let entropy = |count: &u32| {
        let share = f64::from(*count) / total;
        if *count == 0 { 0.0 } else { -share * share.log2() }
    };
    let bits_per_byte = if total > 0.0 { counts.iter().map(entropy).sum() } else { 0.0 };
    let is_zero = counts.iter().skip(1).all(|&count| count == 0);
    Sampled { bits_per_byte, is_zero, is_whole }
}
