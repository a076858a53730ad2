//! The look of a few seconds: images, encrypted and truncated ones, folders, and what is neither.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::disks::{disk, e01, ntfs};
use crate::harness::{Ran, Scene, skip};

fn probe(scene: &Scene, path: &Path) -> Ran {
    let started = Instant::now();
    let ran = scene.triage(["probe", path.to_str().unwrap(), "--json"]);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    ran
}

/// Writes a disk with a GPT, its copy, and one partition of ext2 that holds nothing.
fn gpt(scene: &Scene) -> PathBuf {
    let sectors = 4096_usize;
    let mut disk = vec![0_u8; sectors * 512];
    let mut entry = [0_u8; 128];
    // The type of Linux file systems, in the order of the disk.
    entry[..16].copy_from_slice(&[
        0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d,
        0xe4,
    ]);
    entry[16..32].copy_from_slice(&[7; 16]);
    entry[32..40].copy_from_slice(&64_u64.to_le_bytes());
    entry[40..48].copy_from_slice(&2047_u64.to_le_bytes());
    let mut entries = vec![0_u8; 128 * 128];
    entries[..128].copy_from_slice(&entry);
    let mut header = |at: u64, other: u64, table: u64| {
        let mut head = [0_u8; 92];
        head[..8].copy_from_slice(b"EFI PART");
        head[8..12].copy_from_slice(&0x1_0000_u32.to_le_bytes());
        head[12..16].copy_from_slice(&92_u32.to_le_bytes());
        for (place, value) in [(24, at), (32, other), (40, 34), (48, sectors as u64 - 34)] {
            head[place..place + 8].copy_from_slice(&value.to_le_bytes());
        }
        head[56..72].copy_from_slice(&[9; 16]);
        head[72..80].copy_from_slice(&table.to_le_bytes());
        head[80..84].copy_from_slice(&128_u32.to_le_bytes());
        head[84..88].copy_from_slice(&128_u32.to_le_bytes());
        head[88..92].copy_from_slice(&crc32(&entries).to_le_bytes());
        let sum = crc32(&head);
        head[16..20].copy_from_slice(&sum.to_le_bytes());
        let start = at as usize * 512;
        disk[start..start + 92].copy_from_slice(&head);
        let start = table as usize * 512;
        disk[start..start + entries.len()].copy_from_slice(&entries);
    };
    header(1, sectors as u64 - 1, 2);
    header(sectors as u64 - 1, 1, sectors as u64 - 33);
    disk[446 + 4] = 0xee;
    disk[446 + 8..446 + 12].copy_from_slice(&1_u32.to_le_bytes());
    disk[446 + 12..446 + 16].copy_from_slice(&(sectors as u32 - 1).to_le_bytes());
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    // A superblock of ext2 without what belongs to it.
    disk[64 * 512 + 1024 + 56..64 * 512 + 1024 + 58].copy_from_slice(&[0x53, 0xef]);
    disk[64 * 512 + 1024 + 32] = 1;
    let path = scene.path("gpt.img");
    std::fs::write(&path, disk).unwrap();
    path
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn a_disk_with_an_encrypted_volume_says_what_a_scan_cannot_list() {
    let scene = Scene::new();
    let path = disk(&scene);
    let ran = probe(&scene, &path).exits(3);
    let lines = ran.lines();
    let head = &lines[0];
    assert_eq!((&head["type"], &head["kind"]), (&"probe".into(), &"disk".into()));
    assert_eq!(head["facts"]["partition_table"], "mbr");
    let volumes: Vec<_> = lines.iter().filter(|line| line["type"] == "volume").collect();
    assert_eq!(volumes.len(), 2);
    assert_eq!((&volumes[0]["content"], &volumes[0]["listed"]), (&"ntfs".into(), &true.into()));
    assert_eq!(volumes[0]["facts"]["cluster_bytes"], "1024");
    assert_eq!(volumes[1]["content"], "encrypted (LUKS2)");
    assert_eq!(volumes[1]["problem"]["kind"], "encrypted");
    assert_eq!(lines.iter().filter(|line| line["type"] == "gap").count(), 3);
    let storage = lines.iter().find(|line| line["type"] == "storage").unwrap();
    assert_eq!((&storage["mounted"], &storage["swap"]), (&false.into(), &false.into()));
    assert_eq!(ran.summary()["do_not_power_off"], false);
    // In words, for a person.
    let said = scene.triage(["probe", path.to_str().unwrap()]).exits(3).stdout;
    assert!(said.contains("NOT READ: the volume is encrypted (LUKS2)"), "{said}");
    assert!(said.contains("INCOMPLETE: the files of 1 of 2 volumes"), "{said}");
}

#[test]
fn a_plain_volume_and_a_gpt_are_told() {
    let scene = Scene::new();
    let path = scene.path("ntfs.img");
    std::fs::write(&path, ntfs()).unwrap();
    let ran = probe(&scene, &path).exits(0);
    assert_eq!(ran.lines()[0]["facts"]["partition_table"], "none");
    assert_eq!(ran.summary()["unread_volumes"], 0);
    let lines = probe(&scene, &gpt(&scene)).exits(3).lines();
    assert_eq!(lines[0]["facts"]["partition_table"], "gpt");
    let volume = lines.iter().find(|line| line["type"] == "volume").unwrap();
    assert_eq!((&volume["name"], &volume["content"]), (&"vol1".into(), &"ext2".into()));
    assert_eq!(volume["size"], 1984 * 512);
    assert_eq!(volume["listed"], false, "its superblock makes no sense");
}

#[test]
fn an_e01_tells_its_case_and_digests_and_a_cut_one_what_is_missing() {
    let scene = Scene::new();
    let whole = scene.path("whole.E01");
    std::fs::write(&whole, e01()).unwrap();
    let lines = probe(&scene, &whole).exits(0).lines();
    assert_eq!(lines[0]["container"], "ewf");
    let md5 = lines[0]["facts"]["stored_md5"].as_str().unwrap();
    assert_eq!(md5.len(), 32);
    let bytes = std::fs::read(&whole).unwrap();
    let cut = scene.path("cut.E01");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let ran = scene.triage(["probe", cut.to_str().unwrap()]);
    assert!(ran.code == 3 || ran.code == 2, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("NOTE") || ran.stderr.contains("because"), "{}", ran.stdout);
}

#[test]
fn a_folder_tells_its_mount_and_a_file_that_it_is_one() {
    let scene = Scene::new();
    scene.file("a.txt", b"a harmless file");
    let lines = probe(&scene, &scene.evidence()).exits(0).lines();
    assert_eq!(lines[0]["kind"], "folder");
    let mount = lines.iter().find(|line| line["type"] == "mount").unwrap();
    assert!(mount["point"].as_str().unwrap().starts_with('/'), "{mount}");
    let lines = probe(&scene, &scene.evidence().join("a.txt")).exits(0).lines();
    assert_eq!((&lines[0]["kind"], &lines[0]["size"]), (&"file".into(), &15.into()));
}

#[test]
fn what_is_not_there_or_no_evidence_is_a_mistake_of_usage() {
    let scene = Scene::new();
    let ran = scene.triage(["probe", "nothing.img"]).exits(2);
    assert!(ran.stderr.contains("ENOENT"), "{}", ran.stderr);
    let pipe = scene.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let ran = probe(&scene, &pipe).exits(2);
    assert!(ran.stderr.contains("neither a folder"), "{}", ran.stderr);
    assert_eq!(ran.summary()["exit"], 2);
}

#[test]
fn a_file_system_with_tables_too_large_for_a_look_is_named_all_the_same() {
    let scene = Scene::new();
    let path = scene.path("fat.img");
    let Ok(file) = std::fs::File::create(&path) else { panic!("no file") };
    file.set_len(2 << 40).unwrap();
    drop(file);
    let made =
        std::process::Command::new("mkfs.vfat").args(["-F", "32", "-s", "64"]).arg(&path).output();
    let Ok(made) = made else {
        skip("mkfs.vfat is not installed");
        return;
    };
    if !made.status.success() {
        skip("mkfs.vfat makes no file system of 2 TiB here");
        return;
    }
    let lines = probe(&scene, &path).exits(0).lines();
    let volume = lines.iter().find(|line| line["type"] == "volume").unwrap();
    assert_eq!((&volume["content"], &volume["listed"]), (&"fat32".into(), &false.into()));
    assert!(volume["problem"].is_null(), "it is not known to be unreadable: {volume}");
}
