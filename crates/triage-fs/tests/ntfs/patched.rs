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
