//! The table: which cluster follows which. Specification, section 4.

use std::collections::HashSet;

use crate::bytes::{long, short, u16_at, u32_at};

/// How wide an entry of the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// 12 bits: FAT12.
    OneAndAHalf,
    /// 16 bits: FAT16.
    Two,
    /// 32 bits, of which FAT32 uses 28.
    Four,
    /// 32 bits, all of them used: exFAT.
    FourExtended,
}

impl Width {
    /// Returns the name of the file system.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OneAndAHalf => "fat12",
            Self::Two => "fat16",
            Self::Four => "fat32",
            Self::FourExtended => "exfat",
        }
    }

    /// Returns how long a table of so many entries is.
    pub(crate) fn bytes_for(self, entries: u64) -> u64 {
        match self {
            Self::OneAndAHalf => entries.saturating_mul(3).div_ceil(2),
            Self::Two => entries.saturating_mul(2),
            Self::Four | Self::FourExtended => entries.saturating_mul(4),
        }
    }

    /// Returns where two tables first differ. The first two entries hold flags of the system.
    pub(crate) fn first_difference(self, a: &[u8], b: &[u8]) -> Option<u64> {
        let flags = short(self.bytes_for(2));
        let pairs = a.iter().zip(b).enumerate().skip(flags);
        pairs.into_iter().find(|(_, (a, b))| a != b).map(|(at, _)| long(at))
    }

    /// From which value on an entry says that the chain ends.
    const fn end(self) -> u32 {
        match self {
            Self::OneAndAHalf => 0xff8,
            Self::Two => 0xfff8,
            Self::Four => 0x0fff_fff8,
            Self::FourExtended => 0xffff_fff8,
        }
    }
}

/// Clusters in the order of a content, as first cluster and count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) ranges: Vec<(u32, u32)>,
    /// Whether it ended where it should: at an end mark, or as long as it was asked for.
    pub(crate) is_whole: bool,
}

impl Chain {
    /// Cuts a chain that came back to itself behind its first round.
    fn cut_circle(&mut self) {
        let mut sorted = self.ranges.clone();
        sorted.sort_unstable();
        let meets = |pair: &[(u32, u32)]| match pair {
            [(first, count), (next, _)] => first.saturating_add(*count) > *next,
            _ => false,
        };
        if !sorted.windows(2).any(meets) {
            return;
        }
        let mut seen = HashSet::new();
        let mut cut = Self::default();
        let clusters =
            self.ranges.iter().flat_map(|&(first, count)| first..first.saturating_add(count));
        for cluster in clusters.take_while(|&cluster| seen.insert(cluster)) {
            cut.push(cluster);
        }
        *self = cut;
    }

    fn push(&mut self, cluster: u32) {
        match self.ranges.last_mut() {
            Some((first, count)) if first.checked_add(*count) == Some(cluster) => {
                *count = count.saturating_add(1);
            }
            _ => self.ranges.push((cluster, 1)),
        }
    }
}

/// The table of a volume, in memory.
pub(crate) struct Table {
    bytes: Vec<u8>,
    width: Width,
    clusters: u64,
}

impl Table {
    /// Takes the bytes of a table.
    pub(crate) const fn new(bytes: Vec<u8>, width: Width, clusters: u64) -> Self {
        Self { bytes, width, clusters }
    }

    /// Returns how many clusters the volume has.
    pub(crate) const fn clusters(&self) -> u64 {
        self.clusters
    }

    /// Says whether there is a cluster of that number.
    pub(crate) fn holds(&self, cluster: u32) -> bool {
        cluster >= 2 && u64::from(cluster) < self.clusters.saturating_add(2)
    }

    /// Returns the entry of a cluster; an end mark where the table is cut off.
    pub(crate) fn entry(&self, cluster: u32) -> u32 {
        let place = short(u64::from(cluster));
        let found = match self.width {
            Width::OneAndAHalf => {
                let at = place.saturating_add(place.div_euclid(2));
                let both = u16_at(&self.bytes, at).map(u32::from);
                both.map(|both| if cluster & 1 == 0 { both & 0xfff } else { both >> 4 })
            }
            Width::Two => u16_at(&self.bytes, place.saturating_mul(2)).map(u32::from),
            Width::Four => {
                u32_at(&self.bytes, place.saturating_mul(4)).map(|entry| entry & 0x0fff_ffff)
            }
            Width::FourExtended => u32_at(&self.bytes, place.saturating_mul(4)),
        };
        found.unwrap_or(u32::MAX)
    }

    /// Says whether a cluster exists and belongs to nothing.
    pub(crate) fn is_free(&self, cluster: u32) -> bool {
        self.holds(cluster) && self.entry(cluster) == 0
    }

    /// Returns how many clusters belong to nothing.
    pub(crate) fn count_free(&self) -> u64 {
        let end = u32::try_from(self.clusters.saturating_add(2)).unwrap_or(u32::MAX);
        long((2..end).filter(|&cluster| self.entry(cluster) == 0).count())
    }

    /// Returns the next free clusters in a row from one on, at most so many: the first, and how
    /// many.
    pub(crate) fn free_range(&self, from: u32, most: u32) -> Option<(u32, u32)> {
        let end = u32::try_from(self.clusters.saturating_add(2)).unwrap_or(u32::MAX);
        let first = (from..end).find(|&cluster| self.entry(cluster) == 0)?;
        let last = first.saturating_add(most).min(end);
        let behind = (first..last).find(|&cluster| self.entry(cluster) != 0).unwrap_or(last);
        Some((first, behind.saturating_sub(first)))
    }

    /// Follows a chain for at most so many clusters. A chain that goes in circles is cut where it
    /// comes back to itself.
    pub(crate) fn chain(&self, first: u32, limit: u64) -> Chain {
        let mut chain = Chain::default();
        let mut cluster = first;
        for _ in 0..limit.min(self.clusters) {
            if !self.holds(cluster) {
                chain.is_whole = cluster >= self.width.end();
                return chain;
            }
            chain.push(cluster);
            let next = self.entry(cluster);
            // The commonest circle: it would repeat one cluster for the whole length.
            if next == cluster || next == first {
                return chain;
            }
            cluster = next;
        }
        chain.is_whole = true;
        chain.cut_circle();
        chain
    }

    /// Returns the next free clusters from one on, those in use left out.
    pub(crate) fn free_from(&self, first: u32, count: u64) -> Vec<(u32, u32)> {
        let mut chain = Chain::default();
        let mut left = count;
        let mut cluster = first;
        while left > 0 && self.holds(cluster) {
            if self.entry(cluster) == 0 {
                chain.push(cluster);
                left = left.saturating_sub(1);
            }
            cluster = cluster.saturating_add(1);
        }
        chain.ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_bits_are_unpacked_from_either_half() {
        // Entries 0xff8, 0xfff, 0x003, 0x004, 0xfff, 0x000.
        let bytes = vec![0xf8, 0xff, 0xff, 0x03, 0x40, 0x00, 0xff, 0x0f, 0x00];
        let table = Table::new(bytes, Width::OneAndAHalf, 4);
        let entries: Vec<u32> = (0..6).map(|cluster| table.entry(cluster)).collect();
        assert_eq!(entries, [0xff8, 0xfff, 3, 4, 0xfff, 0]);
        assert_eq!(table.chain(2, 99), Chain { ranges: vec![(2, 3)], is_whole: true });
        assert_eq!(table.count_free(), 1);
        assert_eq!(table.free_from(5, 3), [(5, 1)]);
        assert_eq!((table.free_range(2, 9), table.free_range(6, 9)), (Some((5, 1)), None));
    }

    #[test]
    fn a_chain_in_circles_ends() {
        let entries: [u16; 6] = [0xfff8, 0xffff, 3, 4, 3, 2];
        let bytes = entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        let table = Table::new(bytes, Width::Two, 4);
        let length =
            |first| table.chain(first, 1000).ranges.iter().map(|(_, count)| count).sum::<u32>();
        // 2, 3, 4 and back to 3; 5, 2, 3, 4 and back to 3.
        assert_eq!((length(2), length(5)), (3, 4));
        assert!(!table.chain(2, 1000).is_whole && !table.chain(2, 4).is_whole);
        assert!(table.chain(2, 3).is_whole);
        assert_eq!(table.chain(9, 5), Chain::default());
    }
}
