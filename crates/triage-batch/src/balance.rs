//! Shares units out over shards: the most urgent first, then the longest, each to the shard that
//! has least to do. Graham, "Bounds on Multiprocessing Timing Anomalies" (1969): at most 4/3 of
//! the best possible, and near it when units are many.

use std::collections::BTreeMap;

use crate::Shard;

/// What stays together.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) items: Vec<String>,
    pub(crate) bytes: u64,
    pub(crate) priority: i64,
    pub(crate) storage: Option<String>,
}

impl Unit {
    /// Takes another unit in; the more urgent of the two stands first.
    pub(crate) fn join(&mut self, other: Self) {
        if other.priority > self.priority {
            self.items.splice(0..0, other.items);
        } else {
            self.items.extend(other.items);
        }
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.priority = self.priority.max(other.priority);
    }

    fn into_shard(self) -> Shard {
        let Self { items, bytes, priority, storage } = self;
        Shard { shard: 0, items, bytes, priority, storage }
    }
}

/// Spreads units over at most so many shards, at least one for each storage.
pub(crate) fn spread(mut units: Vec<Unit>, shards: Option<usize>) -> Vec<Shard> {
    units.sort_by(|a, b| (b.priority, b.bytes, &a.items).cmp(&(a.priority, a.bytes, &b.items)));
    let mut out: Vec<Shard> = match shards {
        None => units.into_iter().map(Unit::into_shard).collect(),
        Some(shards) => {
            let mut by_storage: BTreeMap<Option<String>, Vec<Unit>> = BTreeMap::new();
            for unit in units {
                by_storage.entry(unit.storage.clone()).or_default().push(unit);
            }
            let shares = shares(&by_storage, shards);
            by_storage
                .into_values()
                .zip(shares)
                .flat_map(|(units, shards)| spread_one(units, shards))
                .collect()
        }
    };
    out.sort_by(|a, b| (b.priority, b.bytes, &a.items).cmp(&(a.priority, a.bytes, &b.items)));
    for (number, shard) in out.iter_mut().enumerate() {
        shard.shard = number;
    }
    out
}

/// How many shards each storage gets: one, and the rest where a shard has most to do.
fn shares(by_storage: &BTreeMap<Option<String>, Vec<Unit>>, shards: usize) -> Vec<usize> {
    let loads: Vec<(u64, usize)> = by_storage
        .values()
        .map(|units| {
            (units.iter().fold(0, |sum, unit| unit.bytes.saturating_add(sum)), units.len())
        })
        .collect();
    let mut shares = vec![1_usize; loads.len()];
    for _ in loads.len()..shards {
        let most = loads
            .iter()
            .zip(&shares)
            .enumerate()
            .filter(|(_, ((_, units), share))| *share < units)
            .max_by_key(|(place, ((bytes, _), share))| {
                (bytes / u64::try_from(**share).unwrap_or(1).max(1), usize::MAX - place)
            })
            .map(|(place, _)| place);
        match most.and_then(|place| shares.get_mut(place)) {
            Some(share) => *share += 1,
            None => break,
        }
    }
    shares
}

fn spread_one(units: Vec<Unit>, shards: usize) -> Vec<Shard> {
    let mut out: Vec<Unit> = Vec::new();
    for unit in units {
        let has_room = out.len() < shards;
        match out.iter_mut().min_by_key(|shard| shard.bytes).filter(|_| !has_room) {
            Some(shard) => shard.join(unit),
            None => out.push(unit),
        }
    }
    out.into_iter().map(Unit::into_shard).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(id: &str, bytes: u64, priority: i64, storage: Option<&str>) -> Unit {
        let storage = storage.map(str::to_owned);
        Unit { items: vec![id.to_owned()], bytes, priority, storage }
    }

    fn items(shards: &[Shard]) -> Vec<Vec<&str>> {
        shards.iter().map(|shard| shard.items.iter().map(String::as_str).collect()).collect()
    }

    #[test]
    fn the_longest_goes_where_least_is_to_do_and_the_urgent_comes_first() {
        let units = vec![
            unit("1", 7, 0, None),
            unit("2", 5, 0, None),
            unit("3", 4, 0, None),
            unit("4", 3, 0, None),
            unit("5", 1, 9, None),
        ];
        let shards = spread(units.clone(), Some(2));
        assert_eq!(items(&shards), [vec!["5", "2", "3"], vec!["1", "4"]]);
        assert_eq!(shards[0].priority, 9);
        let alone = spread(units, None);
        assert_eq!(items(&alone), [["5"], ["1"], ["2"], ["3"], ["4"]]);
    }

    #[test]
    fn a_shard_reads_from_one_storage() {
        let units = vec![
            unit("1", 90, 0, Some("nas1")),
            unit("2", 80, 0, Some("nas1")),
            unit("3", 1, 0, Some("nas2")),
            unit("4", 1, 0, Some("nas2")),
        ];
        let shards = spread(units, Some(3));
        assert_eq!(items(&shards), [vec!["1"], vec!["2"], vec!["3", "4"]]);
        assert_eq!(shards[2].storage.as_deref(), Some("nas2"));
    }
}
