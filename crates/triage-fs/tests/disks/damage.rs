//! Damage: no panic, no hang, no memory without bound, and never less without a word.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::overlay::{Draw, Overlay};
use crate::reading::Reading;
use crate::volumes::{disk, open};

/// The longest that one damaged volume may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Returns how many megabytes of memory this process has used at most.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    kilobytes.map_or(0, |number| number.trim().parse::<u64>().unwrap() / 1024)
}

/// The nodes of which a content was read, or told to be unreadable.
fn contents(reading: &Reading) -> BTreeSet<u64> {
    reading.lines.iter().filter(|line| line.content.is_some()).map(|line| line.record).collect()
}

/// Reads what is left of a volume; says nothing if it cannot be opened, which is a problem told.
fn read(file_system: &str, disk: Overlay) -> Option<Reading> {
    let volume = open(file_system, disk).ok()?;
    let _counted = volume.unallocated_bytes();
    Some(Reading::of(&*volume))
}

/// Sectors that differ from the one before, which content and structures do and padding does not.
fn used(disk: &[u8], limit: usize) -> Vec<usize> {
    let is_used = |&at: &usize| disk[at..at + 512].iter().any(|&byte| byte != 0);
    (0..disk.len().min(limit)).step_by(512).filter(is_used).collect()
}

/// Damages a volume so many times; the structures lie in its first bytes.
fn survive(name: &str, file_system: &str, structures: usize, rounds: u64) {
    let whole = Arc::new(disk(name));
    let sectors = [used(&whole, structures), used(&whole, usize::MAX)];
    let before = read(file_system, Overlay::new(&whole)).unwrap();
    let (known, before) = (before.troubles(), contents(&before));
    for seed in 0..rounds {
        let mut draw = Draw(seed);
        let mut hurt = Overlay::new(&whole);
        if seed % 5 == 4 {
            hurt.truncate(draw.next(whole.len()));
        } else {
            let sectors = &sectors[usize::from(draw.next(4) == 0)];
            hurt.damage(sectors, &mut draw);
        }
        let begun = Instant::now();
        let Some(reading) = read(file_system, hurt) else { continue };
        assert!(begun.elapsed() < LIMIT, "{name}, seed {seed}: {:?}", begun.elapsed());
        let is_told = !reading.troubles().is_subset(&known);
        let after = contents(&reading);
        let lost: Vec<_> = before.difference(&after).collect();
        assert!(is_told || lost.is_empty(), "{name}, seed {seed}: {lost:?}");
    }
    assert!(peak_megabytes() < 600, "{} MB", peak_megabytes());
}

#[test]
fn ext_survives_a_thousand_damages() {
    survive("ext2", "ext2", 64 << 10, 500);
    survive("ext4", "ext4", 64 << 10, 300);
    survive("ext4-inline", "ext4", 96 << 10, 300);
}

#[test]
fn fat_survives_a_thousand_damages() {
    survive("fat12", "fat12", 64 << 10, 400);
    survive("fat16", "fat16", 64 << 10, 600);
}

#[test]
fn exfat_survives_a_thousand_damages() {
    survive("exfat", "exfat", 64 << 10, 500);
    survive("exfat-made", "exfat", 128 << 10, 500);
}
