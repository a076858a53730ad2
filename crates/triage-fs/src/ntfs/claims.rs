//! Clusters that more than one deleted file claims: at most one of them can be right.

use super::run_list::Extent;

/// How many claims are kept: 64 MiB of memory. Beyond it no deleted file is certain.
const LIMIT_CLAIMS: usize = 4 * 1024 * 1024;

/// The claims of deleted files, and, when they are settled, those that contradict each other.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// First cluster and the one behind the last: of each claim, later of each contested range.
    ranges: Vec<(u64, u64)>,
    is_over_limit: bool,
}

impl Claims {
    /// Adds what a deleted record says.
    pub(super) fn add(&mut self, extents: impl Iterator<Item = Extent>) {
        for extent in extents {
            let Some(first) = extent.cluster else {
                continue;
            };
            if self.ranges.len() >= LIMIT_CLAIMS {
                self.is_over_limit = true;
                return;
            }
            self.ranges.push((first, first.saturating_add(extent.count)));
        }
    }

    /// Keeps what was claimed twice, as ranges that neither touch nor overlap.
    pub(super) fn settle(&mut self) {
        self.ranges.sort_unstable();
        let mut contested: Vec<(u64, u64)> = Vec::new();
        let mut reached = 0;
        for &(first, end) in &self.ranges {
            let twice = (first, end.min(reached));
            reached = reached.max(end);
            if twice.0 >= twice.1 {
                continue;
            }
            match contested.last_mut() {
                Some(last) if twice.0 <= last.1 => last.1 = last.1.max(twice.1),
                _ => contested.push(twice),
            }
        }
        self.ranges = contested;
    }

    /// Says whether another deleted file claims a part of these clusters too.
    pub(super) fn contests(&self, extent: &Extent) -> bool {
        let Some(first) = extent.cluster else {
            return false;
        };
        let end = first.saturating_add(extent.count);
        let index = self.ranges.partition_point(|range| range.1 <= first);
        self.is_over_limit || self.ranges.get(index).is_some_and(|range| range.0 < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(first: u64, count: u64) -> Extent {
        Extent { first: 0, cluster: Some(first), count }
    }

    #[test]
    fn only_what_is_claimed_twice_is_contested() {
        let mut claims = Claims::default();
        claims.add([extent(10, 10), extent(50, 5), extent(15, 2), extent(18, 10)].into_iter());
        claims.add([extent(28, 2), Extent { first: 0, cluster: None, count: 99 }].into_iter());
        claims.settle();
        assert_eq!(claims.ranges, [(15, 17), (18, 20)]);
        for (first, count, is_contested) in
            [(10, 5, false), (10, 6, true), (17, 1, false), (19, 1, true), (20, 40, false)]
        {
            assert_eq!(claims.contests(&extent(first, count)), is_contested, "{first}");
        }
    }
}
