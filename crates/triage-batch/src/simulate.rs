//! How long a plan would take on so many machines, and how far that is from the shortest possible.
//!
//! A model, not a promise: every shard takes its bytes at the rate of its storage, shards begin in
//! the order of the plan, and a storage serves so many at once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use crate::BatchPlan;

/// The machines, and what the storages give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// How many machines work at the same time.
    pub count: usize,
    /// What a shard reads in bytes per second, where its storage says nothing else.
    pub bytes_per_second: u64,
    /// For a storage by name: bytes per second of one shard, and how many it serves at once.
    pub storages: BTreeMap<String, (u64, usize)>,
}

/// What came of it. Times are milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// When the last shard ends.
    pub makespan_ms: u64,
    /// No order could be faster than this.
    pub lower_bound_ms: u64,
    /// The work of all machines together.
    pub work_ms: u64,
}

/// A shard that has not begun: its place in the plan, and how long it takes in milliseconds.
type Waiting = VecDeque<(usize, u64)>;

/// Moments at which something becomes free, the earliest first.
type Free = BinaryHeap<Reverse<u64>>;

/// Plays the plan through.
///
/// A machine that becomes free takes the first shard of the plan whose storage serves one more; if
/// there is none, the one that can begin soonest. So does a scheduler that knows storages as
/// licences.
#[must_use]
pub fn simulate(plan: &BatchPlan, nodes: &Nodes) -> Simulation {
    let mut waiting = waiting(plan, nodes);
    let lower_bound_ms = lower_bound(&waiting, nodes);
    let work = waiting.values().flatten().fold(0_u64, |sum, (_, took)| sum.saturating_add(*took));
    let mut machines: Free = (0..nodes.count.max(1)).map(|_| Reverse(0)).collect();
    let mut serving: BTreeMap<&str, Free> = nodes
        .storages
        .iter()
        .map(|(name, (_, at_once))| {
            (name.as_str(), (0..(*at_once).max(1)).map(|_| Reverse(0)).collect())
        })
        .collect();
    let mut makespan_ms = 0;
    while let Some(Reverse(free)) = machines.pop() {
        let begins = |storage: &Option<&str>| {
            let slot = storage.and_then(|name| serving.get(name)?.peek());
            slot.map_or(free, |Reverse(slot)| free.max(*slot))
        };
        let next = waiting
            .iter()
            .filter_map(|(storage, queue)| Some((begins(storage), queue.front()?.0, *storage)))
            .min();
        let Some((begins, _, storage)) = next else { break };
        let Some((_, took)) = waiting.get_mut(&storage).and_then(VecDeque::pop_front) else {
            break;
        };
        let ends = begins.saturating_add(took);
        makespan_ms = makespan_ms.max(ends);
        machines.push(Reverse(ends));
        if let Some(slots) = storage.and_then(|name| serving.get_mut(name)) {
            slots.pop();
            slots.push(Reverse(ends));
        }
    }
    Simulation { makespan_ms, lower_bound_ms, work_ms: work }
}

/// The shards of each storage whose rate is known, and of all others together.
fn waiting<'a>(plan: &'a BatchPlan, nodes: &Nodes) -> BTreeMap<Option<&'a str>, Waiting> {
    let mut waiting: BTreeMap<Option<&str>, Waiting> = BTreeMap::new();
    for (place, shard) in plan.shards.iter().enumerate() {
        let storage = shard.storage.as_deref().filter(|name| nodes.storages.contains_key(*name));
        let rate = storage.and_then(|name| nodes.storages.get(name)).map(|(rate, _)| *rate);
        let rate = u128::from(rate.unwrap_or(nodes.bytes_per_second).max(1));
        let took = u128::from(shard.bytes).saturating_mul(1000).div_ceil(rate);
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        waiting.entry(storage).or_default().push_back((place, took));
    }
    waiting
}

/// The longest shard, the work of each storage, and the work of all machines.
fn lower_bound(waiting: &BTreeMap<Option<&str>, Waiting>, nodes: &Nodes) -> u64 {
    let share = |work: u64, between: usize| {
        work.div_ceil(u64::try_from(between.max(1)).unwrap_or(u64::MAX))
    };
    let sum =
        |queue: &Waiting| queue.iter().fold(0_u64, |sum, (_, took)| sum.saturating_add(*took));
    let storages = waiting.iter().filter_map(|(storage, queue)| {
        let (_, at_once) = nodes.storages.get((*storage)?)?;
        Some(share(sum(queue), *at_once))
    });
    let longest = waiting.values().flatten().map(|(_, took)| *took);
    let work = waiting.values().map(sum).fold(0_u64, u64::saturating_add);
    storages.chain(longest).max().unwrap_or(0).max(share(work, nodes.count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shard;

    fn plan(shards: &[(u64, Option<&str>)]) -> BatchPlan {
        let shards = shards.iter().enumerate().map(|(shard, (bytes, storage))| Shard {
            shard,
            items: Vec::new(),
            bytes: *bytes,
            priority: 0,
            storage: storage.map(str::to_owned),
        });
        BatchPlan {
            v: BatchPlan::VERSION,
            document: BatchPlan::TYPE.to_owned(),
            name: String::new(),
            tool: String::new(),
            question: serde_json::Value::Null,
            scope_file: None,
            exhibits: Vec::new(),
            items: Vec::new(),
            shards: shards.collect(),
        }
    }

    #[test]
    fn a_busy_storage_holds_back_its_own_shards_only() {
        let nas = Some("nas1");
        let shards = [(4, nas), (4, nas), (3, nas), (3, None), (2, None)];
        let mut nodes = Nodes { count: 2, bytes_per_second: 1, ..Nodes::default() };
        nodes.storages.insert("nas1".to_owned(), (1, 1));
        let simulation = simulate(&plan(&shards), &nodes);
        // The storage alone works for eleven seconds; the second machine does the rest meanwhile.
        assert_eq!((simulation.makespan_ms, simulation.lower_bound_ms), (11_000, 11_000));
        assert_eq!(simulation.work_ms, 16_000);
        nodes.storages.insert("nas1".to_owned(), (2, 2));
        let simulation = simulate(&plan(&shards), &nodes);
        assert_eq!((simulation.makespan_ms, simulation.lower_bound_ms), (5_500, 5_250));
        assert_eq!(simulate(&plan(&[]), &nodes), Simulation::default());
    }
}
