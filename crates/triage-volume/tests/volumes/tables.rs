//! Partition tables that stock tools made, against what The Sleuth Kit says of them.

use std::path::Path;
use std::sync::Arc;

use triage_evidence::ByteSource;
use triage_volume::{Content, Scheme, VolumeMap, identify, read_volumes};

use crate::scene::{Mostly, disk};

/// First sector and count of every volume that `mmls -a` lists.
fn expected(name: &str) -> Vec<(u64, u64)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let text = std::fs::read_to_string(folder.join(format!("{name}.mmls"))).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
        Some((number(2)?, number(4)?))
    };
    text.lines().filter_map(row).collect()
}

fn map(bytes: Vec<u8>) -> VolumeMap {
    let source: Arc<dyn ByteSource> = Arc::new(bytes);
    read_volumes(&source)
}

/// Checks that every byte of a disk belongs to one volume or one gap.
pub(crate) fn covers(map: &VolumeMap, size_bytes: u64) -> bool {
    let mut parts: Vec<(u64, u64)> = map
        .volumes
        .iter()
        .map(|volume| (volume.start, volume.size_bytes))
        .chain(map.gaps.iter().map(|gap| (gap.start, gap.size_bytes)))
        .filter(|(_, size)| *size > 0)
        .collect();
    parts.sort_unstable();
    let mut covered = 0;
    let overlaps = map
        .volumes
        .iter()
        .any(|volume| volume.problems.iter().any(|problem| problem.text.contains("overlaps")));
    for (start, size) in parts {
        if start > covered || (start < covered && !overlaps) {
            return false;
        }
        covered = covered.max(start + size);
    }
    covered == size_bytes
}

#[test]
fn volumes_are_where_the_sleuth_kit_says_and_gaps_are_the_rest() {
    for (name, scheme, sector, numbers) in [
        ("mbr", Scheme::Mbr, 512, &[1, 5, 6, 7][..]),
        ("gpt", Scheme::Gpt, 512, &[1, 2, 5]),
        ("gpt4k", Scheme::Gpt, 4096, &[1, 2]),
    ] {
        let bytes = disk(name);
        let size_bytes = bytes.len() as u64;
        let map = map(bytes);
        assert_eq!((map.scheme, &*map.problems), (scheme, &[][..]), "{name}");
        let ours: Vec<_> = map
            .volumes
            .iter()
            .map(|volume| (volume.start / sector, volume.size_bytes / sector))
            .collect();
        assert_eq!(ours, expected(name), "{name}");
        let found: Vec<u32> = map.volumes.iter().map(|volume| volume.number).collect();
        assert_eq!(found, numbers, "{name}");
        assert!(map.volumes.iter().all(|volume| volume.problems.is_empty()), "{name}");
        assert!(covers(&map, size_bytes), "{name}");
    }
}

#[test]
fn names_and_identifiers_are_those_that_sgdisk_wrote() {
    let map = map(disk("gpt"));
    assert_eq!(map.identifier.as_deref(), Some("11111111-2222-3333-4444-555555555555"));
    let volume = &map.volumes[1];
    assert_eq!(volume.label.as_deref(), Some("Größe 中".as_bytes()));
    assert_eq!(volume.type_name, "Microsoft basic data");
    assert_eq!(volume.identifier.as_deref(), Some("aaaaaaaa-0000-0000-0000-000000000002"));
    let types: Vec<String> =
        self::map(disk("mbr")).volumes.into_iter().map(|volume| volume.type_name).collect();
    assert_eq!(types, ["0x83 Linux", "0x01 FAT12", "0x83 Linux", "0x82 Linux swap"]);
}

#[test]
fn what_volumes_hold_is_told() {
    for (name, contents) in [
        ("mbr", &["ext2", "fat12", "ext2", "swap"][..]),
        ("gpt", &["ext2", "fat12", "swap"]),
        ("gpt4k", &["ext2", "fat12"]),
    ] {
        let source: Arc<dyn ByteSource> = Arc::new(disk(name));
        let found: Vec<String> = read_volumes(&source)
            .volumes
            .iter()
            .map(|volume| {
                let slice = triage_evidence::Slice::new(
                    Arc::clone(&source),
                    volume.start,
                    volume.size_bytes,
                );
                identify(&slice).to_string()
            })
            .collect();
        assert_eq!(found, contents, "{name}");
    }
}

#[test]
fn a_damaged_gpt_is_replaced_by_its_copy_at_the_end() {
    for (name, sector) in [("gpt", 512), ("gpt4k", 4096)] {
        let whole = map(disk(name));
        let mut bytes = disk(name);
        bytes[sector + 20] ^= 1;
        let damaged = map(bytes);
        assert_eq!(damaged.volumes, whole.volumes, "{name}");
        assert!(damaged.problems[0].text.contains("its copy at the end was read"), "{name}");
        // An entry does not fit the checksum of all entries: those of the copy do.
        let mut bytes = disk(name);
        bytes[2 * sector + 48] ^= 1;
        let damaged = map(bytes.clone());
        assert_eq!(damaged.volumes, whole.volumes, "{name}");
        assert!(damaged.problems[0].text.contains("their copy was read"), "{name}");
        // The entries of neither fit: told, and read all the same.
        let array = bytes.len() - sector - 128 * 128;
        bytes[array + 48] ^= 1;
        let damaged = map(bytes);
        assert!(damaged.problems[0].text.contains("do not fit their checksum"), "{name}");
        assert_eq!(damaged.volumes.len(), whole.volumes.len(), "{name}");
        // Neither the table nor the copy: the record that protects them says so.
        let mut bytes = disk(name);
        let last = bytes.len() - sector;
        bytes[sector + 20] ^= 1;
        bytes[last + 20] ^= 1;
        let damaged = map(bytes);
        assert_eq!(damaged.scheme, Scheme::Mbr, "{name}");
        assert!(damaged.problems[0].text.contains("and its copy are damaged"), "{name}");
    }
}

#[test]
fn a_disk_that_is_cut_off_behind_its_last_volume_is_told() {
    // The extended volume of the first goes on for 22,528 sectors.
    for (name, end) in [("mbr", 22_528 * 512), ("gpt", 8 << 20), ("gpt4k", 8 << 20)] {
        let mut bytes = disk(name);
        let whole = map(bytes.clone());
        assert_eq!(whole.problems, [], "{name}");
        let cut = end as usize - 1024 * 1024;
        bytes.truncate(cut);
        let found = map(bytes);
        assert_eq!(found.volumes, whole.volumes, "{name}");
        let problem = &found.problems[0];
        assert_eq!(problem.offset, Some(cut as u64), "{name}: {problem}");
        assert_eq!(problem.lost_bytes, Some(1 << 20), "{name}: {problem}");
    }
    // Only the copy is damaged.
    let mut bytes = disk("gpt");
    let last = bytes.len() - 512;
    bytes[last + 20] ^= 1;
    assert!(map(bytes).problems[0].text.contains("the copy of the partition table"));
}

#[test]
fn a_volume_that_a_table_lost_is_found_where_it_begins() {
    // The entry of the first volume is emptied, as deleting it does.
    let mut bytes = disk("mbr");
    bytes[446..462].fill(0);
    let size_bytes = bytes.len() as u64;
    let found = map(bytes);
    let lost: Vec<_> = found.volumes.iter().filter(|volume| volume.is_lost).collect();
    assert_eq!(lost.len(), 1);
    // It is as long as its file system says; what follows it belongs to nobody.
    assert_eq!((lost[0].start, lost[0].size_bytes), (2048 * 512, 2048 * 512));
    assert!(lost[0].problems[0].text.contains("no partition table names this volume"));
    assert!(covers(&found, size_bytes));
    // A second one behind it, in the same gap.
    let mut bytes = disk("mbr");
    bytes[446..462].fill(0);
    bytes.copy_within(2048 * 512..4096 * 512, 4096 * 512);
    let found = map(bytes);
    let lost: Vec<(u32, u64)> = found
        .volumes
        .iter()
        .filter(|volume| volume.is_lost)
        .map(|volume| (volume.number, volume.start))
        .collect();
    assert_eq!(lost, [(65_536, 2048 * 512), (65_537, 4096 * 512)]);
    assert!(covers(&found, size_bytes));
    // The chain of logical volumes breaks at its first record.
    let mut bytes = disk("mbr");
    bytes[6144 * 512 + 510] = 0;
    let found = map(bytes);
    assert!(found.problems[0].text.contains("chain of logical volumes"));
    let lost: Vec<u64> =
        found.volumes.iter().filter(|volume| volume.is_lost).map(|volume| volume.start).collect();
    // Two volumes stood in it.
    assert_eq!(lost, [8192 * 512, 12_288 * 512]);
}

#[test]
fn what_a_table_says_is_compared_with_the_disk() {
    let entry = |place: usize, kind: u8, first: u32, count: u32| {
        let mut entry = vec![0, 0, 0, 0, kind, 0, 0, 0];
        entry.extend(first.to_le_bytes());
        entry.extend(count.to_le_bytes());
        (446 + 16 * place as u64, entry)
    };
    let table = |entries: Vec<(u64, Vec<u8>)>| -> VolumeMap {
        let mut disk = Mostly::zeros(1 << 20).with(510, &[0x55, 0xaa]);
        disk.bytes.extend(entries);
        let source: Arc<dyn ByteSource> = Arc::new(disk);
        read_volumes(&source)
    };
    // Beyond the end, overlapping, and an extended volume that leads to itself.
    let found = table(vec![entry(0, 7, 1000, 5000), entry(1, 7, 1500, 100)]);
    let texts: Vec<&str> = found
        .volumes
        .iter()
        .flat_map(|volume| volume.problems.iter().map(|problem| &*problem.text))
        .collect();
    assert_eq!(
        texts,
        ["the volume goes on behind the end of the disk", "the volume overlaps another one"]
    );
    assert_eq!(found.volumes[0].problems[0].lost_bytes, Some((6000 - 2048) * 512));
    assert!(covers(&found, 1 << 20));
    let mut record = vec![0; 512];
    record[446..462].copy_from_slice(&entry(0, 5, 0, 10).1);
    record[510..].copy_from_slice(&[0x55, 0xaa]);
    let found = table(vec![entry(0, 5, 100, 500), (100 * 512, record)]);
    assert_eq!(found.problems[0].text, "the chain of logical volumes goes in circles");
    // A source that holds nothing is one volume of nothing.
    let source: Arc<dyn ByteSource> = Arc::new(Vec::new());
    let found = read_volumes(&source);
    assert_eq!((found.scheme, found.volumes.len()), (Scheme::Whole, 1));
    assert_eq!(identify(&source), Content::Blank);
}
