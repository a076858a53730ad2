//! Shards: a scan divided into ranges of locations that weigh about the same.
//!
//! A shard is a range of the manifest's order, so that the manifests of all shards, one after the
//! other, are the manifest of the whole. Where it is cut depends on the evidence alone.

use triage_case::Share;
use triage_evidence::Entry;

/// What an entry costs beside its content, as bytes of content: opening a small file takes about as
/// long as reading so much of it.
const ENTRY_BYTES: u64 = 16 * 1024;

/// Divides entries that come in order.
#[derive(Clone, Debug)]
pub struct Shards {
    count: u64,
    whole: u64,
    before: u64,
    parts: Vec<Share>,
}

/// What of an entry would be read.
fn weight(content_bytes: u64) -> u64 {
    content_bytes.saturating_add(ENTRY_BYTES)
}

impl Shards {
    /// Divides what weighs as much as that many entries with that content into `count` shards.
    #[must_use]
    pub fn new(count: u16, whole: Share) -> Self {
        let count = u64::from(count.max(1));
        let entries = whole.entries.saturating_mul(ENTRY_BYTES);
        let parts = (0..count).map(|_| Share::default()).collect();
        Self { count, whole: whole.bytes.saturating_add(entries).max(1), before: 0, parts }
    }

    /// Takes the next entry and returns the number of its shard, from 0. Numbers never fall.
    pub fn place(&mut self, entry: &Entry, is_read: bool) -> usize {
        let content = entry.size_bytes.filter(|_| is_read).unwrap_or(0);
        let weight = weight(content);
        // By its middle, so that a large file goes where most of it lies.
        let middle = self.before.saturating_add(weight / 2);
        let place = u128::from(middle) * u128::from(self.count) / u128::from(self.whole);
        let place = u64::try_from(place).unwrap_or(u64::MAX).min(self.count - 1);
        let place = usize::try_from(place).unwrap_or(0);
        self.before = self.before.saturating_add(weight);
        if let Some(part) = self.parts.get_mut(place) {
            part.entries += 1;
            part.bytes = part.bytes.saturating_add(content);
        }
        place
    }

    /// Returns what each shard has got: entries, and the bytes of content that would be read.
    #[must_use]
    pub fn parts(&self) -> &[Share] {
        &self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use triage_evidence::{Kind, Location};

    fn entry(number: u64, size_bytes: u64) -> Entry {
        let location = Location::from_path(format!("{number:09}").into_bytes());
        let mut entry = Entry::unexamined(location, Kind::File);
        entry.size_bytes = Some(size_bytes);
        entry
    }

    #[test]
    fn shards_are_ranges_that_weigh_about_the_same_and_hold_everything() {
        let sizes: Vec<u64> = (0..10_000).map(|number| number * 7919 % 100_000).collect();
        let whole = Share { entries: 10_000, bytes: sizes.iter().sum() };
        let mut shards = Shards::new(7, whole);
        let places: Vec<usize> =
            (0..).zip(&sizes).map(|(at, size)| shards.place(&entry(at, *size), true)).collect();
        assert!(places.is_sorted() && places.last() == Some(&6));
        let parts = shards.parts();
        assert_eq!(parts.iter().map(|part| part.entries).sum::<u64>(), 10_000);
        assert_eq!(parts.iter().map(|part| part.bytes).sum::<u64>(), whole.bytes);
        let fair = whole.bytes / 7;
        assert!(parts.iter().all(|part| part.bytes.abs_diff(fair) < fair / 20), "{parts:?}");
    }

    #[test]
    fn one_file_larger_than_all_others_gets_one_shard() {
        let mut shards = Shards::new(4, Share { entries: 3, bytes: 1 << 40 });
        let places = [0, 1 << 40, 0].map(|size| shards.place(&entry(0, size), true));
        assert_eq!(places, [0, 2, 3]);
    }
}
