//! From how many busy lanes on lanes are faster than one stream after the other.
//!
//! The full lanes of every processor win; where few do differs. These were measured on one
//! processor of each make, as the time that a row of blocks takes, one block of each stream: in
//! lanes, however few are busy, and of one stream. They are not measured at run time, since a run
//! does not depend on a clock.

use crate::lanes::LANES;
use crate::paths::{Make, has_sha_ni};

/// The fewest busy lanes from which on lanes beat one stream after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    pub(crate) md5: usize,
    /// Those of SHA-1 and SHA-256 with MD5, whose latency hides them.
    pub(crate) sha_with_md5: usize,
    /// Those of SHA-1, alone or with SHA-256.
    pub(crate) sha: usize,
    /// Those of SHA-256 alone, which SHA-NI does two by two.
    pub(crate) sha256_alone: usize,
}

/// Lanes that are never worth it.
pub(crate) const NEVER: usize = LANES + 1;

impl Thresholds {
    /// Returns those of the sixteen lanes of AVX-512.
    ///
    /// Xeon of 2.6 GHz: the three digests of 1 to 16 buffers of 1 MiB; SHA-256 alone does 2,350
    /// MiB/s in ten lanes and of two streams. EPYC of the fifth generation, in nanoseconds a row:
    /// the three digests 248 in lanes, 90 of one stream; SHA-1 and SHA-256 217 and 38; SHA-256
    /// alone 177 in lanes, 47 of two streams. With the thresholds of the Xeon four large files took
    /// it 1.45 s on one thread and 1.10 s on two. Without SHA-NI: estimated.
    pub(crate) fn of_avx512() -> Self {
        match (has_sha_ni(), Make::detect()) {
            (true, Make::Amd) => Self { md5: 3, sha_with_md5: 3, sha: 6, sha256_alone: 8 },
            (true, Make::Other) => Self { md5: 2, sha_with_md5: 7, sha: 7, sha256_alone: 10 },
            (false, _) => Self { md5: 2, sha_with_md5: 2, sha: 2, sha256_alone: 3 },
        }
    }

    /// Returns those of AVX2, which has MD5 alone: from so many buffers on it outweighs SHA outside
    /// its gaps. The EPYC takes 208 ns for a row in lanes.
    pub(crate) fn of_avx2() -> Self {
        let md5 = match Make::detect() {
            Make::Amd => 5,
            Make::Other => 3,
        };
        Self { md5, sha_with_md5: NEVER, sha: NEVER, sha256_alone: NEVER }
    }

    /// Returns the same with lanes however few are busy.
    pub(crate) fn always(self) -> Self {
        let always = |threshold| if threshold == NEVER { NEVER } else { 1 };
        Self {
            md5: always(self.md5),
            sha_with_md5: always(self.sha_with_md5),
            sha: always(self.sha),
            sha256_alone: always(self.sha256_alone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_busy_lanes_win_unless_they_never_do() {
        for Thresholds { md5, sha_with_md5, sha, sha256_alone } in
            [Thresholds::of_avx512(), Thresholds::of_avx2()]
        {
            assert!((2..=LANES).contains(&md5));
            for threshold in [sha_with_md5, sha, sha256_alone] {
                assert!((2..=LANES).contains(&threshold) || threshold == NEVER, "{threshold}");
            }
        }
        let always = Thresholds::of_avx2().always();
        assert_eq!((always.md5, always.sha), (1, NEVER));
    }
}
