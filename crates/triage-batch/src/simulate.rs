//! How long a plan would take on so many machines, and how far that is from the shortest possible.
//!
//! A model, not a promise: every shard takes its bytes at the rate of its storage, shards begin in
//! the order of the plan, and a storage serves so many at once.

use std::collections::BTreeMap;

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

/// Plays the plan through.
#[must_use]
pub fn simulate(plan: &BatchPlan, nodes: &Nodes) -> Simulation {
    let count = nodes.count.max(1);
    let mut free = vec![0_u64; count];
    let mut serving: BTreeMap<&str, Vec<u64>> = nodes
        .storages
        .iter()
        .map(|(name, (_, at_once))| (name.as_str(), vec![0; (*at_once).max(1)]))
        .collect();
    let mut result = Simulation::default();
    let mut longest = 0;
    let mut by_storage: BTreeMap<&str, u64> = BTreeMap::new();
    for shard in &plan.shards {
        let storage = shard.storage.as_deref().filter(|name| nodes.storages.contains_key(*name));
        let rate = storage.and_then(|name| nodes.storages.get(name)).map(|(rate, _)| *rate);
        let rate = u128::from(rate.unwrap_or(nodes.bytes_per_second).max(1));
        let took = u128::from(shard.bytes).saturating_mul(1000).div_ceil(rate);
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        let Some(machine) = free.iter_mut().min() else { continue };
        let slot = storage.and_then(|name| serving.get_mut(name)?.iter_mut().min());
        let begins = slot.as_deref().map_or(*machine, |slot| (*slot).max(*machine));
        let ends = begins.saturating_add(took);
        *machine = ends;
        if let Some(slot) = slot {
            *slot = ends;
        }
        result.makespan_ms = result.makespan_ms.max(ends);
        result.work_ms = result.work_ms.saturating_add(took);
        longest = longest.max(took);
        if let Some(name) = storage {
            let sum = by_storage.entry(name).or_default();
            *sum = sum.saturating_add(took);
        }
    }
    let at_once = |name: &str| {
        let at_once = nodes.storages.get(name).map_or(1, |(_, at_once)| *at_once);
        u64::try_from(at_once.max(1)).unwrap_or(u64::MAX)
    };
    let storages = by_storage.iter().map(|(name, work)| work.div_ceil(at_once(name)));
    let machines = u64::try_from(count).unwrap_or(u64::MAX);
    result.lower_bound_ms =
        storages.chain([longest, result.work_ms.div_ceil(machines)]).max().unwrap_or(0);
    result
}
