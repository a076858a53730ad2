//! Fixtures against what The Sleuth Kit says of them and against what was put in.

use std::collections::BTreeMap;

use triage_evidence::{Kind, NameState, Recovery, Time};

use crate::reading::{Line, escape};
use crate::volumes::{VOLUMES, line, reading, volume};

/// What The Sleuth Kit says of one name: A or D, kind, size, MD5, four times.
struct Expected<'a>(Vec<&'a str>);

/// Reads the expectations, keyed by path and inode.
fn expected(text: &str) -> BTreeMap<(String, u64), Expected<'_>> {
    let row = |line| {
        let fields: Vec<&str> = str::split(line, '\t').collect();
        let key = (fields[3].to_owned(), fields[1].parse().unwrap());
        let fields = [&fields[..1], &fields[2..3], &fields[4..]].concat();
        (key, Expected(fields))
    };
    text.lines().map(row).collect()
}

fn text(time: Option<Time>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// The tool leaves the field of 10 ms out, which exFAT has for three of its times.
const fn even_second(time: Time) -> Time {
    Time { seconds: time.seconds - time.seconds.rem_euclid(2), nanoseconds: 0 }
}

/// Compares one line; returns what differs.
fn compare(line: &Line, Expected(theirs): &Expected<'_>, is_exfat: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, ours: &str, theirs: &str| {
        if ours != theirs {
            found.push(format!("{}: {what}: {ours} for {theirs}", line.path));
        }
    };
    let is_deleted = line.state != NameState::Allocated;
    differ("deleted", if is_deleted { "D" } else { "A" }, theirs[0]);
    let Some(Ok(node)) = &line.node else {
        // A deleted name whose number belongs to another file has nothing to compare.
        differ("state", &format!("{:?}", line.state), "Reallocated");
        return found;
    };
    let kind = match node.kind {
        Kind::Directory => "dir",
        Kind::Symlink => "symlink",
        Kind::Fifo => "fifo",
        _ => "file",
    };
    differ("kind", kind, theirs[1]);
    let times = [node.times.modified, node.times.accessed, node.times.changed, node.times.born];
    // Of ext2 and ext3 the tool never shows when a file was born.
    let shown = if theirs[7] == "-" { 3 } else { 4 };
    for (ours, theirs) in times.into_iter().zip(&theirs[4..]).take(shown) {
        let ours = text(ours.map(|time| if is_exfat { even_second(time) } else { time }));
        if !ours.starts_with(theirs) {
            differ("time", &ours, theirs);
        }
    }
    if let Some(Ok(content)) = &line.content {
        differ("size", &content.size_bytes.to_string(), theirs[2]);
        differ("md5", &content.md5, theirs[3]);
    }
    found
}

/// Compares a fixture with its expectations and returns how many names were equal, and the
/// differences.
fn against_the_sleuth_kit(name: &str) -> (usize, Vec<String>) {
    let reading = reading(name);
    assert_eq!(reading.problems, [], "{name}");
    let path = format!("{}/tests/fixtures/disks/{name}.tsk.tsv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut expected = expected(&text);
    let (mut differences, mut equal) = (Vec::new(), 0);
    for line in &reading.lines {
        assert!(!line.is_stream, "{name}: {}", line.path);
        match expected.remove(&(line.path.clone(), line.record)) {
            Some(expected) => {
                let found = compare(line, &expected, name.starts_with("exfat"));
                equal += usize::from(found.is_empty());
                differences.extend(found);
            }
            None => differences.push(format!("{}: only ours", line.path)),
        }
    }
    differences.extend(expected.keys().map(|(path, _)| format!("{path}: only theirs")));
    (equal, differences)
}

#[test]
fn every_name_size_time_and_digest_is_that_of_the_sleuth_kit() {
    let names = [
        ("ext2", 140),
        ("ext3", 140),
        ("ext4", 141),
        ("ext4-inline", 140),
        ("ext4-meta", 141),
        ("ext4-old", 141),
        ("fat12", 8),
        ("fat16", 8),
        ("fat32", 136),
        ("exfat", 15),
        ("exfat-made", 140),
    ];
    for (name, count) in names {
        let (equal, mut differences) = against_the_sleuth_kit(name);
        // Names that lost their number: the tool does not look for the inodes in a directory of
        // its own unless a name is left.
        differences.retain(|line| name != "ext4-inline" || !line.starts_with("$OrphanFiles/"));
        assert_eq!((equal, &*differences), (count, &[][..]), "{name}");
    }
}

/// How a deleted file of a fixture comes back.
fn recovery(name: &str, path: &str) -> Option<Recovery> {
    let reading = reading(name);
    let line = line(&reading, path);
    assert_ne!(line.state, NameState::Allocated, "{name} {path}");
    line.node.as_ref()?.as_ref().ok()?.recovery
}

#[test]
fn every_file_has_the_digest_of_what_was_put_in() {
    let path = format!("{}/tests/fixtures/disks/tree.md5", env!("CARGO_MANIFEST_DIR"));
    let truth = std::fs::read_to_string(path).unwrap();
    for (name, _) in VOLUMES {
        if matches!(name, "fat12" | "fat16" | "exfat") {
            continue;
        }
        let reading = reading(name);
        let (mut checked, mut deleted) = (0, 0);
        for row in truth.lines() {
            let (md5, path) = row.split_once("  ").unwrap();
            let path = escape(path.as_bytes());
            let path = match (name, &*path) {
                // Its name lost its number.
                ("ext4-inline", "deep/er/est/gone") => "$OrphanFiles/inode-15",
                // Deleted short names lost their first characters.
                ("fat32", "deep/er/est/gone") => "deep/_r/_st/_one",
                (_, path) => path,
            };
            let found = reading.lines.iter().find(|line| line.path == path);
            let Some(Ok(content)) = found.and_then(|line| line.content.as_ref()) else {
                panic!("{name}: {path} is missing");
            };
            // It was made longer after it was put in. mke2fs 1.47.0 puts the last blocks of a
            // sparse file a block too early if there is inline data: debugfs says the same.
            let is_same =
                !matches!((name, path), ("exfat-made", "one") | ("ext4-inline", "sparse"));
            assert_eq!(content.md5 == md5, is_same, "{name}: {path}");
            checked += 1;
            deleted += usize::from(found.unwrap().state != NameState::Allocated);
        }
        let gone = match name {
            "fat32" => 3,
            "exfat-made" => 5,
            _ => 6,
        };
        assert_eq!((checked, deleted), (132, gone), "{name}");
    }
}

#[test]
fn what_can_be_recovered_is_told() {
    for name in ["ext2", "ext4", "ext4-bigalloc"] {
        assert_eq!(recovery(name, "gone first"), Some(Recovery::Certain), "{name}");
    }
    // The chain of a deleted file of FAT is gone whatever its clusters hold.
    assert_eq!(recovery("fat32", "gone first"), Some(Recovery::Guess));
    assert_eq!(recovery("exfat-made", "gone first"), Some(Recovery::Certain));
}

#[test]
fn volumes_say_what_they_are() {
    for (name, file_system) in VOLUMES {
        assert_eq!(volume(name).facts().file_system, file_system, "{name}");
    }
    let label = |name| String::from_utf8(volume(name).facts().label.clone().unwrap()).unwrap();
    assert_eq!(label("ext4"), "L-ext4");
    assert_eq!(label("fat32"), "LABEL32");
    assert_eq!(label("exfat-made"), "Größe 7");
    let uuid = "11111111-2222-3333-4444-555555555555";
    assert_eq!(volume("ext2").facts().identifier.as_deref(), Some(uuid));
    assert_eq!(volume("fat32").facts().identifier.as_deref(), Some("1234-5678"));
    assert!(volume("fat16").facts().time_zone.unwrap().starts_with("local time"));
    assert_eq!(volume("ext4").facts().time_zone, None);
    assert_eq!(volume("ext4-bigalloc").facts().cluster_bytes, 16_384);
}

#[test]
fn links_pipes_and_unwritten_blocks_are_told_for_what_they_are() {
    for name in ["ext2", "ext4", "ext4-inline", "ext4-bigalloc"] {
        let reading = reading(name);
        let node = |path: &str| line(&reading, path).node.clone().unwrap().unwrap();
        assert_eq!(node("short-link").target.as_deref(), Some(&b"tiny"[..]), "{name}");
        assert_eq!(node("long-link").target, Some(vec![b'x'; 200]), "{name}");
        assert_eq!(node("pipe").kind, Kind::Fifo, "{name}");
        assert_eq!(node("deep/hard link").links, Some(2), "{name}");
        assert_eq!(node("large").links, Some(2), "{name}");
        assert!(node("sparse").allocated_bytes < Some(20_000), "{name}");
    }
    // Blocks that were given out and never written read as zeros, whatever lies there.
    let reading = reading("ext4");
    let content = line(&reading, "unwritten").content.clone().unwrap().unwrap();
    assert_eq!((content.size_bytes, &*content.md5), (5_000, "6bf95a48f366bdf8af3a198c7b723c77"));
    let volume = volume("ext4-inline");
    let names = volume.list(volume.root()).names;
    let node = |name: &[u8]| names.iter().find(|found| found.name == name).unwrap().node;
    assert!(volume.runs(node(b"inline"), None).unwrap().is_empty());
}

#[test]
fn free_space_is_what_the_tools_count() {
    // `dumpe2fs -h` (free blocks), `fsck.fat -v` and `dumpexfat` (free clusters).
    for (name, bytes) in [
        ("ext2", 1744 << 10),
        ("ext4", 1691 << 10),
        ("ext4-bigalloc", 1808 << 10),
        ("fat32", (68_528 - 1336) * 512),
        ("exfat-made", 835_584),
    ] {
        assert_eq!(volume(name).unallocated_bytes().unwrap(), bytes, "{name}");
    }
}
