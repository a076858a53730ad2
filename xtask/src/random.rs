//! A small seeded generator (SplitMix64), so that a tree is the same on every machine.
//!
//! Not for secrets. The recipe of a fixture is its seed: no crate may change its bytes under us.

/// SplitMix64, after Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
pub(crate) struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0; the bias of the remainder does not matter here.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number in 0..1 with 53 bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A size in bytes, log-normal: half of them below `median`, `sigma` in natural logarithms.
    pub(crate) fn log_normal(&mut self, median: u64, sigma: f64) -> u64 {
        // Twelve uniform numbers make a normal one that is the same on every machine: no libm.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        (median as f64 * exp(normal * sigma)) as u64
    }

    /// Fills a buffer.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

/// The exponential, by halving the argument and squaring the series: the same bits everywhere.
fn exp(x: f64) -> f64 {
    let halvings = 10;
    let small = x / f64::from(1 << halvings);
    let mut value = 1.0 + small * (1.0 + small / 2.0 * (1.0 + small / 3.0));
    for _ in 0..halvings {
        value *= value;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_numbers() {
        // Known answers of the reference implementation for the seed 1234567.
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        let known =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(first, known);
    }

    #[test]
    fn half_of_the_sizes_lie_below_the_median() {
        let mut random = Random::new(1);
        let below = (0..10_000).filter(|_| random.log_normal(32_768, 2.0) < 32_768).count();
        assert!((4_800..5_200).contains(&below), "{below}");
    }

    #[test]
    fn exponential_is_close() {
        for x in [-12.0, -1.0, 0.0, 0.5, 3.0, 12.0] {
            assert!((exp(x) / f64::exp(x) - 1.0).abs() < 1e-6, "{x}");
        }
    }
}
