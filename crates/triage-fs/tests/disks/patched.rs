//! What no stock tool makes: fixtures in which single fields were changed.

use std::sync::Arc;

use triage_evidence::{NameState, ProblemKind, Recovery};

use crate::overlay::Overlay;
use crate::reading::Reading;
use crate::volumes::{disk, line, open};

fn u32_of(disk: &[u8], at: usize) -> usize {
    u32::from_le_bytes(disk[at..at + 4].try_into().unwrap()) as usize
}

fn u16_of(disk: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes(disk[at..at + 2].try_into().unwrap()))
}

/// A fixture with the changes that are made to it.
struct Patched {
    file_system: &'static str,
    whole: Arc<Vec<u8>>,
    disk: Overlay,
}

impl Patched {
    fn new(name: &str, file_system: &'static str) -> Self {
        let whole = Arc::new(disk(name));
        let disk = Overlay::new(&whole);
        Self { file_system, whole, disk }
    }

    fn reading(&self) -> Reading {
        Reading::of(&*open(self.file_system, self.disk.clone()).unwrap())
    }

    /// Returns where the inode of a path lies in a volume of ext with one group.
    fn inode(&self, path: &str) -> usize {
        let number = line(&self.reading(), path).record as usize;
        let block = 1024 << u32_of(&self.whole, 1024 + 24);
        let table = u32_of(&self.whole, (1024 / block + 1) * block + 8) * block;
        table + (number - 1) * u16_of(&self.whole, 1024 + 88)
    }

    /// Returns where the table of FAT begins, and where its data does.
    fn fat(&self) -> (usize, usize) {
        let sector = u16_of(&self.whole, 11);
        let table = u16_of(&self.whole, 14) * sector;
        let small = u16_of(&self.whole, 22);
        let sectors = if small == 0 { u32_of(&self.whole, 36) } else { small };
        let tables = usize::from(self.whole[16]) * sectors * sector;
        (table, table + tables + u16_of(&self.whole, 17) * 32)
    }
}

/// The kinds of the problems of a volume and of everything in it.
fn kinds(reading: &Reading) -> Vec<ProblemKind> {
    reading.problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn what_the_file_system_encrypted_or_compressed_is_told_and_not_read() {
    for (flag, kind) in [(0x800, ProblemKind::Encrypted), (0x4, ProblemKind::Unsupported)] {
        let mut patched = Patched::new("ext2", "ext2");
        let at = patched.inode("odd") + 32;
        patched.disk.put(at, &u32::to_le_bytes(flag));
        let reading = patched.reading();
        let odd = line(&reading, "odd");
        assert_eq!(odd.content.clone().unwrap().unwrap_err().kind, kind);
        assert_eq!(odd.node.clone().unwrap().unwrap().unread.unwrap().kind, kind);
    }
}

#[test]
fn a_file_with_verity_or_in_a_folder_without_case_is_read_as_any_other() {
    let mut patched = Patched::new("ext4", "ext4");
    let before = line(&patched.reading(), "odd").content.clone();
    // EXT4_VERITY_FL on the file, EXT4_CASEFOLD_FL on the directory of many.
    for (path, flag) in [("odd", 0x10_0000), ("many", 0x4000_0000_u32)] {
        let at = patched.inode(path) + 32;
        let flags = u32_of(&patched.whole, at) as u32 | flag;
        patched.disk.put(at, &flags.to_le_bytes());
    }
    // The features casefold (incompatible) and verity (compatible when reading).
    let features = u32_of(&patched.whole, 1024 + 96) as u32 | 0x2_0000;
    patched.disk.put(1024 + 96, &features.to_le_bytes());
    let features = u32_of(&patched.whole, 1024 + 100) as u32 | 0x8000;
    patched.disk.put(1024 + 100, &features.to_le_bytes());
    let after = patched.reading();
    assert_eq!(line(&after, "odd").content, before);
    let many = |line: &&crate::reading::Line| line.path.starts_with("many/");
    assert_eq!(after.lines.iter().filter(many).count(), 120);
}

#[test]
fn a_journal_that_was_not_written_back_and_an_unknown_feature_are_told() {
    let mut patched = Patched::new("ext3", "ext3");
    let features = u32_of(&patched.whole, 1024 + 96) as u32;
    patched.disk.put(1024 + 96, &(features | 4).to_le_bytes());
    assert_eq!(kinds(&patched.reading()), [ProblemKind::Unsupported]);
    patched.disk.put(1024 + 96, &(features | 0x4_0000).to_le_bytes());
    let problem = open("ext3", patched.disk.clone()).err().unwrap();
    assert_eq!(problem.kind, ProblemKind::Unsupported);
    assert!(problem.text.contains("0x40000"), "{problem}");
}

#[test]
fn trees_and_maps_that_go_in_circles_end() {
    // An index of the tree that leads to itself: its depth does not fall.
    let mut patched = Patched::new("ext4", "ext4");
    let at = patched.inode("large") + 40;
    let block = 9_u32;
    let mut node = vec![0x0a, 0xf3, 1, 0, 4, 0, 5, 0, 0, 0, 0, 0];
    node.extend([0, 0, 0, 0]);
    node.extend(block.to_le_bytes());
    node.extend([0; 4]);
    patched.disk.put(at, &node);
    patched.disk.put(block as usize * 1024, &node);
    let content = line(&patched.reading(), "large").content.clone().unwrap();
    assert_eq!(content.unwrap_err().kind, ProblemKind::Damaged);

    // Nodes without entries, named again and again at each depth.
    let mut patched = Patched::new("ext4", "ext4");
    for depth in (0..=4_u16).rev() {
        let here = 100 + usize::from(depth);
        let count = if depth == 0 { 0_u16 } else { 84 };
        let mut node = [0x0a, 0xf3].to_vec();
        node.extend([count.to_le_bytes(), [84, 0], depth.to_le_bytes(), [0; 2], [0; 2]].concat());
        for place in 0..u32::from(count) {
            node.extend(place.to_le_bytes());
            node.extend((here as u32 - 1).to_le_bytes());
            node.extend([0; 4]);
        }
        patched.disk.put(here * 1024, &node);
    }
    let mut root = [0x0a, 0xf3, 1, 0, 4, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0].to_vec();
    root.extend(104_u32.to_le_bytes());
    root.extend([0; 4]);
    let at = patched.inode("large") + 40;
    patched.disk.put(at, &root);
    let content = line(&patched.reading(), "large").content.clone().unwrap();
    assert_eq!(content.unwrap_err().kind, ProblemKind::Damaged);

    // A map whose block of numbers names itself, of a file as long as there can be.
    let mut patched = Patched::new("ext2", "ext2");
    let at = patched.inode("large");
    let numbers: Vec<u8> = std::iter::repeat_n(600_u32.to_le_bytes(), 256).flatten().collect();
    patched.disk.put(600 * 1024, &numbers);
    patched.disk.put(at + 40 + 4 * 14, &600_u32.to_le_bytes());
    patched.disk.put(at + 4, &[0xff; 4]);
    let content = line(&patched.reading(), "large").content.clone().unwrap();
    assert_eq!(content.unwrap_err().kind, ProblemKind::Damaged);
}

#[test]
fn an_inode_that_lost_its_name_is_listed_by_its_number() {
    let mut patched = Patched::new("ext2", "ext2");
    let number = (line(&patched.reading(), "odd").record as u32).to_le_bytes();
    let needle = [&number[..], &[12, 0, 3, 1], b"odd"].concat();
    let at = patched.whole.windows(11).position(|window| window == needle).unwrap();
    patched.disk.put(at, &[0; 4]);
    let reading = patched.reading();
    let path = format!("$OrphanFiles/inode-{}", u32::from_le_bytes(number));
    let found = line(&reading, &path);
    assert_eq!(found.state, NameState::Allocated);
    assert_eq!(found.content.clone().unwrap().unwrap().size_bytes, 20_001);
}

#[test]
fn a_second_table_that_differs_is_told() {
    for (name, file_system) in [("fat12", "fat12"), ("fat16", "fat16"), ("fat32", "fat32")] {
        let mut patched = Patched::new(name, file_system);
        let (table, _) = patched.fat();
        patched.disk.put(table + 100, &[0x55]);
        let reading = patched.reading();
        assert_eq!(kinds(&reading)[0], ProblemKind::Damaged, "{name}");
        assert!(reading.problems[0].text.contains("the tables of the volume differ"), "{name}");
    }
}

#[test]
fn a_wrong_number_of_tables_is_told() {
    // With a third table the root directory would lie where there are zeros: nothing in it.
    for name in ["fat12", "fat16"] {
        let mut patched = Patched::new(name, name);
        patched.disk.put(16, &[3]);
        let reading = patched.reading();
        assert!(reading.problems[0].text.contains("the tables of the volume differ"), "{name}");
    }
}

#[test]
fn a_table_that_only_its_copy_holds_and_a_map_that_is_cut_off_are_told() {
    let mut patched = Patched::new("fat16", "fat16");
    let (table, _) = patched.fat();
    let second = (table + u16_of(&patched.whole, 22) * 512) as u64;
    patched.disk.spoil(second..second + 512);
    assert!(patched.reading().problems[0].text.contains("a copy of the table"));
    let mut patched = Patched::new("exfat", "exfat");
    let volume = open("exfat", patched.disk.clone()).unwrap();
    assert!(volume.unallocated_bytes().is_ok());
    // The entry of the map of clusters, and the length that it gives.
    let entry = (0..patched.whole.len()).step_by(32).find(|&at| {
        patched.whole[at..].starts_with(&[0x81, 0]) && u32_of(&patched.whole, at + 20) == 2
    });
    patched.disk.put(entry.unwrap() + 24, &[1, 0]);
    let volume = open("exfat", patched.disk.clone()).unwrap();
    let problem = volume.unallocated_bytes().unwrap_err();
    assert!(problem.text.contains("cut off"), "{problem}");
}

#[test]
fn a_directory_in_an_inode_that_is_shorter_than_its_size_is_told() {
    let mut patched = Patched::new("ext4-inline", "ext4");
    let reading = patched.reading();
    let is_directory = |line: &&crate::reading::Line| {
        let node = line.node.as_ref().and_then(|node| node.as_ref().ok());
        node.is_some_and(|node| node.kind == triage_evidence::Kind::Directory)
    };
    // The flag of content in the inode, at 32; the size stands at 4.
    let inode = reading
        .lines
        .iter()
        .filter(is_directory)
        .map(|line| patched.inode(&line.path))
        .find(|&at| patched.whole[at + 35] & 0x10 != 0)
        .unwrap();
    assert_eq!(u32_of(&patched.whole, inode + 4), 60);
    patched.disk.put(inode + 4, &[100]);
    let problems = patched.reading().problems;
    let is_told = problems.iter().any(|problem| problem.text.contains("shorter than its size"));
    assert!(is_told, "{problems:?}");
}

#[test]
fn a_chain_in_circles_gives_its_first_round_only() {
    let mut patched = Patched::new("fat16", "fat16");
    let volume = open("fat16", patched.disk.clone()).unwrap();
    let found = volume.list(volume.root()).names;
    let node = found.iter().find(|found| found.name == b"long.txt").unwrap().node;
    let (table, data) = patched.fat();
    let start = volume.runs(node, None).unwrap()[0].start.unwrap() as usize;
    let cluster = 2 + (start - data) / (usize::from(patched.whole[13]) * 512);
    // The third cluster leads back to the second.
    let both = [table, table + u16_of(&patched.whole, 22) * 512];
    for table in both {
        let back = (cluster as u16 + 1).to_le_bytes();
        patched.disk.put(table + 2 * (cluster + 2), &back);
    }
    let reading = patched.reading();
    let problem = line(&reading, "long.txt").content.clone().unwrap().unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Damaged);
    assert_eq!(problem.offset, Some(3 * 512 * u64::from(patched.whole[13])));
}

#[test]
fn a_lost_boot_sector_is_replaced_by_its_backup() {
    for (name, file_system) in [("fat32", "fat32"), ("exfat-made", "exfat")] {
        let mut patched = Patched::new(name, file_system);
        patched.disk.put(0, &[0; 512]);
        let reading = patched.reading();
        assert_eq!(kinds(&reading), [ProblemKind::Damaged], "{name}");
        assert!(reading.lines.len() > 130, "{name}");
    }
}

#[test]
fn what_stands_behind_the_end_of_a_directory_is_deleted_and_a_guess() {
    let mut patched = Patched::new("fat16", "fat16");
    let (_, data) = patched.fat();
    let root = data - u16_of(&patched.whole, 17) * 32;
    let is_long = |at: &usize| patched.whole[*at..].starts_with(b"SHORT   TXT");
    let at = (root..data).step_by(32).find(is_long).unwrap();
    patched.disk.put(at, &[0]);
    let reading = patched.reading();
    let behind = line(&reading, "very-long-dir-name");
    assert_eq!(behind.state, NameState::Deleted);
    let behind = behind.node.clone().unwrap().unwrap();
    assert_eq!(behind.recovery, Some(Recovery::Guess));
    let inside = line(&reading, "very-long-dir-name/very-long-file-name.txt");
    assert_eq!(inside.content.clone().unwrap().unwrap().md5, "580e22e68a7454a00bcc953565e520cd");
}

#[test]
fn times_of_exfat_are_moved_by_the_offset_that_they_carry() {
    let mut patched = Patched::new("exfat-made", "exfat");
    let number = line(&patched.reading(), "odd").record as usize;
    let heap = u32_of(&patched.whole, 88) * 512;
    let at = heap + (number - 3) * 32;
    let times = line(&patched.reading(), "odd").node.clone().unwrap().unwrap().times;
    // Two hours east of UTC; 0 without the bit that makes it count is local time.
    let entry: Vec<u8> = (0..96).map(|place| patched.whole[at + place]).collect();
    let length = 32 * (1 + usize::from(entry[1]));
    for (offset, moved) in [(0x88, 7200), (0xf8, -7200), (0x08, 0)] {
        patched.disk.put(at + 23, &[offset]);
        let bytes: Vec<u8> = (0..length).map(|place| patched.disk.byte(at + place)).collect();
        let sum = bytes.iter().enumerate().filter(|(place, _)| !matches!(place, 2 | 3));
        let sum =
            sum.fold(0_u16, |sum, (_, byte)| sum.rotate_right(1).wrapping_add((*byte).into()));
        patched.disk.put(at + 2, &sum.to_le_bytes());
        let reading = patched.reading();
        let now = line(&reading, "odd").node.clone().unwrap().unwrap().times;
        let before = times.modified.unwrap().seconds;
        assert_eq!(now.modified.unwrap().seconds, before - moved, "{offset:x}");
        assert_eq!(now.born, times.born);
    }
}

#[test]
fn a_bad_sector_costs_what_lies_in_it() {
    for (name, file_system) in [("ext2", "ext2"), ("fat32", "fat32"), ("exfat-made", "exfat")] {
        let mut patched = Patched::new(name, file_system);
        let volume = open(file_system, patched.disk.clone()).unwrap();
        let names = volume.list(volume.root()).names;
        let node = names.iter().find(|found| found.name == b"large").unwrap().node;
        let before = patched.reading().lines.len();
        let run = volume.runs(node, None).unwrap()[0].start.unwrap();
        patched.disk.spoil(run + 1024..run + 1536);
        let reading = patched.reading();
        assert_eq!(reading.lines.len(), before, "{name}");
        let problem = line(&reading, "large").content.clone().unwrap().unwrap_err();
        assert_eq!((problem.offset, problem.lost_bytes), (Some(1024), Some(512)), "{name}");
        assert!(line(&reading, "odd").content.clone().unwrap().is_ok(), "{name}");
    }
}

#[test]
fn a_bad_sector_of_a_directory_costs_the_names_that_it_holds() {
    for (name, file_system) in [("fat32", "fat32"), ("exfat-made", "exfat")] {
        let mut patched = Patched::new(name, file_system);
        let volume = open(file_system, patched.disk.clone()).unwrap();
        let root = volume.list(volume.root()).names;
        let listed = |node| volume.list(node).names;
        let directories =
            root.iter().filter(|found| found.kind == triage_evidence::Kind::Directory);
        let node = directories.map(|found| found.node).max_by_key(|&node| listed(node).len());
        let (node, before) = (node.unwrap(), listed(node.unwrap()));
        assert!(before.len() > 50, "{name}: {} names", before.len());
        // The second sector, in the first run or the next.
        let runs = volume.runs(node, None).unwrap();
        let sector = match runs[0].size_bytes {
            512 => runs[1].start.unwrap(),
            _ => runs[0].start.unwrap() + 512,
        };
        patched.disk.spoil_sectors(sector..sector + 512);
        let after = open(file_system, patched.disk.clone()).unwrap().list(node);
        assert_eq!(after.problem.map(|problem| problem.kind), Some(ProblemKind::Unreadable));
        // A sector holds 16 entries; a long name loses its parts and is a short one.
        let lost = before.len() - after.names.len();
        assert!((1..=17).contains(&lost), "{name}: {lost} of {}", before.len());
        let states = after.names.iter().map(|found| found.state);
        let is_there = |state: &NameState| *state == NameState::Allocated;
        let count = |names: &[triage_evidence::NodeName]| {
            names.iter().filter(|found| is_there(&found.state)).count()
        };
        assert!(states.filter(is_there).count() >= count(&before) - lost, "{name}");
    }
}

#[test]
fn a_bad_sector_among_inodes_costs_those_that_it_holds() {
    let mut patched = Patched::new("ext4-inline", "ext4");
    let names = |patched: &Patched| open("ext4", patched.disk.clone()).unwrap().orphans();
    let before = names(&patched);
    assert!(before.problem.is_none() && !before.names.is_empty());
    // Inodes of the file system itself, in the first sector of the table.
    let first = patched.inode("lost+found") - 10 * u16_of(&patched.whole, 1024 + 88);
    patched.disk.spoil_sectors(first as u64..first as u64 + 512);
    let after = names(&patched);
    assert_eq!(after.problem.map(|problem| problem.kind), Some(ProblemKind::Unreadable));
    assert!(before.names.iter().all(|name| after.names.contains(name)), "{:?}", after.names);
}

#[test]
fn an_image_that_is_cut_off_is_told() {
    for (name, file_system) in [("ext4", "ext4"), ("fat16", "fat16"), ("exfat", "exfat")] {
        let mut patched = Patched::new(name, file_system);
        let size = patched.whole.len();
        patched.disk.truncate(size - 4096);
        let reading = patched.reading();
        assert_eq!(reading.problems[0].offset, Some(size as u64 - 4096), "{name}");
    }
}
