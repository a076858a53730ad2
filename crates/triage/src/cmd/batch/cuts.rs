//! Where an exhibit can be cut into parts of about the same size, found in one walk.

use triage_evidence::Location;
use triage_walk::{Evidence, Flow, Verdict, WalkPlan};

/// How many possible cuts are kept: ten thousand parts can be cut out of them.
const LIMIT_POINTS: usize = 65_536;

/// What an entry weighs beside its content, in bytes: opening a file costs about as much as
/// reading that, so that a million empty files are not one part.
const ENTRY_BYTES: u64 = 16 * 1024;

/// How much an exhibit holds, and where it can be cut.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) bytes: u64,
    pub(super) entries: u64,
    weight: u64,
    stride: u64,
    /// Locations with the weight of everything up to them.
    points: Vec<(Location, u64)>,
}

impl Measured {
    /// Walks an exhibit without reading content.
    pub(super) fn walk(evidence: &Evidence, plan: &WalkPlan) -> Self {
        let mut measured = Self::default();
        evidence.walk(plan, &mut |batch| {
            for met in batch.met {
                let size = match met.verdict {
                    Verdict::Content => met.entry.size_bytes.unwrap_or(0),
                    _ => 0,
                };
                measured.take(met.entry.location, size);
            }
            Flow::Continue
        });
        measured
    }

    fn take(&mut self, location: Location, size: u64) {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(size);
        self.weight = self.weight.saturating_add(size).saturating_add(ENTRY_BYTES);
        let last = self.points.last().map_or(0, |(_, weight)| *weight);
        if self.weight - last < self.stride {
            return;
        }
        self.points.push((location, self.weight));
        if self.points.len() >= LIMIT_POINTS {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.stride = self.stride.max(ENTRY_BYTES).saturating_mul(2);
        }
    }

    /// Returns the last location of each part but the last one, and the weight of each part.
    pub(super) fn cut(&self, parts: u32) -> (Vec<Location>, Vec<u64>) {
        let parts = u64::from(parts.max(1));
        let mut ends = Vec::new();
        let mut weights = Vec::new();
        let mut begun = 0;
        let mut points = self.points.iter();
        for part in 1..parts {
            let target = u128::from(self.weight) * u128::from(part) / u128::from(parts);
            let Some((end, weight)) = points.find(|(_, weight)| u128::from(*weight) >= target)
            else {
                break;
            };
            if *weight >= self.weight {
                break;
            }
            ends.push(end.clone());
            weights.push(weight - begun);
            begun = *weight;
        }
        weights.push(self.weight - begun);
        (ends, weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_about_as_large_as_each_other_and_lose_nothing() {
        let mut measured = Measured::default();
        for number in 0..200_000_u64 {
            measured
                .take(Location::from_path(number.to_string().into_bytes()), number % 7 * 10_000);
        }
        let (ends, weights) = measured.cut(8);
        assert_eq!((ends.len(), weights.len()), (7, 8));
        assert_eq!(weights.iter().sum::<u64>(), measured.weight);
        let mean = measured.weight / 8;
        assert!(weights.iter().all(|weight| weight.abs_diff(mean) < mean / 50), "{weights:?}");
        let mut small = Measured::default();
        small.take(Location::root(), 5);
        assert_eq!(small.cut(8).0.len(), 0);
    }
}
