//! Damage: no panic, no hang, no memory without bound, and never less without a word.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::limits::{Draw, ROUNDS, within_limits};
use crate::overlay::Overlay;
use crate::reading::Reading;
use crate::volumes::{disk, open};

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

/// Damages a volume; the structures lie in its first bytes.
fn survive(name: &str, file_system: &str, structures: usize, seeds: std::ops::Range<u64>) {
    let whole = Arc::new(disk(name));
    let sectors = [used(&whole, structures), used(&whole, usize::MAX)];
    let before = read(file_system, Overlay::new(&whole)).unwrap();
    let (known, before) = (before.troubles(), contents(&before));
    for seed in seeds {
        let mut draw = Draw(seed);
        let mut hurt = Overlay::new(&whole);
        if seed % 5 == 4 {
            hurt.truncate(draw.next(whole.len()));
        } else {
            let sectors = &sectors[usize::from(draw.next(4) == 0)];
            hurt.damage(sectors, &mut draw);
        }
        let reading = within_limits(name, seed, || read(file_system, hurt));
        let Some(reading) = reading else { continue };
        let is_told = !reading.troubles().is_subset(&known);
        let after = contents(&reading);
        let lost: Vec<_> = before.difference(&after).collect();
        assert!(is_told || lost.is_empty(), "{name}, seed {seed}: {lost:?}");
    }
}

#[test]
fn ext2_survives_a_thousand_damages() {
    survive("ext2", "ext2", 64 << 10, 0..ROUNDS);
}

#[test]
fn ext3_survives_a_thousand_damages() {
    survive("ext3", "ext3", 64 << 10, 0..ROUNDS);
}

#[test]
fn ext4_survives_a_thousand_damages() {
    // Extents, content in inodes, groups in sets, the oldest features, clusters of blocks.
    let kinds = [
        ("ext4", 64),
        ("ext4-inline", 96),
        ("ext4-meta", 64),
        ("ext4-old", 64),
        ("ext4-bigalloc", 64),
    ];
    for (seeds, (name, kibibytes)) in (0..ROUNDS).step_by(200).zip(kinds) {
        survive(name, "ext4", kibibytes << 10, seeds..seeds + 200);
    }
}

#[test]
fn fat_survives_a_thousand_damages_in_each_width() {
    for name in ["fat12", "fat16"] {
        survive(name, name, 64 << 10, 0..ROUNDS);
    }
}

#[test]
fn fat32_survives_a_thousand_damages() {
    survive("fat32", "fat32", 1 << 20, 0..ROUNDS);
}

#[test]
fn exfat_survives_a_thousand_damages() {
    survive("exfat", "exfat", 64 << 10, 0..ROUNDS / 2);
    survive("exfat-made", "exfat", 128 << 10, ROUNDS / 2..ROUNDS);
}
