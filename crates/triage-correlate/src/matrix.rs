//! How many files each two exhibits share.

use crate::Shared;

/// The most exhibits that have a matrix: 16 MiB of counts.
const LIMIT_EXHIBITS: usize = 2048;

/// How many files each two exhibits share.
#[derive(Clone, Debug)]
pub struct Matrix {
    exhibits: usize,
    counts: Vec<u32>,
}

impl Matrix {
    /// Returns a matrix of so many exhibits; `None` if they are too many for one.
    #[must_use]
    pub fn new(exhibits: usize) -> Option<Self> {
        let cells = exhibits.checked_mul(exhibits)?;
        (exhibits <= LIMIT_EXHIBITS).then(|| Self { exhibits, counts: vec![0; cells] })
    }

    /// Counts a file once for each two exhibits that have it. Costs the square of their number:
    /// only rare files are counted.
    pub fn add(&mut self, shared: &Shared) {
        for (place, a) in shared.on.iter().enumerate() {
            for b in shared.on.iter().skip(place + 1) {
                for (x, y) in [(a.exhibit, b.exhibit), (b.exhibit, a.exhibit)] {
                    if let Some(count) = self.place(x, y).and_then(|at| self.counts.get_mut(at)) {
                        *count = count.saturating_add(1);
                    }
                }
            }
        }
    }

    /// Returns how many files two exhibits share.
    #[must_use]
    pub fn count(&self, a: u32, b: u32) -> u32 {
        self.place(a, b).and_then(|at| self.counts.get(at)).copied().unwrap_or(0)
    }

    /// Returns every two exhibits that share something, the first one before the second, with how
    /// many files; those that share most come first.
    #[must_use]
    pub fn pairs(&self) -> Vec<(u32, u32, u32)> {
        let exhibits = u32::try_from(self.exhibits).unwrap_or(u32::MAX);
        let both = (0..exhibits).flat_map(|a| (a + 1..exhibits).map(move |b| (a, b)));
        let mut pairs: Vec<_> = both
            .map(|(a, b)| (a, b, self.count(a, b)))
            .filter(|(_, _, count)| *count > 0)
            .collect();
        pairs.sort_by(|x, y| y.2.cmp(&x.2).then((x.0, x.1).cmp(&(y.0, y.1))));
        pairs
    }

    /// Returns up to so many exhibits, those first that share most files with others.
    #[must_use]
    pub fn busiest(&self, most: usize) -> Vec<u32> {
        let exhibits = u32::try_from(self.exhibits).unwrap_or(u32::MAX);
        let sum = |a: u32| (0..exhibits).map(|b| u64::from(self.count(a, b))).sum::<u64>();
        let mut sums: Vec<_> = (0..exhibits).map(|a| (sum(a), a)).collect();
        sums.retain(|(sum, _)| *sum > 0);
        sums.sort_by(|x, y| y.0.cmp(&x.0).then(x.1.cmp(&y.1)));
        sums.into_iter().take(most).map(|(_, exhibit)| exhibit).collect()
    }

    fn place(&self, a: u32, b: u32) -> Option<usize> {
        let (a, b) = (usize::try_from(a).ok()?, usize::try_from(b).ok()?);
        (a < self.exhibits && b < self.exhibits).then(|| a * self.exhibits + b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedOn;

    #[test]
    fn each_two_exhibits_are_counted_once() {
        let mut matrix = Matrix::new(4).unwrap();
        let shared = |exhibits: &[u32]| {
            let on = exhibits.iter();
            let on = on.map(|&exhibit| SharedOn { exhibit, copies: 3, modified: None });
            Shared { on: on.collect(), ..Shared::default() }
        };
        matrix.add(&shared(&[0, 2, 3]));
        matrix.add(&shared(&[0, 3]));
        matrix.add(&shared(&[1]));
        matrix.add(&shared(&[1, 9]));
        assert_eq!(matrix.pairs(), [(0, 3, 2), (0, 2, 1), (2, 3, 1)]);
        assert_eq!((matrix.count(3, 0), matrix.count(0, 0), matrix.count(9, 9)), (2, 0, 0));
        assert_eq!(matrix.busiest(2), [0, 3]);
        assert!(Matrix::new(LIMIT_EXHIBITS + 1).is_none());
    }
}
