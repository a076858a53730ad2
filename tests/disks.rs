//! Disk images: volumes, gaps, streams and deleted files, from the first scan to the verification.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::Scene;

/// Where the volume begins in the disks of these tests, in sectors.
const FIRST: usize = 64;
/// Where a cluster of the file `plain` lies in the volume, as `istat` of The Sleuth Kit tells.
const PLAIN: usize = 1189 * 1024;

/// Returns an NTFS volume with streams, links, compression and deleted files.
pub(crate) fn ntfs() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../triage-fs/tests/fixtures/ntfs");
    let file = std::fs::File::open(folder.join("rich.img.gz")).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Returns an E01 of a small ext2, made by `ewfacquire`.
pub(crate) fn e01() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../triage-image/tests/fixtures");
    std::fs::read(folder.join("ext2.E01")).unwrap()
}

/// Writes a disk with that volume, an encrypted one behind it, and gaps.
pub(crate) fn disk(scene: &Scene) -> PathBuf {
    let volume = ntfs();
    let sectors = volume.len() / 512;
    let encrypted = FIRST + sectors + 10;
    let mut disk = vec![0_u8; (encrypted + 20 + 5) * 512];
    let entries = [(0x07, FIRST, sectors), (0x83, encrypted, 20)];
    for (place, (kind, first, count)) in entries.into_iter().enumerate() {
        let at = 446 + 16 * place;
        disk[at + 4] = kind;
        disk[at + 8..at + 12].copy_from_slice(&(first as u32).to_le_bytes());
        disk[at + 12..at + 16].copy_from_slice(&(count as u32).to_le_bytes());
    }
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk[FIRST * 512..FIRST * 512 + volume.len()].copy_from_slice(&volume);
    disk[encrypted * 512..encrypted * 512 + 8].copy_from_slice(b"LUKS\xba\xbe\x00\x02");
    let path = scene.path("disk.img");
    std::fs::write(&path, disk).unwrap();
    path
}

fn args<'a>(rest: &[&'a str], path: &'a Path) -> Vec<&'a str> {
    let mut args = vec![rest[0], path.to_str().unwrap()];
    args.extend(&rest[1..]);
    args
}

#[test]
fn a_disk_is_scanned_volume_by_volume_and_every_byte_has_its_class() {
    let scene = Scene::new();
    let path = disk(&scene);
    let ran = scene.triage(args(&["scan", "--case", "c", "--json"], &path)).exits(3);
    let classes = &ran.summary()["coverage"]["classes"];
    assert_eq!(classes["encrypted"]["entries"], 1);
    assert_eq!(classes["encrypted"]["bytes"], 20 * 512);
    let root = scene.line("c", ".");
    assert_eq!(root["facts"]["partition_table"], "mbr");
    let volume = scene.line("c", "vol1");
    assert_eq!(volume["facts"]["file_system"], "ntfs");
    assert_eq!(volume["facts"]["start"], (FIRST * 512).to_string());
    assert_eq!(scene.line("c", "vol2")["error"]["text"], "the volume is encrypted (LUKS2)");
    let gaps: Vec<u64> = scene
        .manifest("c")
        .iter()
        .filter(|line| line["path"].as_str().is_some_and(|path| path.starts_with("gap@")))
        .map(|line| line["size"].as_u64().unwrap())
        .collect();
    assert_eq!(gaps.len(), 3);
    assert_eq!(gaps.iter().sum::<u64>(), (FIRST as u64 + 10 + 5) * 512);
}

#[test]
fn streams_and_deleted_files_are_entries_of_their_own_and_say_so() {
    let scene = Scene::new();
    let path = disk(&scene);
    let content = b"a resident content, deleted";
    let set = scene.set("known.txt", &[content]);
    // The MD5 of the deleted file `certain`, as icat gives it.
    std::fs::write(&set, "9e2166fd6dfa665d28822fd5f52db36c\n").unwrap();
    let set = set.to_str().unwrap();
    let ran = scene.triage(args(&["scan", "--case", "c", "--sets", set], &path)).exits(4);
    assert!(ran.stdout.contains("DELETED (recovered: certain)"), "{}", ran.stdout);
    let deleted: Vec<Value> = scene
        .manifest("c")
        .into_iter()
        .filter(|line| line["deleted"] == true && line["match"].is_array())
        .collect();
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0]["recovered"], "certain");
    assert_eq!(deleted[0]["path"], "vol1/\\:orphans/deeper\\:deleted:97-2/certain\\:deleted:98-2");
    let stream = scene.line("c", "vol1/plain\\:stream:large stream");
    assert_eq!((&stream["size"], &stream["status"]), (&9000.into(), &"read".into()));
    // What is deleted or a stream stands in no list that a stock tool checks.
    let list = std::fs::read_to_string(scene.path("c/data/evidence.sha256")).unwrap();
    assert!(
        list.contains("  vol1/plain\n") && !list.contains("stream") && !list.contains("certain")
    );
    let page = std::fs::read_to_string(scene.path("c/data/report/report.html")).unwrap();
    assert!(page.contains("deleted, recovered: certain") && page.contains("file_system: ntfs"));
}

#[test]
fn a_disk_is_verified_and_a_changed_byte_of_it_is_found() {
    let scene = Scene::new();
    let path = disk(&scene);
    scene.triage(args(&["scan", "--case", "c"], &path)).exits(3);
    let image = path.to_str().unwrap();
    scene.triage(["verify", "c", image]).exits(3);
    let mut bytes = std::fs::read(&path).unwrap();
    let wanted = ntfs();
    // The first cluster of a file with a known content.
    let at = (0..bytes.len()).step_by(512).rev().find(|&at| {
        let rest = &bytes[at..];
        rest.len() > 512 && rest[..512].iter().any(|&byte| byte != 0) && at < wanted.len()
    });
    bytes[at.unwrap() + 3] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    scene.triage(["verify", "c", image]).exits(5);
}

#[test]
fn listed_locations_of_a_disk_are_read_alone_and_lossless() {
    let scene = Scene::new();
    let path = disk(&scene);
    scene.triage(args(&["scan", "--case", "all"], &path)).exits(3);
    let wanted = ["vol1/plain\\:stream:stream", "vol1/\\:orphans/partly\\:deleted:100-2"];
    std::fs::write(scene.path("list"), wanted.join("\n")).unwrap();
    scene.triage(args(&["scan", "--case", "some", "--files-from", "list"], &path)).exits(0);
    assert_eq!(scene.manifest("some").len(), 2);
    for path in wanted {
        assert_eq!(scene.line("some", path)["hashes"], scene.line("all", path)["hashes"]);
    }
}

/// Returns the lines of a manifest without what tells their place in it.
fn unplaced(lines: Vec<Value>) -> Vec<Value> {
    lines
        .into_iter()
        .map(|mut line| {
            line.as_object_mut().unwrap().remove("seq");
            line
        })
        .collect()
}

#[test]
fn the_locations_of_a_manifest_fed_back_give_the_same_lines() {
    let scene = Scene::new();
    let path = disk(&scene);
    scene.triage(args(&["scan", "--case", "all"], &path)).exits(3);
    let all = scene.manifest("all");
    // In another order: the manifest has its own.
    let list: Vec<&str> = all.iter().rev().map(|line| line["path"].as_str().unwrap()).collect();
    std::fs::write(scene.path("list"), list.join("\n")).unwrap();
    let ran = scene.triage(args(&["scan", "--case", "again", "--files-from", "list"], &path));
    ran.exits(3);
    assert_eq!(unplaced(scene.manifest("again")), unplaced(all));
}

#[test]
fn a_location_that_is_not_there_is_a_record_and_the_scan_is_incomplete() {
    let scene = Scene::new();
    let path = disk(&scene);
    let wanted = ["vol1/plain", "vol1/no-such-file", "vol9/plain", "vol1/plain/below"];
    std::fs::write(scene.path("list"), wanted.join("\n")).unwrap();
    let ran = scene.triage(args(&["scan", "--case", "c", "--files-from", "list"], &path)).exits(3);
    assert!(ran.stderr.contains("INCOMPLETE") || ran.stdout.contains("INCOMPLETE"));
    assert_eq!(scene.manifest("c").len(), 4);
    assert_eq!(scene.line("c", "vol1/plain")["status"], "read");
    assert_eq!(scene.line("c", "vol1/no-such-file")["error"]["code"], "ENOENT");
    assert_eq!(scene.line("c", "vol9/plain")["status"], "unreadable");
    assert_eq!(scene.line("c", "vol1/plain/below")["error"]["code"], "ENOTDIR");
}

#[test]
fn an_e01_is_compared_with_the_digests_that_it_stores() {
    let scene = Scene::new();
    let image = scene.path("a.E01");
    std::fs::write(&image, e01()).unwrap();
    let ran = scene.triage(["verify", "a.E01"]).exits(0);
    assert!(ran.stdout.contains("medium: md5 196066add11fb71c4c49cf1bb50d6d24"), "{}", ran.stdout);
    scene.triage(["scan", "a.E01", "--case", "c"]).exits(0);
    let ran = scene.triage(["verify", "c", "a.E01", "--json"]).exits(0);
    assert_eq!(ran.summary()["evidence"]["medium"]["agrees"], true);
    // Another digest is stored: the section of it, with a checksum that fits.
    let mut bytes = e01();
    let md5 = [0x19, 0x60, 0x66, 0xad, 0xd1, 0x1f, 0xb7, 0x1c];
    for at in 0..bytes.len() - md5.len() {
        if bytes[at..].starts_with(&md5) {
            bytes[at] ^= 1;
        }
    }
    std::fs::write(&image, bytes).unwrap();
    let ran = scene.triage(["verify", "a.E01"]).exits(5);
    assert!(ran.stdout.contains("FINDING the medium is not the one"), "{}", ran.stdout);
    let ran = scene.triage(["verify", "c", "a.E01", "--json"]).exits(5);
    assert_eq!(ran.summary()["evidence"]["medium"]["agrees"], false);
    // A package or an image, nothing else.
    std::fs::write(scene.path("text"), b"text").unwrap();
    scene.triage(["verify", "text"]).exits(2);
}

#[test]
fn packages_of_two_states_of_a_disk_differ_by_what_was_changed() {
    let scene = Scene::new();
    let path = disk(&scene);
    scene.triage(args(&["scan", "--case", "before"], &path)).exits(3);
    scene.triage(args(&["scan", "--case", "same"], &path)).exits(3);
    // What neither could read is not known to be the same: the encrypted volume, and files.
    let ran = scene.triage(["diff", "before", "same", "--json"]).exits(3);
    let unread: Vec<String> =
        ran.lines().iter().map(|line| format!("{} {}", line["path"], line["what"])).collect();
    assert!(
        unread.contains(&"\"vol2\" \"neither of them read its content\"".to_owned()),
        "{unread:?}"
    );
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[FIRST * 512 + PLAIN] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    scene.triage(args(&["scan", "--case", "after"], &path)).exits(3);
    let ran = scene.triage(["diff", "before", "after", "--json"]).exits(4);
    let summary = ran.summary();
    assert_eq!((&summary["changed"], &summary["added"]), (&1.into(), &0.into()));
    let lines = ran.lines();
    let changed = lines.iter().find(|line| line["difference"] == "changed").unwrap();
    assert_eq!(changed["path"], "vol1/plain");
}

#[test]
fn a_deleted_hit_is_called_deleted_wherever_it_is_told() {
    let scene = Scene::new();
    let path = disk(&scene);
    std::fs::write(scene.path("known.txt"), "9e2166fd6dfa665d28822fd5f52db36c\n").unwrap();
    let known = ["scan", "--case", "c", "--sets", "known.txt", "--json"];
    let ran = scene.triage(args(&known, &path)).exits(4);
    let hit = ran.lines().into_iter().find(|line| line["type"] == "hit").unwrap();
    assert_eq!(hit["entry"]["deleted"], true);
    assert_eq!(hit["entry"]["recovered"], "certain");
    let csv = std::fs::read_to_string(scene.path("c/data/report/hits.csv")).unwrap();
    let (head, row) = csv.split_once('\n').unwrap();
    assert!(head.contains("recovered") && row.contains("certain"), "{csv}");
    let page = std::fs::read_to_string(scene.path("c/data/report/report.html")).unwrap();
    let hits: Vec<&str> = page.split("<tr").filter(|row| row.contains("deleted:98-2")).collect();
    assert!(!hits.is_empty());
    for row in hits {
        assert!(row.contains("deleted, recovered: certain"), "{row}");
    }
    let json = scene.triage(["report", "c", "--format", "json"]).exits(0).stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    let row = &report["hit_rows"][0];
    assert_eq!((&row["deleted"], &row["recovered"]), (&true.into(), &"certain".into()));
}

#[test]
fn a_file_of_a_disk_can_be_taken_for_a_file() {
    let scene = Scene::new();
    let path = disk(&scene);
    scene.triage(args(&["scan", "--case", "c", "--as", "files"], &path)).exits(0);
    assert_eq!(scene.manifest("c").len(), 1);
    std::fs::write(scene.path("bogus.E01"), b"nothing").unwrap();
    let ran = scene.triage(["scan", "bogus.E01", "--case", "d"]).exits(2);
    assert!(ran.stderr.contains("called .E01"), "{}", ran.stderr);
}

/// A link whose target stands in a block of its own, which the image does not hold any more.
#[test]
fn a_link_whose_target_cannot_be_read_is_a_gap() {
    let scene = Scene::new();
    let folder = scene.path("put in");
    std::fs::create_dir(&folder).unwrap();
    let target = "a/long/way/".repeat(12);
    std::os::unix::fs::symlink(&target, folder.join("link")).unwrap();
    let image = scene.path("link.img");
    let words = ["-q", "-t", "ext2", "-b", "1024", "-d"].map(std::ffi::OsStr::new);
    let made = [&words[..], &[folder.as_ref(), image.as_ref(), "1M".as_ref()]].concat();
    let Some(made) = crate::harness::stock("mke2fs", &made, Path::new("/")) else { return };
    made.exits(0);
    scene.triage(args(&["scan", "--case", "whole"], &image)).exits(0);
    assert_eq!(scene.line("whole", "vol0/link")["target"], target.as_str());
    // The block number of the inode leads behind the end of the volume.
    let mut bytes = std::fs::read(&image).unwrap();
    let block = bytes.windows(target.len()).position(|at| at == target.as_bytes()).unwrap() / 1024;
    let number = (block as u32).to_le_bytes();
    let size = (target.len() as u32).to_le_bytes();
    // The inode: its size at 4, the first block at 40.
    let inode = (0..bytes.len() - 128)
        .step_by(128)
        .find(|&at| bytes[at + 4..at + 8] == size && bytes[at + 40..at + 44] == number)
        .unwrap();
    bytes[inode + 40..inode + 44].copy_from_slice(&1_000_000_u32.to_le_bytes());
    std::fs::write(&image, bytes).unwrap();
    scene.triage(args(&["scan", "--case", "cut"], &image)).exits(3);
    let line = scene.line("cut", "vol0/link");
    assert_eq!(line["status"], "unreadable", "{line}");
    assert_eq!(line["target"], Value::Null);
}
