//! Damage: no panic, no hang, no memory without bound, and never less without a word.

use std::collections::{BTreeMap, BTreeSet};

use triage_evidence::{FileSystem, Kind, NameState};

use crate::limits::{Draw, ROUNDS, within_limits};
use crate::reading::Reading;
use crate::records::{fixture, number, open, record};

/// Where damage hurts: the boot sector, records, index blocks; and where anything is stored.
fn sectors(disk: &[u8]) -> [Vec<usize>; 2] {
    let mut structures = vec![0];
    for at in (0..disk.len()).step_by(512) {
        let length = match &disk[at..at + 4] {
            b"FILE" => 1024,
            b"INDX" => 4096,
            _ => continue,
        };
        structures.extend((at..disk.len().min(at + length)).step_by(512));
    }
    let is_used = |&sector: &usize| disk[sector..].iter().take(512).any(|&byte| byte != 0);
    [structures, (0..disk.len()).step_by(512).filter(is_used).collect()]
}

/// Flips bits or replaces bytes, most of them in structures.
fn damage(disk: &mut [u8], sectors: &[Vec<usize>; 2], draw: &mut Draw) {
    for _ in 0..=draw.next(16) {
        let sectors = &sectors[usize::from(draw.next(4) == 0)];
        let at = sectors[draw.next(sectors.len())] + draw.next(512);
        match draw.next(2) {
            0 => disk[at] ^= 1 << draw.next(8),
            _ => disk[at] = draw.next(256) as u8,
        }
    }
}

/// How many contents each record has.
fn contents(reading: &Reading) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for line in reading.lines.iter().filter(|line| line.content.is_some()) {
        *found.entry(line.record).or_default() += 1;
    }
    found
}

/// Reads what is left of a volume; says nothing if it cannot be opened, which is a problem told.
fn read(disk: Vec<u8>) -> Option<Reading> {
    let volume = open(disk).ok()?;
    let _counted = volume.unallocated_bytes();
    Some(Reading::of(&volume))
}

fn survive(name: &str, seeds: std::ops::Range<u64>) {
    let whole = fixture(name);
    let sectors = sectors(&whole);
    let whole_reading = read(whole.clone()).unwrap();
    let (before, known) = (contents(&whole_reading), whole_reading.troubles());
    for seed in seeds {
        let mut draw = Draw(seed);
        let mut disk = whole.clone();
        if seed % 5 == 4 {
            disk.truncate(draw.next(whole.len()));
        } else {
            damage(&mut disk, &sectors, &mut draw);
        }
        let Some(reading) = within_limits(name, seed, || read(disk)) else {
            continue;
        };
        let is_told = !reading.troubles().is_subset(&known);
        let after = contents(&reading);
        let is_less = |(record, count): &(&u64, &usize)| after.get(record) < Some(count);
        let lost: Vec<_> = before.iter().filter(is_less).collect();
        assert!(is_told || lost.is_empty(), "{name}, seed {seed}: {lost:?}");
    }
}

#[test]
fn damages_neither_stop_the_reader_nor_lose_files_without_a_word() {
    survive("rich.img", 0..ROUNDS / 2);
}

/// Together with those of the other volume a thousand.
#[test]
fn damages_to_a_foreign_volume_lose_no_file_without_a_word() {
    survive("testfs1.img", ROUNDS / 2..ROUNDS);
}

#[test]
fn a_volume_of_noise_is_read_to_its_end() {
    let whole = fixture("rich.img");
    for seed in 0..20 {
        let mut draw = Draw(seed);
        let mut disk = whole.clone();
        // The boot sector and the first records stay, so that there is something to open.
        for byte in disk.iter_mut().skip(24 * 1024) {
            if draw.next(8) == 0 {
                *byte = draw.next(256) as u8;
            }
        }
        let reading = read(disk);
        assert!(reading.is_none_or(|reading| reading.troubles().len() > 10));
    }
}

#[test]
fn a_torn_record_costs_its_own_file_only() {
    let mut disk = fixture("rich.img");
    let volume = open(disk.clone()).unwrap();
    let before = Reading::of(&volume);
    let at = record(&disk, number(&volume, "plain"));
    disk[at + 1022] ^= 1;
    let after = Reading::of(&open(disk).unwrap());
    let names = |reading: &Reading| -> BTreeSet<String> {
        reading.lines.iter().map(|line| line.path.clone()).collect()
    };
    let lost: Vec<_> = names(&before).difference(&names(&after)).cloned().collect();
    assert_eq!(lost, ["plain:large stream", "plain:stream"]);
    let plain = after.lines.iter().find(|line| line.path == "plain").unwrap();
    assert_eq!(plain.state, NameState::Allocated);
    assert!(plain.node.as_ref().unwrap().is_err());
}

#[test]
fn a_torn_directory_keeps_its_files_by_what_their_records_say() {
    let mut disk = fixture("rich.img");
    let volume = open(disk.clone()).unwrap();
    let files = |reading: &Reading| -> BTreeSet<String> {
        let is_file = |line: &&crate::reading::Line| line.path.starts_with("dir/");
        reading.lines.iter().filter(is_file).map(|line| line.path.clone()).collect()
    };
    let before = files(&Reading::of(&volume));
    let at = record(&disk, number(&volume, "dir"));
    disk[at + 510] ^= 1;
    let after = Reading::of(&open(disk).unwrap());
    assert_eq!(files(&after), before);
    let directory = after.lines.iter().find(|line| line.path == "dir").unwrap();
    let node = directory.node.clone().unwrap().unwrap();
    assert_eq!(node.kind, Kind::Directory);
    assert!(node.unread.is_some());
}

#[test]
fn torn_index_blocks_lose_no_name() {
    let mut disk = fixture("testfs1.img");
    let before = Reading::of(&open(disk.clone()).unwrap());
    let blocks: Vec<_> =
        (0..disk.len()).step_by(512).filter(|&at| disk[at..].starts_with(b"INDX")).collect();
    assert!(blocks.len() > 3);
    for at in blocks {
        disk[at + 1023] ^= 0x40;
    }
    let after = Reading::of(&open(disk).unwrap());
    let names = |reading: &Reading| -> BTreeSet<String> {
        reading.lines.iter().map(|line| line.path.clone()).collect()
    };
    assert_eq!(names(&after), names(&before));
    assert!(!after.troubles().is_empty());
}

#[test]
fn a_lost_boot_sector_is_replaced_by_its_backup() {
    let mut disk = fixture("testfs1.img");
    disk[..512].fill(0);
    let volume = open(disk.clone()).unwrap();
    assert_eq!(volume.facts().problems.len(), 1);
    assert!(contents(&Reading::of(&volume)).len() > 10);
    // A boot sector of something else is not a lost one.
    disk[3..11].copy_from_slice(b"EXFAT   ");
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    assert!(open(disk).is_err());
}

#[test]
fn a_lost_first_record_is_replaced_by_its_copy() {
    let mut disk = fixture("testfs1.img");
    let at = record(&disk, 0);
    disk[at..at + 1024].fill(0xff);
    let volume = open(disk).unwrap();
    assert_eq!(volume.facts().problems.len(), 1);
    assert!(contents(&Reading::of(&volume)).len() > 10);
}
