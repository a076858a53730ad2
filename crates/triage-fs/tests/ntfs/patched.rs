//! What no stock tool makes: fixtures in which single fields were changed.

use triage_evidence::{ByteSource, FileSystem, Kind, NameState, Problem, ProblemKind};

use crate::reading::{Line, Reading};
use crate::records::{fixture, number, open, record};

/// Returns where an attribute of a record begins on the disk.
fn attribute(disk: &[u8], record: usize, kind: u32) -> usize {
    let number = |at: usize| u32::from_le_bytes(disk[at..at + 4].try_into().unwrap());
    let mut at =
        record + usize::from(u16::from_le_bytes([disk[record + 0x14], disk[record + 0x15]]));
    while number(at) != kind {
        assert_ne!(number(at), u32::MAX, "no attribute {kind:x}");
        at += number(at + 4) as usize;
    }
    at
}

fn line<'a>(reading: &'a Reading, path: &str) -> &'a Line {
    reading.lines.iter().find(|line| line.path == path).unwrap()
}

#[test]
fn content_that_efs_encrypted_is_told_and_not_opened() {
    let mut disk = fixture("rich.img");
    let plain = record(&disk, number(&open(disk.clone()).unwrap(), "plain"));
    let data = attribute(&disk, plain, 0x80);
    disk[data + 13] |= 0x40;
    let reading = Reading::of(&open(disk).unwrap());
    let plain = line(&reading, "plain");
    let unread = plain.node.clone().unwrap().unwrap().unread.unwrap();
    assert_eq!(unread.kind, ProblemKind::Encrypted);
    let content = plain.content.clone().unwrap();
    assert_eq!(content.unwrap_err().kind, ProblemKind::Encrypted);
    assert!(line(&reading, "plain:stream").content.clone().unwrap().is_ok());
}

#[test]
fn compressed_content_without_its_chunks_is_not_zeros() {
    let mut disk = fixture("rich.img");
    // The stream's name stands in each record that has one: `WofC` becomes `WofX`.
    let name = b"W\0o\0f\0C\0";
    let places: Vec<_> =
        (0..disk.len() - 8).step_by(2).filter(|&at| disk[at..].starts_with(name)).collect();
    for at in places {
        disk[at + 6] = b'X';
    }
    let reading = Reading::of(&open(disk).unwrap());
    let file = line(&reading, "overlay/lzx");
    assert!(file.content.clone().unwrap().is_err());
    assert!(file.node.clone().unwrap().unwrap().unread.is_some());
}

#[test]
fn content_of_which_the_reparse_point_cannot_be_read_is_not_zeros() {
    let mut disk = fixture("rich.img");
    let volume = open(disk.clone()).unwrap();
    let before = Reading::of(&volume);
    let packed = line(&before, "overlay/lzx").record as u32;
    let at = record(&disk, packed);
    let point = attribute(&disk, at, 0xc0);
    // Its value is too short for the head of a reparse point.
    disk[point + 0x10..point + 0x14].copy_from_slice(&4_u32.to_le_bytes());
    let reading = Reading::of(&open(disk).unwrap());
    let content = line(&reading, "overlay/lzx").content.clone().unwrap();
    assert!(content.unwrap_err().text.contains("reparse point"));
}

#[test]
fn an_index_whose_root_is_cut_off_is_told() {
    let mut disk = fixture("rich.img");
    let directory = record(&disk, number(&open(disk.clone()).unwrap(), "overlay"));
    let known = Reading::of(&open(disk.clone()).unwrap()).troubles();
    let root = attribute(&disk, directory, 0x90);
    disk[root + 0x10..root + 0x14].copy_from_slice(&8_u32.to_le_bytes());
    let troubles = Reading::of(&open(disk).unwrap()).troubles();
    let is_new = |text: &&String| text.contains("the root of the index") && !known.contains(*text);
    assert!(troubles.iter().any(|text| is_new(&text)), "{troubles:?}");
}

#[test]
fn a_list_of_attributes_that_breaks_off_is_told() {
    let whole = fixture("rich.img");
    let known = Reading::of(&open(whole.clone()).unwrap()).troubles();
    let mut told = 0;
    for at in (0..whole.len() - 1024).step_by(512) {
        // Records in use with 0x10, then a list, 0x20, in clusters of its own.
        let is_record = whole[at..].starts_with(b"FILE") && whole[at + 0x16] & 1 == 1;
        let first = at + usize::from(whole[at + 0x14]);
        let list = first + usize::from(whole[first + 4]);
        if !is_record || whole[first] != 0x10 || whole[list] != 0x20 || whole[list + 8] != 1 {
            continue;
        }
        // Its first run, and there the length of the second entry.
        let run = list + usize::from(whole[list + 0x20]);
        let (count, place) = (usize::from(whole[run] & 15), usize::from(whole[run] >> 4));
        let bytes = &whole[run + 1 + count..][..place];
        let cluster = bytes.iter().rev().fold(0, |all, &byte| all << 8 | usize::from(byte));
        let entries = cluster * usize::from(whole[13]) * 512;
        let mut disk = whole.clone();
        disk[entries + usize::from(whole[entries + 4]) + 4] = 1;
        let troubles = Reading::of(&open(disk).unwrap()).troubles();
        assert!(troubles.difference(&known).any(|text| text.contains("breaks off")), "{at:#x}");
        told += 1;
    }
    assert!(told > 0);
}

/// A disk that begins to fail.
struct Failing {
    disk: Vec<u8>,
    bad: std::sync::Mutex<Option<std::ops::Range<u64>>>,
}

impl ByteSource for Failing {
    fn size_bytes(&self) -> u64 {
        self.disk.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let end = offset + buffer.len() as u64;
        match &*self.bad.lock().unwrap() {
            Some(bad) if offset < bad.end && end > bad.start => {
                Err(Problem::new(ProblemKind::Unreadable, "bad sector").at(bad.start.max(offset)))
            }
            _ => self.disk.read_at(offset, buffer),
        }
    }
}

#[test]
fn a_record_that_fails_after_the_table_was_made_is_told() {
    let disk = fixture("runs.img");
    let source = std::sync::Arc::new(Failing { disk, bad: std::sync::Mutex::new(None) });
    let volume = triage_fs::open_ntfs(source.clone()).unwrap();
    let root = volume.list(volume.root()).names;
    let directory = root.iter().find(|found| found.name == b"fill").unwrap().node;
    let before = volume.list(directory);
    assert_eq!(before.problem, None);
    let is_deleted = |name: &&triage_evidence::NodeName| name.state == NameState::Deleted;
    let deleted = before.names.iter().find(is_deleted).expect("a deleted file");
    let at = record(&source.disk, (deleted.node.0 & 0xffff_ffff) as u32) as u64;
    *source.bad.lock().unwrap() = Some(at..at + 512);
    let after = volume.list(directory);
    assert!(after.names.len() < before.names.len());
    assert_eq!(after.problem.map(|problem| problem.kind), Some(ProblemKind::Unreadable));
}

#[test]
fn a_volume_that_was_not_unmounted_is_told() {
    let mut disk = fixture("testfs1.img");
    let volume = record(&disk, 3);
    let state = attribute(&disk, volume, 0x70);
    disk[state + 0x18 + 10] |= 1;
    assert_eq!(open(disk).unwrap().facts().problems.len(), 1);
}

#[test]
fn directories_that_hold_each_other_are_walked_once_and_lose_nothing() {
    let mut disk = fixture("rich.img");
    let volume = open(disk.clone()).unwrap();
    let before = Reading::of(&volume);
    let names = ["dir", "overlay"].map(|name| number(&volume, name));
    for (own, other) in [(names[0], names[1]), (names[1], names[0])] {
        let at = record(&disk, own);
        let parent = attribute(&disk, at, 0x30) + 0x18;
        disk[parent..parent + 8].copy_from_slice(&(u64::from(other) | 1 << 48).to_le_bytes());
    }
    let after = Reading::of(&open(disk).unwrap());
    let files = |reading: &Reading| {
        let lines = reading.lines.iter().filter(|line| line.content.is_some());
        let mut records: Vec<_> = lines.map(|line| line.record).collect();
        records.sort_unstable();
        records
    };
    assert_eq!(files(&after), files(&before));
    let is_dir = |line: &&Line| line.record == u64::from(names[0]);
    let states: Vec<_> = after.lines.iter().filter(is_dir).map(|line| line.state).collect();
    assert!(states.contains(&NameState::Reallocated));
}

#[test]
fn a_junction_that_hides_files_is_walked_as_a_directory() {
    let mut disk = fixture("rich.img");
    let volume = open(disk.clone()).unwrap();
    let (junction, plain) = (number(&volume, "junction"), number(&volume, "plain"));
    let at = record(&disk, plain);
    let parent = attribute(&disk, at, 0x30) + 0x18;
    disk[parent..parent + 8].copy_from_slice(&(u64::from(junction) | 1 << 48).to_le_bytes());
    let reading = Reading::of(&open(disk).unwrap());
    let node = line(&reading, "junction").node.clone().unwrap().unwrap();
    assert_eq!(node.kind, Kind::Directory);
    assert!(node.target.is_some());
    assert_eq!(line(&reading, "junction/plain").state, NameState::Allocated);
}

#[test]
fn a_deleted_file_whose_place_was_taken_is_lost() {
    let mut disk = fixture("rich.img");
    let volume = open(disk.clone()).unwrap();
    let orphans = volume.orphans().names;
    let partly = orphans.iter().find(|found| found.name == b"partly").unwrap().node;
    let bitmap = volume.list(volume.root()).names;
    let bitmap = bitmap.iter().find(|found| found.name == b"$Bitmap").unwrap().node;
    let map = volume.runs(bitmap, None).unwrap()[0].start.unwrap() as usize;
    for run in volume.runs(partly, None).unwrap() {
        let first = run.start.unwrap() / 1024;
        for cluster in first..first + run.size_bytes.div_ceil(1024) {
            disk[map + (cluster / 8) as usize] |= 1 << (cluster % 8);
        }
    }
    let volume = open(disk).unwrap();
    let node = volume.examine(partly).unwrap();
    assert_eq!(node.recovery, Some(triage_evidence::Recovery::Lost));
    assert!(volume.open(partly, None).is_err());
}

/// A disk of which one sector cannot be read.
struct BadSector(Vec<u8>, u64);

impl ByteSource for BadSector {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let end = offset + buffer.len() as u64;
        if offset < self.1 + 512 && end > self.1 {
            let at = offset.max(self.1);
            return Err(Problem::new(ProblemKind::Unreadable, "bad sector")
                .at(at)
                .losing(self.1 + 512 - at));
        }
        self.0.read_at(offset, buffer)
    }
}

#[test]
fn a_bad_sector_in_the_mft_costs_the_records_that_it_holds() {
    let disk = fixture("rich.img");
    let volume = open(disk.clone()).unwrap();
    let before = Reading::of(&volume).lines.len();
    let plain = record(&disk, number(&volume, "plain"));
    let reading = Reading::of(&open(BadSector(disk, plain as u64)).unwrap());
    let node = line(&reading, "plain").node.clone().unwrap();
    assert_eq!(node.unwrap_err().kind, ProblemKind::Unreadable);
    // Two streams are not known any more.
    assert_eq!(reading.lines.len(), before - 2);
}

#[test]
fn a_volume_is_shared_between_threads() {
    let volume = open(fixture("testfs1.img")).unwrap();
    let root = volume.root();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| volume.list(root))).collect();
        let listed: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(listed.windows(2).all(|pair| pair[0] == pair[1]));
    });
}
